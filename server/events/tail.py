"""The stored events of one topic, for readers that are not a WebSocket: some of them now, or one after another."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self

import orjson

from server.events.encoding import Batch, Encoded
from server.events.hub import Hub
from server.events.limits import EVERYTHING, Reach, reduced
from server.events.log import EventLog, Position
from server.events.schema import CloseCode, Cursor, Filter, StoredEvent
from server.events.subscription import Subscription

READ_AT_ONCE = 256
MOST_LOOKED_AT = 4096  # of a filter that hardly anything passes: the rest is for the next request


class Ended(Exception):
    """The reader has to come back with where it was: it is too far behind, or the history begins anew."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Some of a topic's events in their order, and after which to ask next. Not `recovered`: some are not to be had."""

    events: Sequence[StoredEvent]
    next: Position
    recovered: bool


async def read_after(
    log: EventLog,
    topic: str,
    after: Position | None,
    limit: int,
    *,
    wanted: Filter | None = None,
    reach: Reach = EVERYTHING,
) -> Stretch:
    """At most `limit` events that follow `after`; None is the newest, after which nothing follows yet."""
    head = await log.head(topic)
    if after is None:
        return Stretch((), head, recovered=True)
    if after.epoch != head.epoch or after.offset > head.offset or after.offset + 1 < await log.oldest(topic):
        return Stretch((), head, recovered=False)
    found: list[StoredEvent] = []
    at = after.offset
    while len(found) < limit and at - after.offset < MOST_LOOKED_AT:
        page = await log.read(topic, at, READ_AT_ONCE)
        if not page:
            break
        if page[0].offset != at + 1:  # trimmed while we looked
            return Stretch((), await log.head(topic), recovered=False)
        for event in page:
            at = event.offset
            if Encoded.of(event).matches(wanted, reach):
                shown = reduced(reach, topic, event.data)
                found.append(event if shown is None else replace(event, data=shown))
                if len(found) == limit:
                    break
    if (now := await log.head(topic)).epoch != after.epoch:  # begun anew while we looked
        return Stretch((), now, recovered=False)
    return Stretch(found, Position(after.epoch, at), recovered=True)


class Tail:
    """Follows a topic from a place on, as a subscription of the WebSocket does. Within `async with`."""

    def __init__(
        self, hub: Hub, topic: str, since: Cursor | None, *, wanted: Filter | None = None, reach: Reach = EVERYTHING
    ) -> None:
        self.recheck_wanted = False  # somebody's session or key ended: ask whether it was this reader's
        self._hub = hub
        self._since = since
        self._arrival = asyncio.Event()
        self._waiting: Sequence[bytes] = ()
        self._over = False
        self._subscription = Subscription(
            0, topic, wanted, self, reach=reach, on_behind=self._arrival.set, on_slow=self._end
        )

    async def __aenter__(self) -> Self:
        self._hub.listeners.add(self)
        try:
            opened = await self._hub.follow(self._subscription, self._since)
        except BaseException:
            self._hub.listeners.discard(self)
            raise
        self.recovered = opened.recovered
        self.start = Position(opened.epoch, self._subscription.cursor)
        self._subscription.release()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._hub.listeners.discard(self)
        self._hub.leave(self._subscription)

    @property
    def place(self) -> Position:
        """Up to where it has been read, whether anything of it was for this reader or not."""
        return Position(self.start.epoch, self._subscription.cursor)

    async def take(self, wait_s: float) -> Sequence[tuple[Position, bytes]]:
        """What follows, each with its place and the event as JSON. Nothing after `wait_s`, or where somebody asks for
        a recheck: then all up to `place` was passed over. Raises Ended."""
        clock = self._hub.clock
        until_s = clock.monotonic() + wait_s
        waits = True
        while not self._waiting:
            if self._over:
                raise Ended
            if self._subscription.needs_log:
                page = await self._hub.pages.read(self._subscription.topic, self._subscription.cursor)
                if not self._subscription.replay(page):
                    raise Ended
                if not self._waiting and (self.recheck_wanted or clock.monotonic() >= until_s):
                    return ()
                continue
            self._arrival.clear()
            self._subscription.advance()
            if self._waiting or self._subscription.needs_log:
                continue
            if self.recheck_wanted or not waits:
                return ()
            waits = False
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._arrival.wait()
        taken, self._waiting = self._waiting, ()
        return [self._told(payload) for payload in taken]

    def _told(self, payload: bytes) -> tuple[Position, bytes]:
        said = orjson.loads(payload)
        return Position(self.start.epoch, said["offset"]), orjson.dumps(said["event"])

    # What the hub sees of it.

    def recheck(self) -> None:
        self.recheck_wanted = True
        self._arrival.set()

    def end(self, code: CloseCode, reason: str) -> None:
        self._end()

    def _end(self) -> None:
        self._over = True
        self._arrival.set()

    # What the subscription sees of it.

    @property
    def ready(self) -> bool:
        """One batch at a time waits here: what follows stays in the feed or in the log."""
        return not self._waiting

    def write(self, batch: Batch) -> None:
        self._waiting = batch.payloads
        self._arrival.set()
