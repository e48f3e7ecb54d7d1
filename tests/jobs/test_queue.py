"""The queue: ids arrive at one of those who work, as many as there is room for, and it comes back after Redis did."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from redis.asyncio import Redis

from server.ids import new_id
from server.jobs.queue import GROUP, Queue
from tests.jobs.conftest import until_that


@pytest.fixture
async def stream(redis_server: str) -> AsyncIterator[str]:
    """A stream of this test's own."""
    name = f"test-{new_id()}:jobs"
    yield name
    async with Redis.from_url(redis_server) as client:
        await client.delete(name)


@asynccontextmanager
async def running(*queues: Queue) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as tasks:
        started = [tasks.create_task(queue.run()) for queue in queues]
        yield
        for task in started:
            task.cancel()


@asynccontextmanager
async def listening(url: str, stream: str, count: int, *queues: Queue) -> AsyncIterator[Redis]:
    """The queues run, and Redis knows those that listen."""
    async with Redis.from_url(url) as client, running(*queues):
        for _ in range(500):
            if await client.exists(stream) and len(await client.xinfo_consumers(stream, GROUP)) == count:
                break
            await asyncio.sleep(0.01)
        yield client


def into(heard: list[str]) -> Callable[[str], Awaitable[None]]:
    async def on_job(job_id: str) -> None:
        heard.append(job_id)

    return on_job


async def test_within_a_process() -> None:
    """Each id arrives; one that waits to be sent is not sent twice."""
    heard: list[str] = []
    queue = Queue("memory://", consumer="a", at_once=1, on_job=into(heard))
    for job_id in ("1", "2", "1"):
        queue.kick(job_id)
    async with running(queue):
        await until_that(lambda: len(heard) == 2)
        queue.kick("1")
        await until_that(lambda: len(heard) == 3)
    assert heard == ["1", "2", "1"]


async def test_nobody_here_to_work() -> None:
    """Then nothing is kept to be sent."""
    queue = Queue("memory://", consumer="a", at_once=1, on_job=None)
    queue.kick("1")
    assert not queue._outgoing


async def test_each_goes_to_one_of_many(redis_server: str, stream: str) -> None:
    """And not to one that only sends."""
    heard: list[str] = []
    workers = [Queue(redis_server, consumer=name, at_once=1, on_job=into(heard), stream=stream) for name in "ab"]
    sender = Queue(redis_server, consumer="c", at_once=1, on_job=None, stream=stream)
    async with listening(redis_server, stream, 2, sender, *workers):
        for number in range(20):
            sender.kick(str(number))
        await until_that(lambda: len(heard) >= 20)
        await asyncio.sleep(0.1)
    assert sorted(heard, key=int) == [str(number) for number in range(20)]


async def test_a_busy_worker_leaves_messages_to_others(redis_server: str, stream: str) -> None:
    """It reads no more than it has room for."""
    heard: list[str] = []
    never = asyncio.Event()

    async def stuck(job_id: str) -> None:
        heard.append(job_id)
        await never.wait()

    busy = Queue(redis_server, consumer="a", at_once=2, on_job=stuck, stream=stream)
    async with listening(redis_server, stream, 1, busy):
        for number in range(5):
            busy.kick(str(number))
        await until_that(lambda: len(heard) == 2)
        others: list[str] = []
        idle = Queue(redis_server, consumer="b", at_once=1, on_job=into(others), stream=stream)
        async with running(idle):
            await until_that(lambda: len(others) == 3)
        never.set()
    assert (heard, others) == (["0", "1"], ["2", "3", "4"])


async def test_it_comes_back(redis_server: str, stream: str) -> None:
    """Also when Redis has forgotten everything: the group is made anew."""
    heard: list[str] = []
    queue = Queue(redis_server, consumer="a", at_once=1, on_job=into(heard), stream=stream)
    async with listening(redis_server, stream, 1, queue) as client:
        queue.kick("1")
        await until_that(lambda: heard == ["1"])
        await client.delete(stream)
        for _ in range(500):
            if await client.exists(stream):
                break
            await asyncio.sleep(0.01)
        queue.kick("2")
        await until_that(lambda: heard == ["1", "2"])


async def test_a_worker_that_stops_is_forgotten(redis_server: str, stream: str) -> None:
    """Redis would remember its name for ever."""
    queue = Queue(redis_server, consumer="a", at_once=1, on_job=into([]), stream=stream)
    async with listening(redis_server, stream, 1, queue):
        pass
    async with Redis.from_url(redis_server) as client:
        assert await client.xinfo_consumers(stream, GROUP) == []


async def test_without_redis_nobody_waits() -> None:
    """A kick is kept as long as there is room, and the end comes at once."""
    queue = Queue("redis://127.0.0.1:9/0", consumer="a", at_once=1, on_job=into([]), limit=3)
    async with asyncio.timeout(5), running(queue):
        for number in range(9):
            queue.kick(str(number))
        await asyncio.sleep(0.3)
        assert list(queue._outgoing) == ["6", "7", "8"]
