"""The queue of wake-ups, on taskiq: it says that there is a job, to one worker that has room. Nothing depends on it.

A message holds a job's id and is forgotten once it was read: what is true of a job stands in its row, and whoever
misses a message finds the row at the next sweep. In one process taskiq's InMemoryBroker hands the ids over; between
processes it is RedisStreamBroker, a stream with one group of consumers.
"""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError
from taskiq import AckableMessage, AsyncBroker, InMemoryBroker
from taskiq.acks import AcknowledgeType
from taskiq.receiver import Receiver
from taskiq_redis import RedisStreamBroker

from server.supervise import Backoff, mind_cancel

STREAM = "rollcall:jobs"
GROUP = "rollcall"
LONGEST_STREAM = 10_000
READ_FOR_MS = 1000
SEND_WITHIN_S = 5.0
CLOSE_WITHIN_S = 3.0
STEADY_AFTER_S = 30.0
DEAD_AFTER_S = 86_400

OnJob = Callable[[str], Awaitable[None]]


class _Stream(RedisStreamBroker):
    """Its reading ends when it is cancelled. Messages of the dead are not claimed: the sweep has their jobs."""

    async def listen(self) -> AsyncGenerator[AckableMessage, None]:
        async with Redis(connection_pool=self.connection_pool) as client:
            while True:
                found = await client.xreadgroup(
                    self.consumer_group_name, self.consumer_name, {self.queue_name: ">"}, count=1, block=READ_FOR_MS
                )
                mind_cancel()
                for number, fields in _messages(found):
                    yield AckableMessage(data=fields[b"data"], ack=self._ack_generator(number, self.queue_name))


class Queue:
    """Sends ids from a bounded list, so that the caller never waits, and hands those that arrive to `on_job`."""

    def __init__(
        self, url: str, *, consumer: str, at_once: int, on_job: OnJob | None, stream: str = STREAM, limit: int = 1000
    ) -> None:
        """Without `on_job` it only sends."""
        logging.getLogger("taskiq").setLevel(logging.ERROR)  # it tells of every message
        self._url = url if url.startswith(("redis://", "rediss://", "unix://")) else None
        self._consumer = consumer
        self._stream = stream
        self._at_once = at_once
        self._on_job = on_job
        self._broker = self._open()

        async def arrived(job_id: str) -> None:  # a plain function: taskiq renames what it registers
            if on_job is not None:
                await on_job(job_id)

        self._task = self._broker.register_task(arrived, task_name="rollcall.job")
        self._outgoing: deque[str] = deque(maxlen=limit)
        self._wanted = asyncio.Event()

    def kick(self, job_id: str) -> None:
        """There is a job. Never waits and never fails: what cannot be sent is found at the next sweep."""
        if (self._url is not None or self._on_job is not None) and job_id not in self._outgoing:
            self._outgoing.append(job_id)
            self._wanted.set()

    async def run(self) -> None:
        """The owner's task: until cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._again(self._send))
                if self._url is not None and self._on_job is not None:
                    tasks.create_task(self._again(self._listen))
        finally:
            await self._close()

    def _open(self) -> AsyncBroker:
        if self._url is None:
            return InMemoryBroker(cast_types=False)
        return _Stream(
            self._url,
            queue_name=self._stream,
            consumer_group_name=GROUP,
            consumer_name=self._consumer,
            maxlen=LONGEST_STREAM,
            socket_connect_timeout=5,
            socket_timeout=READ_FOR_MS / 1000 + 5,
            health_check_interval=15,
        )

    async def _again(self, part: Callable[[], Awaitable[None]]) -> None:
        loop, backoff = asyncio.get_running_loop(), Backoff(first_s=0.2, cap_s=10.0)
        while True:
            began_s, reason = loop.time(), "ended"
            try:
                await part()
            except Exception as error:  # noqa: BLE001 - Redis may say anything; the queue must come back
                mind_cancel()
                reason = type(_first(error)).__name__
            if loop.time() - began_s > STEADY_AFTER_S:
                backoff.reset()
            pause_s = backoff.next()
            structlog.get_logger(__name__).warning("job queue is away", reason=reason, pause_s=round(pause_s, 2))
            await asyncio.sleep(pause_s)

    async def _send(self) -> None:
        while True:
            while self._outgoing:
                async with asyncio.timeout(SEND_WITHIN_S):
                    await self._task.kiq(self._outgoing[0])
                mind_cancel()
                self._outgoing.popleft()
            self._wanted.clear()
            await self._wanted.wait()

    async def _listen(self) -> None:
        """The group is made anew where Redis has lost it. A receiver reads no more than there is room for."""
        await self._forget_the_dead()
        receiver = Receiver(
            self._broker, max_async_tasks=self._at_once, validate_params=False, ack_type=AcknowledgeType.WHEN_RECEIVED
        )
        await receiver.listen(asyncio.Event())

    async def _forget_the_dead(self) -> None:
        """Redis remembers every consumer there ever was, those that were killed too."""
        assert isinstance(self._broker, RedisStreamBroker)
        async with Redis(connection_pool=self._broker.connection_pool) as client:
            with suppress(RedisError):  # before there is a group
                for one in await client.xinfo_consumers(self._stream, GROUP):
                    if one["idle"] > DEAD_AFTER_S * 1000:
                        await client.xgroup_delconsumer(self._stream, GROUP, one["name"])

    async def _close(self) -> None:
        with suppress(RedisError, OSError, TimeoutError):
            async with asyncio.timeout(CLOSE_WITHIN_S):
                if isinstance(self._broker, RedisStreamBroker) and self._on_job is not None:
                    async with Redis(connection_pool=self._broker.connection_pool) as client:
                        await client.xgroup_delconsumer(self._stream, GROUP, self._consumer)
        with suppress(RedisError, OSError):
            await self._broker.shutdown()


def _messages(found: Any) -> Sequence[tuple[Any, dict[bytes, bytes]]]:
    """Of the one stream that is read; the client's types allow for every command's answer at once."""
    return found[0][1] if found else ()


def _first(error: Exception) -> Exception:
    """What is in a group of one."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error
