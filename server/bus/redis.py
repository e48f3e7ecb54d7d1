"""The bus between processes, over Redis; comes back by itself, and what was said meanwhile is lost."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import redis.asyncio
import structlog
from redis.asyncio.connection import parse_url
from redis.exceptions import RedisError

from server.bus.channels import Inbox
from server.supervise import Backoff

PING_EVERY_S = 5.0
ANSWER_WITHIN_S = 3.0  # beyond it, it is said to be away
SILENT_AFTER_S = 25.0  # beyond it, its connection is given up


class RedisBus:
    """Publishes from a bounded queue, so that the caller never waits; listens to every channel of its prefix.

    Redis carries messages across its numbered databases, so the number is a part of the prefix: two installations
    that keep apart by it do not hear one another.
    """

    def __init__(self, url: str, *, prefix: str = "rollcall", limit: int = 1000) -> None:
        self._url = url
        self._prefix = f"{prefix}:{_database(url)}:"
        self._outgoing: deque[tuple[str, bytes]] = deque(maxlen=limit)
        self._wanted = asyncio.Event()
        self._sent = asyncio.Event()
        self._sent.set()
        self._listening = asyncio.Event()
        self._unanswered_s: float | None = None  # since when a ping is
        self._inboxes: list[Inbox] = []

    def publish(self, channel: str, payload: bytes, *, replaces: bool = False) -> None:
        """Queued; when Redis is away for long, the oldest are lost."""
        waiting = [place for place, (one, _) in enumerate(self._outgoing) if one == channel] if replaces else []
        if waiting:
            self._outgoing[waiting[0]] = channel, payload
        else:
            self._outgoing.append((channel, payload))
        self._sent.clear()
        self._wanted.set()

    @property
    def away(self) -> str | None:
        """Redis, where messages of others do not arrive. One that hangs is found out some seconds later."""
        asked_s = self._unanswered_s
        hangs = asked_s is not None and asyncio.get_running_loop().time() - asked_s > ANSWER_WITHIN_S
        return "redis" if hangs or not self._listening.is_set() else None

    async def drained(self) -> None:
        """Waits until nothing is left to be sent; for ever while Redis is away."""
        await self._sent.wait()

    @asynccontextmanager
    async def subscribe(self, *channels: str) -> AsyncIterator[AsyncIterator[tuple[str, bytes]]]:
        inbox = Inbox(channels)
        self._inboxes.append(inbox)
        try:
            yield inbox
        finally:
            self._inboxes.remove(inbox)

    async def listening(self) -> None:
        """Waits until messages of others arrive here."""
        await self._listening.wait()

    async def run(self) -> None:
        """Talks to Redis until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._again(self._send))
            tasks.create_task(self._again(self._listen))

    async def _again(self, part: Callable[[redis.asyncio.Redis, Backoff], Awaitable[None]]) -> None:
        backoff = Backoff(first_s=0.1, cap_s=5.0)
        while True:
            try:
                async with redis.asyncio.from_url(
                    self._url, socket_connect_timeout=5, socket_timeout=SILENT_AFTER_S, socket_keepalive=True
                ) as client:
                    await part(client, backoff)
            except (RedisError, OSError, TimeoutError) as error:
                _mind_cancel()
                pause_s = backoff.next()
                structlog.get_logger(__name__).warning("bus is away", reason=type(error).__name__, pause_s=pause_s)
                await asyncio.sleep(pause_s)

    async def _send(self, client: redis.asyncio.Redis, backoff: Backoff) -> None:
        while True:
            while self._outgoing:
                channel, payload = self._outgoing[0]
                await client.publish(self._prefix + channel, payload)
                _mind_cancel()
                backoff.reset()
                # Another one may have been dropped from the left meanwhile; only this one is done.
                if self._outgoing and self._outgoing[0] == (channel, payload):
                    self._outgoing.popleft()
            self._sent.set()
            self._wanted.clear()
            await self._wanted.wait()

    async def _listen(self, client: redis.asyncio.Redis, backoff: Backoff) -> None:
        try:
            async with client.pubsub(ignore_subscribe_messages=False) as pubsub:
                await pubsub.psubscribe(self._prefix + "*")
                clock = asyncio.get_running_loop().time
                heard_s = asked_s = clock()
                while True:
                    message = await pubsub.get_message(timeout=1.0)
                    _mind_cancel()
                    if message is None:
                        # A connection whose other end died unheard says nothing for ever.
                        if clock() - heard_s > SILENT_AFTER_S:
                            raise TimeoutError
                        if clock() - asked_s > PING_EVERY_S:
                            asked_s = clock()
                            if self._unanswered_s is None:
                                self._unanswered_s = asked_s
                            await pubsub.ping()
                        continue
                    backoff.reset()
                    heard_s, self._unanswered_s = clock(), None
                    if message["type"] == "psubscribe":
                        self._listening.set()
                    elif message["type"] == "pmessage":
                        self._deliver(message["channel"].decode().removeprefix(self._prefix), message["data"])
        finally:
            self._listening.clear()
            self._unanswered_s = None

    def _deliver(self, channel: str, payload: bytes) -> None:
        for inbox in self._inboxes:
            if channel in inbox.channels:
                inbox.put(channel, payload)


def _database(url: str) -> int:
    """The number of the database that the address names."""
    return int(parse_url(url).get("db", 0))


def _mind_cancel() -> None:
    """The client swallows a cancel that comes while it connects; without this, run() would never end."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
