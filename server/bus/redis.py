"""The bus between processes, over Redis; comes back by itself, and what was said meanwhile is lost."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import redis.asyncio
import structlog
from redis.exceptions import RedisError

from server.bus.channels import Inbox
from server.supervise import Backoff


class RedisBus:
    """Publishes from a bounded queue, so that the caller never waits; listens to every channel of its prefix."""

    def __init__(self, url: str, *, prefix: str = "rollcall:", limit: int = 1000) -> None:
        self._url = url
        self._prefix = prefix
        self._outgoing: deque[tuple[str, bytes]] = deque(maxlen=limit)
        self._wanted = asyncio.Event()
        self._listening = asyncio.Event()
        self._inboxes: list[Inbox] = []

    def publish(self, channel: str, payload: bytes) -> None:
        """Queued; when Redis is away for long, the oldest are lost."""
        self._outgoing.append((channel, payload))
        self._wanted.set()

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
                    self._url, socket_connect_timeout=5, health_check_interval=15
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
            self._wanted.clear()
            await self._wanted.wait()

    async def _listen(self, client: redis.asyncio.Redis, backoff: Backoff) -> None:
        try:
            async with client.pubsub(ignore_subscribe_messages=False) as pubsub:
                await pubsub.psubscribe(self._prefix + "*")
                while True:
                    message = await pubsub.get_message(timeout=1.0)
                    _mind_cancel()
                    backoff.reset()
                    if message is None:
                        continue
                    if message["type"] == "psubscribe":
                        self._listening.set()
                    elif message["type"] == "pmessage":
                        self._deliver(message["channel"].decode().removeprefix(self._prefix), message["data"])
        finally:
            self._listening.clear()

    def _deliver(self, channel: str, payload: bytes) -> None:
        for inbox in self._inboxes:
            if channel in inbox.channels:
                inbox.put(channel, payload)


def _mind_cancel() -> None:
    """The client swallows a cancel that comes while it connects; without this, run() would never end."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
