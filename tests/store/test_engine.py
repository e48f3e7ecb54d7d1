"""Opening the database, and transactions."""

import asyncio
import errno
import socket
from contextlib import suppress

import asyncpg
import pytest
from sqlalchemy import QueuePool, make_url, text
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from sqlmodel import func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from server.ids import new_id
from server.store import engine as engine_module
from server.store.away import is_away
from server.store.engine import Store, at_end, make_engine
from server.store.tables import Department
from tests.silent_proxy import silent_proxy


async def _count(store: Store) -> int:
    async with store.read() as session:
        return (await session.exec(select(func.count()).select_from(Department))).one()


async def test_all_or_nothing(store: Store) -> None:
    """An error takes back what was done before it."""

    async def fail() -> None:
        async with store.transaction() as session:
            session.add(Department(name="A"))
            await session.flush()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    assert await _count(store) == 0


async def test_what_comes_at_the_end(store: Store) -> None:
    """After everything else, whenever it was asked for; where it fails, nothing is kept."""
    seen: list[int] = []

    async def count(session: AsyncSession) -> None:
        seen.append((await session.exec(select(func.count()).select_from(Department))).one())

    async def fail(_session: AsyncSession) -> None:
        raise RuntimeError

    async with store.transaction() as session:
        at_end(session, count)
        session.add(Department(name="A"))
    assert seen == [1]
    with suppress(RuntimeError):
        async with store.transaction() as session:
            at_end(session, fail)
            session.add(Department(name="B"))
    assert await _count(store) == 1


async def test_cancelled(store: Store) -> None:
    """So does a cancel, and the next one can write."""
    reached = asyncio.Event()

    async def never_ends() -> None:
        async with store.transaction() as session:
            session.add(Department(name="A"))
            await session.flush()
            reached.set()
            await asyncio.Event().wait()

    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(never_ends())
        await reached.wait()
        task.cancel()
    async with store.transaction() as session:
        session.add(Department(name="A"))
    assert await _count(store) == 1


async def test_cancelled_at_any_point(store: Store) -> None:
    """Wherever a cancel meets it, and a second one meets the clean-up, no lock stays behind."""

    async def write() -> None:
        async with store.transaction() as session:
            session.add(Department(name=new_id()))
            await session.flush()
            await session.exec(text("SELECT count(*) FROM departments"))  # type: ignore[call-overload]

    async with asyncio.timeout(60):
        for step in range(200):
            async with asyncio.TaskGroup() as tasks:
                task = tasks.create_task(write())
                await asyncio.sleep(step % 50 * 0.0001)
                task.cancel()
                await asyncio.sleep(step % 7 * 0.0001)
                task.cancel()
            await write()


async def test_closing_waits_for_who_gives_a_connection_back(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    """Who was cancelled just before rolls back in peace: nothing is cut off, and the log stays clean."""
    reached = asyncio.Event()
    left: list[str] = []

    async def never_ends() -> None:
        async with other.transaction() as session:
            try:
                session.add(Department(name="A"))
                await session.flush()
                reached.set()
                await asyncio.sleep(60)
            finally:
                await asyncio.sleep(0.3)
                left.append("in peace")

    async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
        async with Store(store.url) as other:
            task = tasks.create_task(never_ends())
            await reached.wait()
            task.cancel()
            await asyncio.sleep(0)
        assert left == ["in peace"]
    assert caplog.records == []
    assert await _count(store) == 0


async def test_closing_does_not_wait_for_ever(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """What lies idle in the pool is closed also where somebody does not let go."""
    monkeypatch.setattr(engine_module, "CLOSE_WITHIN_S", 0.1)
    other = Store(store.url)
    async with asyncio.timeout(60), other.read() as session:
        connection = await session.connection()
        await other.ping()
        before = other.engine.pool
        await other.__aexit__(None, None, None)
        assert other.engine.pool is not before
        await connection.invalidate()


async def test_many_writers(store: Store) -> None:
    """Those that read and then write do so one after the other, and none fails."""

    async def add(number: int) -> None:
        async with store.transaction() as session:
            await session.exec(select(func.count()).select_from(Department))
            session.add(Department(name=str(number)))

    await asyncio.gather(*(add(number) for number in range(20)))
    assert await _count(store) == 20


async def test_readers_do_not_wait_for_a_writer(store: Store) -> None:
    """They see what was committed last."""
    async with store.transaction() as session:
        session.add(Department(name="A"))
        await session.flush()
        assert await asyncio.wait_for(_count(store), 5) == 0
    assert await _count(store) == 1


async def test_ping(store: Store) -> None:
    """Answers where the database does."""
    await store.ping()


async def test_an_error_does_not_repeat_the_values(store: Store) -> None:
    """What was to be written may be a password or a face, and errors are logged."""
    with pytest.raises(SQLAlchemyError) as caught:
        async with store.transaction() as session:
            await (await session.connection()).execute(text("INSERT INTO nowhere VALUES (:it)"), {"it": "hunter2"})
    assert "hunter2" not in str(caught.value)


async def test_postgresql_lets_nobody_hold_up_the_others(store: Store) -> None:
    """A statement, a wait for a lock and an idle transaction all end by themselves; times are in UTC."""
    if store.is_sqlite:
        pytest.skip("SQLite has one writer at a time, and a busy time-out of its own")
    names = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout", "TimeZone", "application_name")
    async with Store(store.url, pool_size=2, statement_timeout_s=4.5) as chosen, chosen.read() as session:
        connection = await session.connection()
        shown = [(await connection.execute(text(f"SHOW {name}"))).scalar_one() for name in names]
    assert shown == ["4500ms", "4500ms", "1min", "UTC", "rollcall"]


async def test_a_statement_that_takes_too_long_is_ended(store: Store) -> None:
    """By PostgreSQL itself, so that it stops working on it too; the connection can be used again."""
    if store.is_sqlite:
        pytest.skip("SQLite knows no time-out of statements")
    async with Store(store.url, statement_timeout_s=0.2) as hasty:
        with pytest.raises(SQLAlchemyError, match="statement timeout"):
            async with hasty.read() as session:
                await (await session.connection()).execute(text("SELECT pg_sleep(5)"))
        await hasty.ping()


async def test_the_pool_is_as_large_as_it_was_set() -> None:
    """PostgreSQL is asked for no connection more, and the oldest are opened anew."""
    engine = make_engine("postgresql+asyncpg://nobody@127.0.0.1:1/x", pool_size=3, pool_recycle_s=60)
    pool = engine.pool
    assert isinstance(pool, QueuePool)
    assert (pool.size(), pool._max_overflow, pool._recycle, pool._pre_ping) == (3, 0, 60, True)
    await engine.dispose()


async def test_more_than_the_pool_wait_for_one_another(store: Store) -> None:
    """None fails where there are more requests than connections."""
    async with Store(store.url, pool_size=2) as small:
        await asyncio.wait_for(asyncio.gather(*(small.ping() for _ in range(20))), 20)


@pytest.mark.parametrize(
    "error",
    [
        socket.gaierror(socket.EAI_NONAME, "Name or service not known"),
        OSError(errno.EHOSTUNREACH, "No route to host"),
        TimeoutError(),
        asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation"),
        asyncpg.CrashShutdownError("terminating connection because of crash of another server process"),
        asyncpg.CannotConnectNowError("the database system is starting up"),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_who_cannot_be_reached_is_away(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the network or a PostgreSQL that ends says: a container that is stopped has no name any more."""

    async def connect(*_arguments: object, **_options: object) -> None:
        raise error

    monkeypatch.setattr(asyncpg, "connect", connect)
    async with Store("postgresql+asyncpg://rollcall@db.site.example/rollcall") as store:
        with pytest.raises(ConnectionError) as raised:
            await store.ping()
    assert is_away(raised.value)


async def test_no_time_out_at_all_can_be_asked_for(store: Store) -> None:
    """Migrations do."""
    if store.is_sqlite:
        pytest.skip("SQLite knows no time-out of statements")
    engine = make_engine(store.url, statement_timeout_s=0)
    async with engine.connect() as connection:
        for name in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"):
            assert (await connection.execute(text(f"SHOW {name}"))).scalar_one() == "0"
    await engine.dispose()


async def test_a_postgresql_that_falls_silent(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who asks is told, closing does not wait for it, and when it is back all is as before."""
    if store.is_sqlite:
        pytest.skip("SQLite is no other process")
    monkeypatch.setattr(engine_module, "ANSWER_WITHIN_S", 0.3)
    monkeypatch.setattr(engine_module, "CONNECT_WITHIN_S", 0.5)
    monkeypatch.setattr(engine_module, "CLOSE_WITHIN_S", 0.3)
    url = make_url(store.url)
    async with asyncio.timeout(60), silent_proxy(url.host or "127.0.0.1", url.port or 5432) as proxy:
        through = url.set(host="127.0.0.1", port=proxy.own_port).render_as_string(hide_password=False)
        async with Store(through, statement_timeout_s=0.3) as proxied:
            await proxied.ping()
            async with proxied.read() as session:
                connection = await session.connection()
                proxy.talks.clear()
                with pytest.raises(OperationalError):  # in the middle of a conversation
                    await connection.execute(text("SELECT 1"))
            with pytest.raises(ConnectionError):  # at its beginning
                await proxied.ping()
            proxy.talks.set()
            await proxied.ping()
            proxy.talks.clear()
