"""One who follows a topic with the Python client, and keeps what it was told: whatever breaks between."""

import asyncio
import threading
import time
from types import TracebackType
from typing import Self

from rollcall_client import Event, RollcallEvents

from tests.journeys.client import Json


class Following(threading.Thread):
    """Runs within `with`, on a loop of its own. Its error is raised on leaving."""

    def __init__(self, url: str, token: str, topic: str) -> None:
        super().__init__(name=f"client on {topic}", daemon=True)
        self.told: list[Json] = []
        self.came_s: dict[str, float] = {}  # when an event came, by its id
        self.error: BaseException | None = None
        self.began = threading.Event()
        self._url = url
        self._token = token
        self._topic = topic
        self._loop = asyncio.new_event_loop()
        self._enough = asyncio.Event()

    def __enter__(self) -> Self:
        self.start()
        assert self.began.wait(60)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._enough.set)
        self.join(60)
        if self.error is not None:
            raise self.error

    @property
    def offset(self) -> int:
        return self.told[-1]["offset"] if self.told else 0

    def run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            try:
                runner.run(self._main())
            except BaseException as error:  # noqa: BLE001 - told on leaving
                self.error = error

    async def _main(self) -> None:
        async with RollcallEvents(self._url, token=self._token) as events, asyncio.TaskGroup() as tasks:
            following = tasks.create_task(self._follow(events))
            await self._enough.wait()
            following.cancel()

    async def _follow(self, events: RollcallEvents) -> None:
        subscription = await events.subscribe(self._topic).started()
        self.began.set()
        async for item in subscription:
            if not isinstance(item, Event) or item.cursor is None:
                raise RuntimeError(f"not all that was missed is told: {item}")
            self.came_s[item.id] = time.monotonic()
            self.told.append({"offset": item.cursor.offset, "event": {"id": item.id, "type": item.type}})
