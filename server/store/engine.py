"""The database: opening it, and transaction() at the edge. SQLite has one writer at a time, by a lock of ours."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, nullcontext, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Any, Self

import aiosqlite
import asyncpg
from sqlalchemy import event, text
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.util import await_only
from sqlmodel.ext.asyncio.session import AsyncSession

LOCK_TIMEOUT_S = 10.0
IDLE_IN_TRANSACTION_S = 60.0
CONNECT_WITHIN_S = 10.0
ANSWER_WITHIN_S = 5.0  # beyond what a statement may take: PostgreSQL ends those itself
CLOSE_WITHIN_S = 3.0

Note = Callable[[AsyncSession], Awaitable[None]]
LAST = "last"  # in a session's `info`: what comes after everything else


@dataclass(slots=True)
class _Noting:
    note: Note | None  # None once it is over: a task that was started meanwhile keeps the context


_NOTING: ContextVar[_Noting | None] = ContextVar("noting", default=None)


@contextmanager
def noted(note: Note) -> Iterator[None]:
    """While it lasts, every transaction that is begun from here has `note` as its last step. Where that raises, nothing
    of the transaction is kept."""
    noting = _Noting(note)
    token = _NOTING.set(noting)
    try:
        yield
    finally:
        _NOTING.reset(token)
        noting.note = None


def at_end(session: AsyncSession, step: Note) -> None:
    """`step` comes after everything else in this transaction, such as what takes a row that everybody waits for. Where
    it raises, nothing of the transaction is kept."""
    session.info.setdefault(LAST, []).append(step)


def make_engine(
    url: str, *, pool_size: int = 20, pool_recycle_s: int = 3600, statement_timeout_s: float = 30.0
) -> AsyncEngine:
    """An engine with the settings that each database needs. A statement time-out of 0 is none."""
    if url.startswith("sqlite"):
        engine = create_async_engine(
            url, hide_parameters=True, connect_args={"timeout": 15, "async_creator_fn": _connect_sqlite}
        )
        event.listen(engine.sync_engine, "connect", _prepare_sqlite)
        # A termination would stop aiosqlite's thread while a shielded close still waits for it, and that waits for
        # ever. A plain close has no such race, and a file needs no termination.
        engine.dialect.do_terminate = engine.dialect.do_close  # type: ignore[method-assign]
        return engine
    engine = create_async_engine(
        url,
        hide_parameters=True,  # errors are logged, and values may be passwords or faces
        pool_size=pool_size,
        max_overflow=0,  # the size is what PostgreSQL was told to expect
        pool_recycle=pool_recycle_s,
        pool_pre_ping=True,
        connect_args={
            "async_creator_fn": _connect_postgresql,
            "timeout": CONNECT_WITHIN_S,
            "command_timeout": statement_timeout_s + ANSWER_WITHIN_S if statement_timeout_s else None,
            "server_settings": _postgresql_settings(statement_timeout_s),
        },
    )
    engine.dialect.do_ping = _answers  # type: ignore[method-assign, assignment]
    event.listen(engine.sync_engine, "handle_error", _on_silence)
    return engine


async def _connect_postgresql(*args: Any, **options: Any) -> asyncpg.Connection:
    """Raises ConnectionError where PostgreSQL cannot be reached, says nothing, starts, stops or is full."""
    try:
        return await asyncpg.connect(*args, **options)
    except ConnectionError:
        raise
    except TimeoutError:
        raise ConnectionError("PostgreSQL has not answered in time.") from None
    except OSError as error:  # no such host, no route to it
        raise ConnectionError(f"PostgreSQL cannot be reached: {error}") from None
    except (
        asyncpg.OperatorInterventionError,
        asyncpg.PostgresConnectionError,
        asyncpg.TooManyConnectionsError,
    ) as error:
        raise ConnectionError(f"PostgreSQL lets nobody in: {error}") from None


def _answers(connection: Any) -> bool:
    """Whether a connection of the pool is alive. One whose other end died unheard would be waited for without end."""
    try:
        await_only(connection.driver_connection.fetchrow(";", timeout=ANSWER_WITHIN_S))
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return False
    return True


def _on_silence(context: ExceptionContext) -> Exception | None:
    """A connection that has not answered in time is not used again, and what failed by it is the database's fault."""
    error = context.original_exception
    if not isinstance(error, TimeoutError):
        return None
    context.is_disconnect = True
    return OperationalError(context.statement, None, error, hide_parameters=True)


def _postgresql_settings(statement_timeout_s: float) -> dict[str, str]:
    """No statement and no transaction holds the others up for long, and a process that hangs loses its locks."""
    lock_s = min(LOCK_TIMEOUT_S, statement_timeout_s)
    idle_s = IDLE_IN_TRANSACTION_S if statement_timeout_s else 0
    return {
        "application_name": "rollcall",
        "timezone": "UTC",
        "statement_timeout": _milliseconds(statement_timeout_s),
        "lock_timeout": _milliseconds(lock_s),
        "idle_in_transaction_session_timeout": _milliseconds(idle_s),
    }


def _milliseconds(seconds: float) -> str:
    return str(max(1, round(seconds * 1000)) if seconds else 0)


class _SqliteConnection(aiosqlite.Connection):
    """A connection that leaves no lock behind when it is closed."""

    async def close(self) -> None:
        """Takes back what is open, and closes.

        A call that was cancelled may have left a statement that somebody still holds, and SQLite keeps a closed
        connection with such a statement alive: with its transaction, and with the write lock of the whole database.
        """
        try:
            if self._connection is not None:
                await self.rollback()
        finally:
            await super().close()


def _connect_sqlite(database: str, **options: Any) -> aiosqlite.Connection:
    return _SqliteConnection(partial(sqlite3.connect, database, **options), 64)


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    # What is deleted is overwritten: a face that was erased is not to be read from the file.
    for pragma in (
        "busy_timeout=15000", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON",
    ):  # fmt: skip
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
    # SQLite's own knows only ASCII, and people have names.
    connection.create_function("lower", 1, _lower, deterministic=True)


def _lower(text_or_none: str | None) -> str | None:
    return None if text_or_none is None else str(text_or_none).lower()


class Store:
    """The open database. `read()` for queries, `transaction()` for everything that changes something."""

    def __init__(
        self, url: str, *, pool_size: int = 20, pool_recycle_s: int = 3600, statement_timeout_s: float = 30.0
    ) -> None:
        self.url = url
        self.engine = make_engine(
            url, pool_size=pool_size, pool_recycle_s=pool_recycle_s, statement_timeout_s=statement_timeout_s
        )
        self.is_sqlite = url.startswith("sqlite")
        self._writer: asyncio.Lock | None = asyncio.Lock() if self.is_sqlite else None
        self._open = 0
        self._none_open = asyncio.Event()
        self._none_open.set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # A database that says nothing any more does not keep the process from ending.
        for step in (self._none_open.wait, self.engine.dispose):
            # Who was cancelled may be giving its connection back: it would be cut off from it with an error.
            with suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_WITHIN_S):
                    await step()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncSession]:
        """A session for queries; nothing is committed."""
        async with self._session() as session:
            yield session

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """Commits when left well, rolls back when left by an error or a cancel."""
        async with (
            self._writer or nullcontext(),
            self._session() as session,
            session.begin(),
        ):
            if self.is_sqlite:
                # Takes the write lock now: a read that later becomes a write could find the database changed.
                await session.exec(text("BEGIN IMMEDIATE"))  # type: ignore[call-overload]
            yield session
            noting = _NOTING.get()
            if noting is not None and noting.note is not None:
                await noting.note(session)
            for step in session.info.pop(LAST, ()):
                await step(session)

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[AsyncSession]:
        self._open += 1
        self._none_open.clear()
        try:
            async with AsyncSession(self.engine, expire_on_commit=False) as session:
                yield session
        finally:
            self._open -= 1
            if not self._open:
                self._none_open.set()

    async def ping(self) -> None:
        """Raises when the database does not answer."""
        async with self.engine.connect() as connection:
            await connection.execute(text("SELECT 1"))
