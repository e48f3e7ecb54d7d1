"""What is the database's fault, and what is ours."""

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, OperationalError, SQLAlchemyError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from server.store.away import fails_for_all, is_away, is_in_the_way, is_the_requests
from server.store.engine import Store


class _Refused(Exception):
    def __init__(self, sqlstate: str) -> None:
        super().__init__(sqlstate)
        self.sqlstate = sqlstate


@pytest.mark.parametrize("state", ["08006", "53300", "57014", "57P01", "57P03", "55P03", "40001", "40P01"])
def test_it_may_be_asked_again(state: str) -> None:
    """Gone, full, shutting down, starting, locked, too slow, in the way of another."""
    assert is_away(DBAPIError("SELECT", None, _Refused(state)))


@pytest.mark.parametrize("state", ["42P01", "23505", "22003", "55000"])
def test_it_would_fail_again(state: str) -> None:
    """No such table, a value twice, a number too large: whatever is wrong there, it is not the database's absence."""
    assert not is_away(DBAPIError("SELECT", None, _Refused(state)))


def test_other_errors() -> None:
    """A refused connection is an absence; a mistake of ours is none."""
    assert is_away(ConnectionRefusedError())
    assert is_away(OperationalError("SELECT", None, OSError()))
    assert is_away(DBAPIError("SELECT", None, Exception(), connection_invalidated=True))
    assert not is_away(IntegrityError("SELECT", None, Exception()))
    assert not is_away(ValueError())


@pytest.mark.parametrize("state", ["25006", "28P01", "58030", "3D000", "42501", "XX000", "42P01", "08006", "57014"])
def test_the_request_is_not_to_blame(state: str) -> None:
    """Read-only, another password, a broken disk, no such database, no right to it, its own mistake, no such table:
    somebody will see to it, and then the same request succeeds."""
    assert not is_the_requests(DBAPIError("INSERT", None, _Refused(state)))


def test_whom_it_concerns() -> None:
    """Nobody can write where the database is gone or read-only; where a lock or its time was in the way, others can."""
    nobody = [DBAPIError("INSERT", None, _Refused(state)) for state in ("08006", "57P01", "25006", "28P01", "42501")]
    assert [
        fails_for_all(error) for error in (*nobody, ConnectionRefusedError(), asyncpg.InvalidPasswordError(""))
    ] == [True] * 7
    for state in ("55P03", "57014", "40001"):
        error = DBAPIError("INSERT", None, _Refused(state))
        assert (is_in_the_way(error), fails_for_all(error)) == (True, False)
    assert not fails_for_all(DBAPIError("INSERT", None, _Refused("XX000")))
    assert not is_in_the_way(OperationalError("INSERT", None, OSError()))


def test_the_request_is_to_blame() -> None:
    """For what contradicts other rows, for a value that no column takes, and for a mistake of ours before it."""
    assert is_the_requests(IntegrityError("INSERT", None, Exception()))
    assert is_the_requests(DataError("INSERT", None, Exception()))
    assert is_the_requests(DBAPIError("INSERT", None, _Refused("23503")))
    assert is_the_requests(DBAPIError("INSERT", None, _Refused("22021")))
    assert is_the_requests(StatementError("A time without a zone cannot be stored.", "INSERT", None, ValueError()))
    assert is_the_requests(KeyError())
    drivers = asyncpg.InvalidPasswordError(""), asyncpg.InterfaceError("")
    for error in (*drivers, OSError(), TimeoutError(), PoolTimeout()):
        assert not is_the_requests(error)


async def test_a_value_that_postgresql_does_not_take(store: Store) -> None:
    """Whether the driver or the server finds it."""
    if store.is_sqlite:
        pytest.skip("SQLite takes any value")
    for statement, value in (("SELECT CAST(:x AS int)", "no number"), ("SELECT CAST(:x AS text)", "\0")):
        with pytest.raises(DBAPIError) as caught:
            async with store.read() as session:
                await (await session.connection()).execute(text(statement), {"x": value})
        assert is_the_requests(caught.value)


async def _error_of(store: Store, statement: str) -> SQLAlchemyError:
    with pytest.raises(SQLAlchemyError) as caught:
        async with store.read() as session:
            await (await session.connection()).execute(text(statement))
    return caught.value


async def test_what_postgresql_really_raises(store: Store) -> None:
    """A statement that took too long, a connection that was ended, a lock that another holds, a full pool."""
    if store.is_sqlite:
        pytest.skip("SQLite has no server that could be away")
    async with Store(store.url, pool_size=1, statement_timeout_s=0.3) as hasty:
        assert is_away(await _error_of(hasty, "SELECT pg_sleep(5)"))
        assert is_away(await _error_of(hasty, "SELECT pg_terminate_backend(pg_backend_pid())"))
        async with store.transaction() as holder:
            await (await holder.connection()).execute(text("LOCK TABLE settings"))
            assert is_away(await _error_of(hasty, "SELECT * FROM settings"))
        assert not is_away(await _error_of(hasty, "SELECT * FROM nowhere"))
        hasty.engine.pool._timeout = 0.1  # type: ignore[attr-defined]
        async with hasty.read() as taker:
            await taker.connection()
            assert is_away(await _error_of(hasty, "SELECT 1"))
