"""Who is connected: consoles, programs and kiosks, at this server and at the others of the site."""

import asyncio
import platform
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Literal, Protocol, get_args

import orjson
import structlog

from server.clock import Clock
from server.events.gate import Principal
from server.wire import rfc3339

PRESENCE_CHANNEL = "presence"
BEAT_S = 5.0  # from one word to the next where nothing changes
LOST_AFTER_BEATS = 3.2  # two of them may be lost on the way
SETTLE_S = 0.5  # what changes within it is told together
MOST_TOLD = 500  # of one server to the others, kiosks before others and who came first: how many more is told as well

Kind = Literal["user", "program", "kiosk"]
Transport = Literal["websocket", "stream"]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True, slots=True)
class Present:
    """One connection, and who has it. `own_id` is of the user, or of the kiosk; `key_id` of a program's key."""

    connection_id: str
    kind: Kind
    own_id: str
    key_id: str | None
    name: str
    since: datetime
    address: str
    agent: str
    transport: Transport
    subscriptions: int

    @classmethod
    def of(
        cls, principal: Principal, connection_id: str, since: datetime, address: str, agent: str,
        transport: Transport, subscriptions: int,
    ) -> "Present":  # fmt: skip
        """Of somebody who was let in."""
        kind: Kind = "kiosk" if principal.kiosk_id is not None else "program" if principal.key_id else "user"
        name = str(principal.user.get("fullName") or principal.user.get("email") or "")
        return cls(
            connection_id, kind, principal.id, principal.key_id, name, since, address, agent, transport, subscriptions
        )


@dataclass(frozen=True, slots=True)
class Server:
    """One server of the site with those who are connected to it; `left_out` counts others who are, by kind."""

    id: str
    name: str
    present: Sequence[Present]
    left_out: Mapping[Kind, int] = field(default_factory=dict)


class Guest(Protocol):
    """A connection of this server."""

    def present(self) -> Present | None:
        """None before somebody was let in."""


@dataclass(frozen=True, slots=True, eq=False)
class Reader:
    """A guest that stays the same as long as it is here, such as a stream of one topic."""

    who: Present

    def present(self) -> Present:
        return self.who


class Bus(Protocol):
    """What the servers of a site say to each other by."""

    def publish(self, channel: str, payload: bytes, *, replaces: bool = False) -> None: ...

    def subscribe(self, *channels: str) -> AbstractAsyncContextManager[AsyncIterator[tuple[str, bytes]]]: ...


class Presence:
    """One in a process. Each server tells of its own guests, at a change and every few seconds; one that falls silent
    is forgotten with all its guests, so that nothing has to be tidied up after a crash."""

    def __init__(
        self, origin: str, bus: Bus, clock: Clock, *, name: str | None = None, beat_s: float = BEAT_S,
        settle_s: float = SETTLE_S,
    ) -> None:  # fmt: skip
        self._origin = origin
        self._bus = bus
        self._clock = clock
        self._name = name or platform.node()
        self._beat_s = beat_s
        self._settle_s = settle_s
        self._guests: dict[Guest, None] = {}
        self._others: dict[str, tuple[float, Server]] = {}
        self._changed = asyncio.Event()

    @contextmanager
    def having(self, guest: Guest) -> Iterator[None]:
        """While it lasts, the connection is counted."""
        self._guests[guest] = None
        self._changed.set()
        try:
            yield
        finally:
            del self._guests[guest]
            self._changed.set()

    def changed(self) -> None:
        """A guest was let in, or follows more or less than before."""
        self._changed.set()

    def servers(self) -> list[Server]:
        """This one first, then the others from which was heard lately."""
        heard_after_s = self._clock.monotonic() - LOST_AFTER_BEATS * self._beat_s
        others = [server for at_s, server in self._others.values() if at_s >= heard_after_s]
        return [self._here(), *sorted(others, key=lambda one: (one.name, one.id))]

    def kiosks(self) -> dict[str, list[Present]]:
        """The screens that are connected, wherever, by the kiosk as which they are."""
        found: dict[str, list[Present]] = {}
        for server in self.servers():
            for one in server.present:
                if one.kind == "kiosk":
                    found.setdefault(one.own_id, []).append(one)
        return found

    async def run(self) -> None:
        """Tells and hears until cancelled; then says that nobody is here any more."""
        try:
            async with asyncio.TaskGroup() as tasks, self._bus.subscribe(PRESENCE_CHANNEL) as words:
                tasks.create_task(self._listen(words))
                while True:
                    self._changed.clear()
                    self._tell(self._here())
                    await asyncio.sleep(self._settle_s)
                    with suppress(TimeoutError):
                        async with asyncio.timeout(self._beat_s - self._settle_s):
                            await self._changed.wait()
        finally:
            self._tell(None)

    def _here(self) -> Server:
        present = [one for guest in self._guests if (one := guest.present()) is not None]
        return Server(self._origin, self._name, present)

    def _tell(self, here: Server | None) -> None:
        """None: this server leaves."""
        said: dict[str, object] = {"id": self._origin}
        if here is not None:
            listed = sorted(here.present, key=lambda one: one.kind != "kiosk")
            told = [asdict(one) | {"since": rfc3339(one.since)} for one in listed[:MOST_TOLD]]
            left_out = Counter(one.kind for one in listed[MOST_TOLD:])
            said |= {"name": here.name, "present": told, "left_out": dict(left_out)}
        self._bus.publish(PRESENCE_CHANNEL, orjson.dumps(said), replaces=True)

    async def _listen(self, words: AsyncIterator[tuple[str, bytes]]) -> None:
        async for _, payload in words:
            try:
                self._heard(orjson.loads(payload))
            except (ValueError, TypeError, KeyError):
                structlog.get_logger(__name__).warning("a bus message that is none of ours", channel=PRESENCE_CHANNEL)

    def _heard(self, said: dict[str, object]) -> None:
        origin = said["id"]
        if origin == self._origin or not isinstance(origin, str):
            return
        listed = said.get("present")
        if not isinstance(listed, list):
            self._others.pop(origin, None)
            return
        present = [Present(**one | {"since": datetime.fromisoformat(one["since"])}) for one in listed]
        counts = said["left_out"]
        if not isinstance(counts, dict):
            raise TypeError(origin)
        left_out = {kind: int(counts.get(kind, 0)) for kind in KINDS}
        now_s = self._clock.monotonic()
        if origin not in self._others:  # one that has begun just now knows of nobody yet
            self._changed.set()
        server = Server(origin, str(said["name"]), present, left_out)
        self._others[origin] = now_s, server
        lost_before_s = now_s - LOST_AFTER_BEATS * self._beat_s
        for lost in [key for key, (at_s, _) in self._others.items() if at_s < lost_before_s]:
            del self._others[lost]
