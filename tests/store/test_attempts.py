"""The rows of attempts."""

from datetime import UTC, datetime, timedelta

from sqlmodel import func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from server.store import attempts
from server.store.engine import Store
from server.store.tables import Attempt

NOW = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)


def _at(seconds: int) -> datetime:
    return NOW + timedelta(seconds=seconds)


async def _count(session: AsyncSession, key: str) -> int:
    return (await session.exec(select(func.count()).select_from(Attempt).where(Attempt.key == key))).one()


async def test_full(store: Store) -> None:
    """From the time of the oldest of the newest so many; not when there are fewer after that time."""
    async with store.transaction() as session:
        await attempts.lock(session, "a")
        for seconds in (1, 2, 3):
            await attempts.add(session, "a", _at(seconds))
        await attempts.add(session, "b", _at(9))
        assert await attempts.full_since(session, "a", 2, _at(0)) == _at(2)
        assert await attempts.full_since(session, "a", 3, _at(0)) == _at(1)
        assert await attempts.full_since(session, "a", 3, _at(1)) is None
        assert await attempts.full_since(session, "a", 4, _at(0)) is None


async def test_forgotten(store: Store) -> None:
    """The newest, those before a time, or all of a key; and those of all keys that are old."""
    async with store.transaction() as session:
        for seconds in range(5):
            await attempts.add(session, "a", _at(seconds))
            await attempts.add(session, "b", _at(seconds))
        await attempts.forget_newest(session, "a")
        await attempts.forget_newest(session, "never")
        assert await attempts.full_since(session, "a", 1, _at(0)) == _at(3)
        await attempts.forget_before(session, "a", _at(1))
        assert (await _count(session, "a"), await _count(session, "b")) == (2, 5)
        assert await attempts.forget_old(session, _at(3)) == 4
        assert (await _count(session, "a"), await _count(session, "b")) == (1, 2)
        await attempts.forget(session, "a")
        assert (await _count(session, "a"), await _count(session, "b")) == (0, 2)
