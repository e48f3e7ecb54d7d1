"""Where attempts are counted: in the database or in Redis, so that a restart or a second process forgives nothing."""

import math
from collections import OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from types import TracebackType
from typing import Protocol, Self

import redis.asyncio
import structlog
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from sqlmodel.ext.asyncio.session import AsyncSession

from server.clock import Clock
from server.ids import new_id
from server.store import attempts
from server.store.engine import Store

LONGEST_S = 86_400  # no window is longer
SWEEP_EVERY_S = 600.0
AWAY_S = 5.0
ANSWER_S = 2.0

# Drops what is older than the window, and adds the attempt or tells how many milliseconds to wait.
TAKE = """
local now, window, limit = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - window)
local counted = redis.call('ZRANGE', KEYS[1], -limit, -limit, 'WITHSCORES')
if counted[2] then
  return math.max(1, tonumber(counted[2]) + window - now)
end
redis.call('ZADD', KEYS[1], now, ARGV[4])
redis.call('PEXPIRE', KEYS[1], window)
return 0
"""


class Attempts(Protocol):
    """A sliding window for each key."""

    async def take(self, key: str, limit: int, window_s: float) -> int | None:
        """Counts an attempt before it is made; for how many seconds to wait where there are too many already."""

    async def give_back(self, key: str) -> None:
        """The newest attempt does not count."""

    async def forget(self, key: str) -> None:
        """None of them does."""


class MemoryAttempts:
    """In this process, for as long as it lives. Beyond `max_keys`, the one unused for longest goes."""

    def __init__(self, clock: Clock, *, max_keys: int = 10_000) -> None:
        self._clock = clock
        self._max_keys = max_keys
        self._attempts: OrderedDict[str, deque[float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._attempts)

    def __contains__(self, key: str) -> bool:
        return key in self._attempts

    def count(self, key: str, window_s: float) -> int:
        """How many there are at that key now."""
        after = self._clock.monotonic() - window_s
        return sum(at > after for at in self._attempts.get(key, ()))

    async def take(self, key: str, limit: int, window_s: float) -> int | None:
        now = self._clock.monotonic()
        counted = self._attempts.setdefault(key, deque())
        self._attempts.move_to_end(key)
        while counted and counted[0] <= now - window_s:
            counted.popleft()
        if len(counted) >= limit:
            return wait_s(counted[-limit] + window_s - now, window_s)
        counted.append(now)
        while len(self._attempts) > self._max_keys:
            self._attempts.popitem(last=False)
        return None

    async def give_back(self, key: str) -> None:
        counted = self._attempts.get(key)
        if counted:
            counted.pop()
        if counted is not None and not counted:
            del self._attempts[key]

    async def forget(self, key: str) -> None:
        self._attempts.pop(key, None)


class TableAttempts:
    """In the database. Attempts at one key wait for one another, also those of other processes."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._swept_at = clock.monotonic() - SWEEP_EVERY_S

    async def take(self, key: str, limit: int, window_s: float) -> int | None:
        now, window = self._clock.now(), timedelta(seconds=window_s)
        async with self._store.read() as session:  # a flood is refused without a write
            full_since = await attempts.full_since(session, key, limit, now - window)
        if full_since is None:
            async with self._store.transaction() as session:
                await attempts.lock(session, key)
                await attempts.forget_before(session, key, now - window)
                full_since = await attempts.full_since(session, key, limit, now - window)
                if full_since is None:
                    await attempts.add(session, key, now)
                    await self._sweep(session)  # last: it waits for nobody, so two never wait for each other
                    return None
        return wait_s((full_since + window - now).total_seconds(), window_s)

    async def give_back(self, key: str) -> None:
        async with self._store.transaction() as session:
            await attempts.lock(session, key)
            await attempts.forget_newest(session, key)

    async def forget(self, key: str) -> None:
        async with self._store.transaction() as session:
            await attempts.lock(session, key)
            await attempts.forget(session, key)

    async def _sweep(self, session: AsyncSession) -> None:
        """Keys that nobody tries again would stay for ever."""
        now = self._clock.monotonic()
        if now - self._swept_at >= SWEEP_EVERY_S:
            self._swept_at = now
            await attempts.forget_old(session, self._clock.now() - timedelta(seconds=LONGEST_S))


class RedisAttempts:
    """In Redis, where they expire by themselves. While it is away, each process counts for itself.

    A Redis that comes and goes forgives nothing: what it has missed counts beside what it holds, and while it is away
    the process goes by all that it has seen itself.
    """

    def __init__(self, url: str, clock: Clock, *, prefix: str = "rollcall:attempts:") -> None:
        self._clock = clock
        self._prefix = prefix
        # One more try at once: a connection from the pool may have died unnoticed.
        self._redis = redis.asyncio.from_url(
            url, socket_connect_timeout=ANSWER_S, socket_timeout=ANSWER_S, retry=Retry(NoBackoff(), 1)
        )
        self._seen = MemoryAttempts(clock)
        self._missed = MemoryAttempts(clock)
        self._away_until = -math.inf

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._redis.aclose()

    async def take(self, key: str, limit: int, window_s: float) -> int | None:
        left = limit - self._missed.count(key, window_s)
        if left <= 0:
            return await self._missed.take(key, limit, window_s)
        now_ms, window_ms = round(self._clock.now().timestamp() * 1000), round(window_s * 1000)
        answer = await self._ask("EVAL", TAKE, 1, self._prefix + key, now_ms, window_ms, left, new_id())
        if answer:
            return wait_s(answer / 1000, window_s)
        seen = await self._seen.take(key, limit, window_s)
        if answer is None and seen is None:
            await self._missed.take(key, limit, window_s)
        return seen if answer is None else None

    async def give_back(self, key: str) -> None:
        await self._seen.give_back(key)
        if key in self._missed:
            await self._missed.give_back(key)
        else:
            await self._ask("ZREMRANGEBYRANK", self._prefix + key, -1, -1)

    async def forget(self, key: str) -> None:
        await self._seen.forget(key)
        await self._missed.forget(key)
        await self._ask("DEL", self._prefix + key)

    async def _ask(self, *command: str | int) -> int | None:
        """A number; None where Redis does not answer, and then for some seconds without asking."""
        if self._clock.monotonic() < self._away_until:
            return None
        try:
            answer = await self._redis.execute_command(*command)  # type: ignore[no-untyped-call]  # so is theirs
            return int(answer)
        except (RedisError, OSError, TimeoutError) as error:
            self._away_until = self._clock.monotonic() + AWAY_S
            structlog.get_logger(__name__).warning("attempts are counted in memory", reason=type(error).__name__)
            return None


@asynccontextmanager
async def open_attempts(bus_url: str, store: Store, clock: Clock) -> AsyncIterator[Attempts]:
    """In Redis where there is one, else in the database."""
    if bus_url.startswith("memory://"):
        yield TableAttempts(store, clock)
        return
    async with RedisAttempts(bus_url, clock) as counted:
        yield counted


def wait_s(left_s: float, window_s: float) -> int:
    """In whole seconds; never longer than the window, whatever another machine's clock says."""
    return max(1, math.ceil(min(left_s, window_s)))
