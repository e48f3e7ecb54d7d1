"""The database: opening it, and transaction() at the edge. SQLite has one writer at a time, by a lock of ours."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from functools import partial
from types import TracebackType
from typing import Any, Self

import aiosqlite
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlmodel.ext.asyncio.session import AsyncSession


def make_engine(url: str, *, pool_size: int = 20) -> AsyncEngine:
    """An engine with the settings that each database needs."""
    if url.startswith("sqlite"):
        engine = create_async_engine(
            url, hide_parameters=True, connect_args={"timeout": 15, "async_creator_fn": _connect_sqlite}
        )
        event.listen(engine.sync_engine, "connect", _prepare_sqlite)
        # A termination would stop aiosqlite's thread while a shielded close still waits for it, and that waits for
        # ever. A plain close has no such race, and a file needs no termination.
        engine.dialect.do_terminate = engine.dialect.do_close  # type: ignore[method-assign]
        return engine
    return create_async_engine(
        url,
        hide_parameters=True,  # errors are logged, and values may be passwords or faces
        pool_size=pool_size,
        pool_recycle=3600,
        pool_pre_ping=True,
        connect_args={"server_settings": {"statement_timeout": "30000", "timezone": "UTC"}},
    )


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
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=15000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
    # SQLite's own knows only ASCII, and people have names.
    connection.create_function("lower", 1, _lower, deterministic=True)


def _lower(text_or_none: str | None) -> str | None:
    return None if text_or_none is None else str(text_or_none).lower()


class Store:
    """The open database. `read()` for queries, `transaction()` for everything that changes something."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.engine = make_engine(url)
        self.is_sqlite = url.startswith("sqlite")
        self._writer: asyncio.Lock | None = asyncio.Lock() if self.is_sqlite else None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.engine.dispose()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncSession]:
        """A session for queries; nothing is committed."""
        async with AsyncSession(self.engine, expire_on_commit=False) as session:
            yield session

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """Commits when left well, rolls back when left by an error or a cancel."""
        async with (
            self._writer or nullcontext(),
            AsyncSession(self.engine, expire_on_commit=False) as session,
            session.begin(),
        ):
            if self.is_sqlite:
                # Takes the write lock now: a read that later becomes a write could find the database changed.
                await session.exec(text("BEGIN IMMEDIATE"))  # type: ignore[call-overload]
            yield session

    async def ping(self) -> None:
        """Raises when the database does not answer."""
        async with self.engine.connect() as connection:
            await connection.execute(text("SELECT 1"))
