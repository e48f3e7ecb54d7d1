"""What is good once and for a short time: known by a hash, gone when used."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col, delete, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from server.store.tables import OneTimeCode


async def add(
    session: AsyncSession, *, code_hash: str, purpose: str, subject: Mapping[str, Any], expires_at: datetime
) -> bool:
    """False where the same code is open already, perhaps of another process."""
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    statement = insert(OneTimeCode).values(
        code_hash=code_hash, purpose=purpose, subject=dict(subject), expires_at=expires_at
    )
    added = await session.exec(statement.on_conflict_do_nothing().returning(col(OneTimeCode.code_hash)))
    return added.first() is not None


async def take(session: AsyncSession, code_hashes: Sequence[str], purpose: str, now: datetime) -> dict[str, Any] | None:
    """Deletes it and answers its subject, in one statement: of several who ask at once, one gets it."""
    statement = delete(OneTimeCode).where(
        col(OneTimeCode.code_hash).in_(code_hashes), col(OneTimeCode.purpose) == purpose
    )
    row = (await session.exec(statement.returning(col(OneTimeCode.subject), col(OneTimeCode.expires_at)))).first()
    return row.subject if row is not None and row.expires_at > now else None


async def forget_expired(session: AsyncSession, now: datetime) -> int:
    """Those of every purpose; how many."""
    return await _delete(session, _hashes().where(col(OneTimeCode.expires_at) <= now))


async def forget_of(session: AsyncSession, purpose: str, subject: Mapping[str, str]) -> None:
    """Those of the same purpose about the same subject."""
    about = [col(OneTimeCode.subject)[name].as_string() == value for name, value in subject.items()]
    await _delete(session, _hashes().where(OneTimeCode.purpose == purpose, *about))


async def keep_newest(session: AsyncSession, purpose: str, count: int) -> None:
    """Deletes those of a purpose that end first, until so many are left."""
    newest_first = (col(OneTimeCode.expires_at).desc(), col(OneTimeCode.code_hash))
    await _delete(session, _hashes().where(OneTimeCode.purpose == purpose).order_by(*newest_first).offset(count))


def _hashes() -> SelectOfScalar[str]:
    return select(OneTimeCode.code_hash)


async def _delete(session: AsyncSession, chosen: SelectOfScalar[str]) -> int:
    """A row is locked only to be deleted: what another transaction holds is left to it, so no two wait in a circle."""
    chosen = chosen.with_for_update(skip_locked=True)
    return (await session.exec(delete(OneTimeCode).where(col(OneTimeCode.code_hash).in_(chosen)))).rowcount
