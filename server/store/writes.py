"""Writing one row: read and locked first, and with a clash of unique values told as a conflict."""

from datetime import timedelta
from typing import TypeVar

from sqlalchemy import inspect
from sqlalchemy.exc import IntegrityError
from sqlmodel import SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from server.errors import Conflict
from server.store.columns import Row, utc_now

T = TypeVar("T", bound=SQLModel)
R = TypeVar("R", bound=Row)

# Others may go on to point to the row: their inserts do not wait for whoever edits it.
FOR_EDIT = {"key_share": True}

_UNIQUE_VIOLATION = "23505"  # of SQL's own states, as PostgreSQL reports them


async def locked(session: AsyncSession, table: type[R], row_id: str) -> R | None:
    """The row as it is now. Nobody else changes it until the transaction ends: what is checked on it stays true."""
    return await session.get(table, row_id, with_for_update=FOR_EDIT, populate_existing=True)


async def locked_in_order(session: AsyncSession, table: type[R], *row_ids: str | None) -> None:
    """Locks those that are there, in one order whoever asks: two who want the same rows do not wait for each other.

    People are locked so before anything that is theirs, as a merge does, by whoever then tells of their attendance.
    """
    for row_id in sorted({one for one in row_ids if one is not None}):
        await locked(session, table, row_id)


def touch(row: Row) -> None:
    """Moves `updated_at` on, whatever the clock says: each state of a row has a tag of its own."""
    row.updated_at = max(utc_now(), row.updated_at + timedelta(microseconds=1))


async def save(session: AsyncSession, row: T, clash: Conflict) -> T:
    """Inserts or updates now. Raises `clash` where another row already has a value that must be unique."""
    if isinstance(row, Row) and inspect(row).has_identity:
        touch(row)
    session.add(row)
    try:
        await session.flush()
    except IntegrityError as error:
        if not is_unique_violation(error):
            raise
        raise clash from None
    return row


def is_unique_violation(error: IntegrityError) -> bool:
    """Whether the database complains of a value that is already there, rather than of one that is missing."""
    return getattr(error.orig, "sqlstate", None) == _UNIQUE_VIOLATION or "UNIQUE constraint" in str(error.orig)
