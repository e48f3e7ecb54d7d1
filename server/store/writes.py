"""Writing one row, with a clash of unique values told as a conflict."""

from typing import TypeVar

from sqlalchemy.exc import IntegrityError
from sqlmodel import SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from server.errors import Conflict

T = TypeVar("T", bound=SQLModel)

_UNIQUE_VIOLATION = "23505"  # of SQL's own states, as PostgreSQL reports them


async def save(session: AsyncSession, row: T, clash: Conflict) -> T:
    """Inserts or updates now. Raises `clash` where another row already has a value that must be unique."""
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
