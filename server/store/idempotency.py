"""Answers to creations that may be asked for again: claimed by one request, kept for a day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Insert, and_, func
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col, delete, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from server.errors import Invalid, StillAtWork
from server.store.tables import IdempotentAnswer

KEPT_FOR = timedelta(hours=24)
# Longer than any creation takes: who has not answered by then has died meanwhile.
ANSWERED_WITHIN = timedelta(minutes=1)
REUSED = "idempotency_key_reused"
MADE = b"made"  # in place of the answer until that is known: no key opens it


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to make something under a key; the time tells it from a claim that takes over later."""

    key_hash: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer as it is stored."""

    key_hash: str
    answer: bytes


async def claim(
    session: AsyncSession, key_hash: str, request_hash: str, now: datetime, *, older: Sequence[str] = ()
) -> Claim | bytes:
    """The claim of the first who asks, or what the first was answered. `older`: hashes of the same by older keys.

    Raises Invalid where the key was used for something else, StillAtWork while the first has no answer yet.
    """
    row = {"key_hash": key_hash, "request_hash": request_hash, "created_at": now}
    if (await session.exec(_insert(session).values(row))).rowcount:
        return Claim(key_hash, now)
    there = (
        await session.exec(select(IdempotentAnswer).where(IdempotentAnswer.key_hash == key_hash).with_for_update())
    ).one_or_none()
    if there is None:  # its maker has failed in this very moment
        raise _still_at_work()
    if now - there.created_at >= (KEPT_FOR if there.answer is not None else ANSWERED_WITHIN):
        there.request_hash, there.answer, there.created_at = request_hash, None, now
        session.add(there)
        await session.flush()
        return Claim(key_hash, now)
    if there.request_hash not in (request_hash, *older):
        raise Invalid("This Idempotency-Key was used for another request.", code=REUSED)
    if there.answer is None or (there.answer == MADE and now - there.created_at < ANSWERED_WITHIN):
        raise _still_at_work()
    return there.answer


async def made(session: AsyncSession, mine: Claim) -> None:
    """Within the transaction of what is made: it will not be made again, also if its maker dies before it answers.

    Raises StillAtWork where somebody else has taken over: then it is theirs to make.
    """
    if not (await session.exec(update(IdempotentAnswer).where(_of(mine)).values(answer=MADE))).rowcount:
        raise _still_at_work()


async def keep(session: AsyncSession, mine: Claim, answer: bytes) -> None:
    """Stores the answer, unless somebody else has taken over."""
    await session.exec(update(IdempotentAnswer).where(_of(mine)).values(answer=answer))


async def release(session: AsyncSession, mine: Claim, *, also_made: bool = True) -> None:
    """Gives the key back: nothing was made under it. Without `also_made` it stays where something was."""
    unless = () if also_made else (col(IdempotentAnswer.answer).is_(None),)
    await session.exec(delete(IdempotentAnswer).where(_of(mine), *unless))


async def kept(session: AsyncSession, after: str, limit: int) -> list[Kept]:
    """The next answers after that key, by key."""
    statement = (
        select(IdempotentAnswer.key_hash, IdempotentAnswer.answer)
        .where(IdempotentAnswer.key_hash > after, col(IdempotentAnswer.answer).is_not(None))
        .order_by(IdempotentAnswer.key_hash)
        .limit(limit)
    )
    return [Kept(key_hash, answer) for key_hash, answer in (await session.exec(statement)).all() if answer is not None]


async def lose(session: AsyncSession, key_hashes: Sequence[str]) -> int:
    """What was answered is forgotten, and that it was answered is not: nothing is made a second time. How many."""
    there = (col(IdempotentAnswer.key_hash).in_(key_hashes), col(IdempotentAnswer.answer) != b"")
    lost = update(IdempotentAnswer).where(*there).values(answer=b"")
    return (await session.exec(lost.execution_options(synchronize_session=False))).rowcount


async def forget_old(session: AsyncSession, now: datetime) -> int:
    """Deletes the answers that are not kept any more; how many."""
    old = col(IdempotentAnswer.created_at) <= now - KEPT_FOR
    count = (await session.exec(select(func.count()).select_from(IdempotentAnswer).where(old))).one()
    await session.exec(delete(IdempotentAnswer).where(old))
    return count


def _insert(session: AsyncSession) -> Insert:
    """One that a second asker waits for, and then finds nothing to do."""
    kind = session.get_bind().dialect.name
    if kind == "postgresql":
        return postgresql.insert(IdempotentAnswer).on_conflict_do_nothing()
    return sqlite.insert(IdempotentAnswer).on_conflict_do_nothing()


def _of(mine: Claim) -> ColumnElement[bool]:
    return and_(col(IdempotentAnswer.key_hash) == mine.key_hash, col(IdempotentAnswer.created_at) == mine.at)


def _still_at_work() -> StillAtWork:
    return StillAtWork("The first request with this Idempotency-Key is still at work.")
