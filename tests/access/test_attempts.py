"""Attempts count alike wherever they are kept."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import redis.asyncio
from sqlmodel import func, select
from structlog.testing import capture_logs

from server.access import attempts as module
from server.access.attempts import (
    AWAY_S,
    LONGEST_S,
    SWEEP_EVERY_S,
    Attempts,
    MemoryAttempts,
    RedisAttempts,
    TableAttempts,
    open_attempts,
)
from server.clock import ManualClock
from server.ids import new_id
from server.store.engine import Store
from server.store.tables import Attempt
from tests.servers import free_port

every_kind = pytest.mark.parametrize(
    ("kind", "databases"),
    [("memory", "sqlite"), ("table", "sqlite"), ("table", "postgresql"), ("redis", "sqlite")],
    indirect=["databases"],
)


@pytest.fixture
async def attempts(
    kind: str, store: Store, clock: ManualClock, request: pytest.FixtureRequest
) -> AsyncIterator[Attempts]:
    """Each kind; the table on each database."""
    if kind == "redis":
        prefix = f"test:{new_id()}:"
        async with RedisAttempts(request.getfixturevalue("redis_server"), clock, prefix=prefix) as counted:
            yield counted
    else:
        yield TableAttempts(store, clock) if kind == "table" else MemoryAttempts(clock)


@every_kind
async def test_a_sliding_window(attempts: Attempts, clock: ManualClock) -> None:
    """So many in any window; then the seconds until the oldest has left it. Another key has its own."""
    assert [await attempts.take("a", 2, 60) for _ in range(3)] == [None, None, 60]
    clock.advance(40.5)
    assert await attempts.take("a", 2, 60) == 20
    assert await attempts.take("b", 2, 60) is None
    clock.advance(19.5)
    assert await attempts.take("a", 2, 60) is None


@every_kind
async def test_refused_ones_do_not_count(attempts: Attempts, clock: ManualClock) -> None:
    """Whoever goes on trying is not kept out for longer."""
    await attempts.take("a", 1, 60)
    for _ in range(3):
        clock.advance(15)
        await attempts.take("a", 1, 60)
    clock.advance(15)
    assert await attempts.take("a", 1, 60) is None


@every_kind
async def test_given_back(attempts: Attempts, clock: ManualClock) -> None:
    """The newest one goes, and the older ones stay; there may be none."""
    await attempts.take("a", 2, 60)
    clock.advance(30)
    await attempts.take("a", 2, 60)
    await attempts.give_back("a")
    await attempts.give_back("never")
    assert [await attempts.take("a", 2, 60) for _ in range(2)] == [None, 30]


@every_kind
async def test_forgotten(attempts: Attempts) -> None:
    """All of a key, and of no other."""
    for key in ("a", "a", "b"):
        await attempts.take(key, 2, 60)
    await attempts.forget("a")
    await attempts.forget("never")
    assert [await attempts.take("a", 2, 60) for _ in range(3)] == [None, None, 60]
    assert await attempts.take("b", 1, 60) == 60


@every_kind
async def test_a_lower_limit(attempts: Attempts, clock: ManualClock) -> None:
    """A limit that was lowered meanwhile counts at once: one waits for as many as are too many now."""
    for _ in range(4):
        await attempts.take("a", 4, 60)
        clock.advance(10)
    assert await attempts.take("a", 2, 60) == 40
    clock.advance(40)
    assert await attempts.take("a", 2, 60) is None


@every_kind
async def test_many_at_once(attempts: Attempts) -> None:
    """None slips through."""
    answers = await asyncio.gather(*(attempts.take("a", 5, 60) for _ in range(20)))
    assert answers.count(None) == 5


async def test_two_processes_and_a_restart(store: Store, clock: ManualClock) -> None:
    """Two that share a database count together, also when they ask at the same moment; a third finds what they did."""
    async with Store(store.url) as elsewhere:
        both = (TableAttempts(store, clock), TableAttempts(elsewhere, clock))
        answers = await asyncio.gather(*(both[number % 2].take("a", 5, 60) for number in range(20)))
    assert answers.count(None) == 5
    assert await TableAttempts(store, clock).take("a", 5, 60) == 60


async def test_the_table_stays_small(store: Store, clock: ManualClock) -> None:
    """A key has no more rows than its limit, and keys that nobody tries again go after a day."""
    counted = TableAttempts(store, clock)
    for number in range(5):
        await counted.take(f"once {number}", 3, 60)
    for _ in range(8):
        clock.advance(10)
        await counted.take("again", 3, 60)
    assert await _rows(store) == 5 + 3
    clock.advance(LONGEST_S + SWEEP_EVERY_S)
    await counted.take("again", 3, 60)
    assert await _rows(store) == 1


async def test_another_clock(store: Store, clock: ManualClock) -> None:
    """A machine whose clock is ahead keeps nobody out for longer than the window."""
    ahead = ManualClock(clock.now() + timedelta(hours=1))
    await TableAttempts(store, ahead).take("a", 1, 60)
    assert await TableAttempts(store, clock).take("a", 1, 60) == 60


async def test_memory_is_bounded() -> None:
    """Beyond the bound, the key unused for longest is forgotten."""
    counted = MemoryAttempts(ManualClock(), max_keys=2)
    for key in ("a", "b", "c"):
        await counted.take(key, 1, 60)
    assert len(counted) == 2
    assert await counted.take("a", 1, 60) is None
    assert await counted.take("c", 1, 60) == 60


async def test_redis_forgets_by_itself(redis_server: str, clock: ManualClock) -> None:
    """A key lives as long as its window after the last attempt, and with it its name; two processes share it."""
    prefix = f"test:{new_id()}:"
    async with (
        RedisAttempts(redis_server, clock, prefix=prefix) as one,
        RedisAttempts(redis_server, clock, prefix=prefix) as other,
        redis.asyncio.from_url(redis_server) as looks,
    ):
        await one.take("a", 1, 0.2)
        assert await other.take("a", 1, 0.2) == 1
        assert 0 < await looks.pttl(prefix + "a") <= 200
        await asyncio.sleep(0.3)
        assert await looks.keys(prefix + "*") == []


async def test_without_redis(clock: ManualClock) -> None:
    """Counted in memory then, said once in a while: neither everybody in nor everybody out."""
    url = f"redis://127.0.0.1:{free_port()}"
    async with RedisAttempts(url, clock) as counted:
        with capture_logs() as logs:
            assert [await counted.take("a", 2, 60) for _ in range(3)] == [None, None, 60]
            assert await counted.take("b", 2, 60) is None
            await counted.give_back("a")
            assert await counted.take("a", 2, 60) is None
            await counted.forget("a")
            assert await counted.take("a", 2, 60) is None
        assert [(log["log_level"], log["reason"]) for log in logs] == [("warning", "ConnectionError")]
        clock.advance(AWAY_S)
        with capture_logs() as logs:
            assert await counted.take("a", 2, 60) is None
        assert len(logs) == 1


async def test_redis_comes_back(redis_server: str, clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was counted in memory is given back there, and asking Redis begins again by itself."""
    async with RedisAttempts(redis_server, clock, prefix=f"test:{new_id()}:") as counted:
        assert await counted.take("a", 2, 60) is None
        with monkeypatch.context() as broken:
            broken.setattr(module, "TAKE", "no script")
            assert await counted.take("a", 2, 60) is None
        await counted.give_back("a")
        assert [await counted.take("a", 2, 60) for _ in range(2)] == [None, 60]  # in memory still
        await counted.give_back("a")
        clock.advance(AWAY_S)
        assert [await counted.take("a", 2, 60) for _ in range(2)] == [None, 55]


async def test_a_redis_that_comes_and_goes_forgives_nothing(
    redis_server: str, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One limit, whoever counted: not one in Redis and another one beside it."""
    async with RedisAttempts(redis_server, clock, prefix=f"test:{new_id()}:") as counted:
        for away in (False, True, False, True):
            with monkeypatch.context() as broken:
                if away:
                    broken.setattr(module, "TAKE", "no script")
                assert await counted.take("a", 4, 60) is None
            clock.advance(AWAY_S)
        assert await counted.take("a", 4, 60) is not None
        monkeypatch.setattr(module, "TAKE", "no script")
        assert await counted.take("a", 4, 60) is not None
        await counted.forget("a")
        assert await counted.take("a", 4, 60) is None


async def test_a_redis_that_hangs(clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Does not keep a login waiting for long, and the next ones not at all."""
    monkeypatch.setattr(module, "ANSWER_S", 0.1)
    left = asyncio.Semaphore(0)

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(1000):
            pass
        writer.close()
        left.release()

    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with asyncio.timeout(3), server:
        async with RedisAttempts(f"redis://127.0.0.1:{port}", clock) as counted:
            assert [await counted.take("a", 2, 60) for _ in range(3)] == [None, None, 60]
        for _ in range(2):  # it was asked twice
            await left.acquire()


async def test_opened_by_the_setting(store: Store, clock: ManualClock, redis_server: str) -> None:
    """In Redis where the bus is, and in the database otherwise."""
    async with open_attempts("memory://", store, clock) as counted:
        assert isinstance(counted, TableAttempts)
    async with open_attempts(redis_server, store, clock) as counted:
        assert isinstance(counted, RedisAttempts)


async def _rows(store: Store) -> int:
    async with store.read() as session:
        return (await session.exec(select(func.count()).select_from(Attempt))).one()
