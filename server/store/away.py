"""Tells a database that cannot answer now from a request that is wrong."""

import asyncpg
from sqlalchemy.exc import (
    DataError,
    DBAPIError,
    IntegrityError,
    InterfaceError,
    OperationalError,
    SQLAlchemyError,
    StatementError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout

# Classes of SQLSTATE: connection, resources, intervention (also a statement that took too long), rolled back.
CLASSES = frozenset({"08", "53", "57", "40"})
LOCK_NOT_AVAILABLE = "55P03"
# What fails for everybody, though it answers: read-only until it is the primary, nobody is let in, it is not there.
OF_ALL = frozenset({"25", "28", "3D"})
NOT_ALLOWED = "42501"
IN_THE_WAY = frozenset({LOCK_NOT_AVAILABLE, "57014"})  # another transaction, or a statement that takes too long
WRONG_DATA = frozenset({"22", "23"})  # values that no column takes, or that contradict other rows


def is_away(error: BaseException) -> bool:
    """Whether the same request may succeed in a moment: the database is away, starts, is full or was in the way."""
    if isinstance(error, OperationalError | InterfaceError | PoolTimeout | ConnectionError):
        return True
    if not isinstance(error, DBAPIError):
        return False
    state = _state_of(error)
    return error.connection_invalidated or state[:2] in CLASSES or state == LOCK_NOT_AVAILABLE


def is_the_requests(error: BaseException) -> bool:
    """Whether it fails for what is asked, however often it is. Not where somebody may see to the database, though it
    answers: it is read-only until it is the primary, its disk is broken, its password is another one."""
    if isinstance(error, IntegrityError | DataError):
        return True
    if isinstance(error, DBAPIError):  # what PostgreSQL's driver finds wrong is no DataError of SQLAlchemy's
        return _state_of(error)[:2] in WRONG_DATA
    if isinstance(error, StatementError):  # a value that never came to the database
        return True
    of_database = (SQLAlchemyError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
    return not isinstance(error, (*of_database, OSError))


def is_in_the_way(error: BaseException) -> bool:
    """Whether another transaction was, or it took too long: others may go on meanwhile."""
    state = _state_of(error)
    return state in IN_THE_WAY or state[:2] == "40"


def fails_for_all(error: BaseException) -> bool:
    """Whether nobody can write now, rather than this."""
    state = _state_of(error)
    return not is_in_the_way(error) and (is_away(error) or state[:2] in OF_ALL or state == NOT_ALLOWED)


def _state_of(error: BaseException) -> str:
    return str(getattr(error.orig if isinstance(error, DBAPIError) else error, "sqlstate", None) or "")
