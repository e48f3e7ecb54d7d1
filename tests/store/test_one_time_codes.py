"""The rows of codes that are good once."""

from datetime import UTC, datetime, timedelta

from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from server.store import one_time_codes
from server.store.engine import Store
from server.store.tables import OneTimeCode

NOW = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)


async def _add(
    session: AsyncSession, code_hash: str, purpose: str = "ticket", *, ends_s: int = 30, **about: str
) -> bool:
    ends = NOW + timedelta(seconds=ends_s)
    return await one_time_codes.add(session, code_hash=code_hash, purpose=purpose, subject=about, expires_at=ends)


async def _left(session: AsyncSession) -> list[str]:
    return sorted((await session.exec(select(OneTimeCode.code_hash))).all())


async def test_the_same_twice(store: Store) -> None:
    """The second is told that it is there, and the transaction goes on."""
    async with store.transaction() as session:
        assert await _add(session, "a", about="first")
        assert not await _add(session, "a", about="second")
        assert await _add(session, "b")
    async with store.transaction() as session:
        assert await one_time_codes.take(session, ["a"], "ticket", NOW) == {"about": "first"}
        assert await _left(session) == ["b"]


async def test_taken(store: Store) -> None:
    """By any of its hashes, for its purpose; one that has run out is deleted and not answered."""
    async with store.transaction() as session:
        await _add(session, "a", who="ada")
        await _add(session, "late", ends_s=0)
        assert await one_time_codes.take(session, ["a"], "pairing", NOW) is None
        assert await one_time_codes.take(session, ["x", "a"], "ticket", NOW) == {"who": "ada"}
        assert await one_time_codes.take(session, ["late"], "ticket", NOW) is None
        assert await _left(session) == []


async def test_swept(store: Store) -> None:
    """Those that have run out go; those of one subject, or beyond a count, of one purpose alone."""
    async with store.transaction() as session:
        for number in range(4):
            await _add(session, f"t{number}", ends_s=number, who="ada" if number % 2 else "bob", at="x")
        await _add(session, "p", "pairing", who="ada", at="x")
        assert await one_time_codes.forget_expired(session, NOW) == 1
        assert await _left(session) == ["p", "t1", "t2", "t3"]
        await one_time_codes.keep_newest(session, "ticket", 2)
        assert await _left(session) == ["p", "t2", "t3"]
        await one_time_codes.forget_of(session, "ticket", {"who": "ada", "at": "x"})
        assert await _left(session) == ["p", "t2"]
