"""Who is told what: the log's tail to those who follow it, volatile events to those who watch, here and elsewhere."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, suppress
from typing import Protocol

import orjson
import structlog

from server.clock import Clock
from server.events.encoding import Encoded, encode_body
from server.events.feed import Feed, FeedLimits, Gap
from server.events.keeper import Keeper
from server.events.log import EventLog, Opened, Position
from server.events.pages import Pages
from server.events.schema import CloseCode, Cursor
from server.events.subscription import Subscription
from server.events.topics import check_event_type
from server.ids import new_id
from server.reading import Readings
from server.supervise import said

LOG_CHANNEL = "log"
VOLATILE_CHANNEL = "volatile"
REVOKED_CHANNEL = "revoked"
REWRITTEN_CHANNEL = "rewritten"
RECENT_AT_START = 256
READ_AT_ONCE = 256
FAN_OUT_AT_ONCE = 64
LONGEST_REST_S = 0.02


class Wires(Protocol):
    """What the hub needs of the bus."""

    def publish(self, channel: str, payload: bytes) -> None: ...

    def subscribe(self, *channels: str) -> AbstractAsyncContextManager[AsyncIterator[tuple[str, bytes]]]: ...


class Listener(Protocol):
    """One connection, as the hub sees it."""

    def recheck(self) -> None:
        """Somebody's session or key ended: ask whether it was this one."""

    def end(self, code: CloseCode, reason: str) -> None:
        """Close it."""


class Hub:
    """One in a process. Fed by the log's tail alone: a lost wake-up delays by `poll_s` and loses nothing."""

    def __init__(
        self, log: EventLog, bus: Wires, clock: Clock, *, poll_s: float = 2.0, limits: FeedLimits | None = None
    ) -> None:
        self.log = log
        self.clock = clock
        self.listeners: set[Listener] = set()
        self.on_revoked: Callable[[], None] | None = None  # before they ask the gate: what it remembers may be old
        self.skipped = 0
        self.keeper = Keeper(clock)
        self.pages = Pages(log)  # for whoever is further back than the feeds reach
        self._bus = bus
        self._poll_s = poll_s
        self._limits = limits or FeedLimits()
        self._origin = new_id()
        self._feeds: dict[str, Feed] = {}
        self._standings: dict[str, Readings[tuple[Position, int]]] = {}
        self._opening = asyncio.Lock()
        self._rewritten: int | None = None  # how often the log was, as far as we know
        self._volatile: dict[str, dict[Subscription, None]] = {}
        self._dirty: set[str] = set()
        self._wanted = asyncio.Event()

    async def run(self) -> None:
        """The owner's task: until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._tail())
            tasks.create_task(self._listen())
            tasks.create_task(self.keeper.run())

    def wake(self, topics: Iterable[str]) -> None:
        """After a commit that appended to these topics: there is more, here and in other processes."""
        names = list(topics)
        self._mark(names)
        self._bus.publish(LOG_CHANNEL, orjson.dumps([self._origin, names]))

    def publish_volatile(self, topic: str, event_type: str, source: str, data: dict[str, object]) -> None:
        """To whoever listens now, here and in other processes. Never stored; the latest wins."""
        check_event_type(topic, event_type, durable=False)
        body = encode_body(new_id(), event_type, self.clock.now(), source, data)
        self._show(topic, Encoded(body, event_type, data, topic, 0, source))
        self._bus.publish(VOLATILE_CHANNEL, orjson.dumps([self._origin, topic]) + b"\n" + body)

    def revoked(self) -> None:
        """A session or key ended: every connection, here and elsewhere, asks the gate again at once."""
        self._recheck()
        self._bus.publish(REVOKED_CHANNEL, b"")

    def rewritten(self) -> None:
        """Stored events were changed, for somebody was erased: no memory holds them as they were, here or elsewhere."""
        self._forget()
        self._bus.publish(REWRITTEN_CHANNEL, b"")

    def watch(self, subscription: Subscription) -> None:
        """Follow a volatile topic."""
        self._volatile.setdefault(subscription.topic, {})[subscription] = None

    async def follow(self, subscription: Subscription, since: Cursor | None) -> Opened:
        """Follow a durable topic from `since`, or from the head where history does not reach back that far.

        What happens from now on is not lost, also while the subscription is held.
        """
        feed = await self._feed(subscription.topic)
        head, oldest = await self._standing(feed.topic).get()
        if head.offset > feed.head:  # it was told here before the tail has read it
            await self._advance(feed)
        recovered = since is None or _reaches(feed, since, oldest)
        # No await from here on. The feed may have been closed meanwhile, for want of followers.
        if feed.topic not in self._feeds and not feed.over:
            self._feeds[feed.topic] = feed
            self._mark([feed.topic])
        feed = self._feeds.get(feed.topic, feed)
        subscription.follow(feed, since.offset if since is not None and recovered else feed.head)
        return Opened(feed.epoch, feed.head, recovered)

    def leave(self, subscription: Subscription) -> None:
        """The subscription is over."""
        subscription.end()
        self.skipped += subscription.skipped
        watchers = self._volatile.get(subscription.topic)
        if watchers is not None:
            watchers.pop(subscription, None)
            if not watchers:
                del self._volatile[subscription.topic]

    @property
    def origin(self) -> str:
        """The name of this process among those that share the bus."""
        return self._origin

    def watched(self, topic: str) -> bool:
        """Whether somebody in this process follows a volatile topic."""
        return topic in self._volatile

    def _mark(self, topics: Iterable[str]) -> None:
        self._dirty.update(topic for topic in topics if topic in self._feeds)
        if self._dirty:
            self._wanted.set()

    def _recheck(self) -> None:
        for listener in self.listeners:
            listener.recheck()

    def _forget(self) -> None:
        self.pages.forget()
        for feed in self._feeds.values():
            feed.forget()

    def _show(self, topic: str, event: Encoded) -> None:
        for subscription in tuple(self._volatile.get(topic, ())):
            subscription.show(event)

    async def _feed(self, topic: str) -> Feed:
        async with self._opening:
            feed = self._feeds.get(topic)
            if feed is None:
                position = await self.log.head(topic)
                oldest = await self.log.oldest(topic)
                after = max(position.offset - RECENT_AT_START, oldest - 1)
                feed = Feed(topic, Position(position.epoch, after), self._limits)
                try:
                    feed.append(await self.log.read(topic, after, RECENT_AT_START))
                except Gap:  # trimmed while we looked
                    feed = Feed(topic, position, self._limits)
                feed = self._feeds.setdefault(topic, feed)  # follow() may have put one back, and it has followers
                self._mark([topic])  # for what came meanwhile
            return feed

    def _standing(self, topic: str) -> Readings[tuple[Position, int]]:
        """The head and the oldest offset, read once for all who come at once."""

        async def read() -> tuple[Position, int]:
            return await self.log.head(topic), await self.log.oldest(topic)

        return self._standings.setdefault(topic, Readings(read))

    async def _tail(self) -> None:
        log = structlog.get_logger(__name__)
        poll_at = self.clock.monotonic()
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._poll_s):
                    await self._wanted.wait()
            self._wanted.clear()
            topics, self._dirty = self._dirty, set()
            try:
                if self.clock.monotonic() >= poll_at:
                    topics |= await self._changed()
                    poll_at = self.clock.monotonic() + self._poll_s
                began = self.clock.monotonic()
                for topic in topics:
                    if topic in self._feeds:
                        await self._advance(self._feeds[topic])
                # Telling many takes long. As long a rest leaves the loop to others, and what happens in it goes out
                # together: one write to each client instead of one for each event.
                await asyncio.sleep(min(self.clock.monotonic() - began, LONGEST_REST_S))
            except Exception as error:  # noqa: BLE001 - whatever the database says, the tail must go on later
                log.warning("event_log_unreadable", reason=said(error))
                await asyncio.sleep(self._poll_s)
                self._mark(topics)

    async def _changed(self) -> set[str]:
        """The topics with more than we know; and feeds that nobody follows are closed."""
        for topic in [name for name, feed in self._feeds.items() if not feed.followers]:
            del self._feeds[topic]
        for topic in [name for name, one in self._standings.items() if not one.wanted]:
            del self._standings[topic]
        self.pages.sweep()
        if not self._feeds:
            return set()
        rewritten = await self.log.rewritten()
        if rewritten != self._rewritten:  # who did it has said so, and that may be lost
            self._rewritten = rewritten
            self._forget()
        heads = await self.log.heads()
        changed = set()
        for feed in tuple(self._feeds.values()):
            position = heads.get(feed.topic)
            if position is None:
                continue
            if position.epoch != feed.epoch or position.offset < feed.head:
                self._drop(feed)
            elif position.offset > feed.head:
                changed.add(feed.topic)
        return changed

    async def _advance(self, feed: Feed) -> None:
        """Reads what the log has after the feed's head and tells the followers."""
        more = True
        while more:
            events = await self.log.read(feed.topic, feed.head, READ_AT_ONCE)
            more = len(events) == READ_AT_ONCE
            try:
                feed.append(events)
            except Gap:
                self._drop(feed)
                return
            for number, follower in enumerate(tuple(feed.followers), 1):
                follower.advance()
                if number % FAN_OUT_AT_ONCE == 0:
                    await asyncio.sleep(0)

    def _drop(self, feed: Feed) -> None:
        """History was reset, restored or trimmed beyond us: all come back, and are told that they missed some."""
        feed.over = True
        self.pages.forget()
        if self._feeds.get(feed.topic) is feed:
            del self._feeds[feed.topic]
        for listener in tuple(self.listeners):
            listener.end(CloseCode.RESTARTING, "The history begins anew.")

    async def _listen(self) -> None:
        async with self._bus.subscribe(LOG_CHANNEL, VOLATILE_CHANNEL, REVOKED_CHANNEL, REWRITTEN_CHANNEL) as messages:
            async for channel, payload in messages:
                try:
                    self._heard(channel, payload)
                except (ValueError, TypeError, KeyError):
                    structlog.get_logger(__name__).warning("a bus message that is none of ours", channel=channel)

    def _heard(self, channel: str, payload: bytes) -> None:
        if channel == REVOKED_CHANNEL:
            if self.on_revoked is not None:
                self.on_revoked()
            self._recheck()
            return
        if channel == REWRITTEN_CHANNEL:
            self._forget()
            return
        head, _, body = payload.partition(b"\n")
        origin, subject = orjson.loads(head)
        if origin == self._origin:
            return
        if channel == LOG_CHANNEL:
            self._mark(subject)
        elif subject in self._volatile:
            said = orjson.loads(body)
            self._show(subject, Encoded(body, said["type"], said["data"], subject, 0, said["source"]))


def _reaches(feed: Feed, since: Cursor, oldest: int) -> bool:
    return since.epoch == feed.epoch and since.offset <= feed.head and since.offset + 1 >= min(feed.first, oldest)
