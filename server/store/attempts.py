"""Attempts at what is throttled: a row each, for as long as the window is."""

from datetime import datetime

from sqlalchemy import text
from sqlmodel import col, delete, select
from sqlmodel.ext.asyncio.session import AsyncSession

from server.store.tables import Attempt

LOCKS = 0x52435441  # apart from other advisory locks of the same database


async def lock(session: AsyncSession, key: str) -> None:
    """Keeps others at this key waiting until the transaction ends. SQLite has one writer anyway."""
    if session.get_bind().dialect.name == "postgresql":
        await session.exec(  # type: ignore[call-overload]
            text("SELECT pg_advisory_xact_lock(:room, hashtext(:key))"), params={"room": LOCKS, "key": key}
        )


async def full_since(session: AsyncSession, key: str, limit: int, after: datetime) -> datetime | None:
    """When the oldest of the newest `limit` attempts was, if there are so many after that time."""
    statement = select(Attempt.at).where(Attempt.key == key, col(Attempt.at) > after)
    return (await session.exec(statement.order_by(col(Attempt.at).desc()).offset(limit - 1).limit(1))).first()


async def add(session: AsyncSession, key: str, at: datetime) -> None:
    session.add(Attempt(key=key, at=at))
    await session.flush()


async def forget_newest(session: AsyncSession, key: str) -> None:
    newest = select(Attempt.id).where(Attempt.key == key).order_by(col(Attempt.at).desc(), col(Attempt.id).desc())
    await session.exec(delete(Attempt).where(col(Attempt.id).in_(newest.limit(1))))


async def forget(session: AsyncSession, key: str) -> None:
    await session.exec(delete(Attempt).where(col(Attempt.key) == key))


async def forget_before(session: AsyncSession, key: str, at: datetime) -> None:
    """Those of a key that have left its window."""
    await session.exec(delete(Attempt).where(col(Attempt.key) == key, col(Attempt.at) <= at))


async def forget_old(session: AsyncSession, before: datetime) -> int:
    """Those of every key; how many. What another transaction is about to delete is left to it."""
    old = select(Attempt.id).where(col(Attempt.at) < before).with_for_update(skip_locked=True)
    return (await session.exec(delete(Attempt).where(col(Attempt.id).in_(old)))).rowcount
