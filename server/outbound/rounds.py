"""Looks for what waits, every few seconds and whenever somebody says that there is some, and serves each in a task of
its own, some at once. What a look or a task fails at is another look's to find: where it stands is in the rows."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

import structlog

from server.events.hub import Wires
from server.store.away import is_away
from server.supervise import said

# Ids, the longest waiting first; it is asked with how much room there is, also where there is none.
Waiting = Callable[[int], Awaitable[Sequence[str]]]
# Whether there is more to do at once. After an error nobody is in a hurry: the database may not answer.
Serve = Callable[[str], Awaitable[bool]]


class Rounds:
    """One in a process for each kind of thing that is served."""

    def __init__(
        self, bus: Wires, channels: Sequence[str], waiting: Waiting, *, what: str, at_once: int, poll_s: float
    ) -> None:  # fmt: skip
        """`channels` of the bus say that there is more. `what` is served, as the log calls it."""
        self.heard = 0  # how often somebody has said that there is more
        self._bus = bus
        self._channels = channels
        self._waiting = waiting
        self._what = what
        self._at_once = at_once
        self._poll_s = poll_s
        self._serving: set[str] = set()
        self._wanted = asyncio.Event()
        self._crowded = False  # some had to be left for another look
        self._log = structlog.get_logger(__name__)

    async def run(self, serve: Serve) -> None:
        """The owner's task: until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._listen())
            while True:
                self._wanted.clear()
                try:
                    for one in await self._free():
                        self._serving.add(one)
                        tasks.create_task(self._serve(one, serve))
                except Exception as error:  # noqa: BLE001 - whatever the database says, it must be looked again
                    self._log.warning(f"{self._what}s_unreadable", reason=said(error))
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._poll_s):
                        await self._wanted.wait()

    async def _listen(self) -> None:
        async with self._bus.subscribe(*self._channels) as messages:
            async for _ in messages:
                self.heard += 1
                self._wanted.set()

    async def _free(self) -> Sequence[str]:
        room = max(0, self._at_once - len(self._serving))
        free = [one for one in await self._waiting(room) if one not in self._serving]
        self._crowded = not room or len(free) > room
        return free[:room]

    async def _serve(self, one: str, serve: Serve) -> None:
        """Never raises."""
        more = False
        try:
            more = await serve(one) or self._crowded
        except Exception as error:  # noqa: BLE001 - its lease runs out, and somebody looks again
            fault = None if is_away(error) else error
            self._log.warning(f"{self._what}_left", id=one, reason=said(error), exc_info=fault)
        finally:
            self._serving.discard(one)
            if more:
                self._wanted.set()
