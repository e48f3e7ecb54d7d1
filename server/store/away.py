"""Tells a database that cannot answer now from a request that is wrong."""

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

# Classes of SQLSTATE: connection, resources, intervention (also a statement that took too long), rolled back.
CLASSES = frozenset({"08", "53", "57", "40"})
LOCK_NOT_AVAILABLE = "55P03"


def is_away(error: BaseException) -> bool:
    """Whether the same request may succeed in a moment: the database is away, starts, is full or was in the way."""
    if isinstance(error, OperationalError | InterfaceError | PoolTimeout | ConnectionError):
        return True
    if not isinstance(error, DBAPIError):
        return False
    state = str(getattr(error.orig, "sqlstate", None) or "")
    return error.connection_invalidated or state[:2] in CLASSES or state == LOCK_NOT_AVAILABLE
