"""Migrations from code: the database is brought to a revision, forward or back, in one transaction."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.util import CommandError
from sqlalchemy import Connection, make_url, text
from sqlalchemy.ext.asyncio import AsyncConnection

from server.assets import asset
from server.errors import Invalid, Unavailable
from server.store.engine import make_engine

# Any number will do, as long as every process of ours takes the same one.
_POSTGRESQL_LOCK = 7_205_759_403


async def upgrade(url: str, revision: str = "head") -> None:
    """Forward to `revision`. Two processes that start together wait for each other."""
    await _run(url, lambda config: command.upgrade(config, revision))


async def downgrade(url: str, revision: str) -> None:
    """Back to `revision`; "base" empties the database."""
    await _run(url, lambda config: command.downgrade(config, revision))


async def current(url: str) -> str | None:
    """The revision the database is at; None before the first."""
    engine = make_engine(url)
    try:
        async with engine.connect() as connection:
            return await connection.run_sync(lambda sync: MigrationContext.configure(sync).get_current_revision())
    finally:
        await engine.dispose()


async def draft(url: str, message: str, revision_id: str) -> None:
    """For developers: writes a migration from the difference of the tables to the database, to be read and edited."""
    await _run(url, lambda config: command.revision(config, message, autogenerate=True, rev_id=revision_id))


def alembic_config(connection: Connection | None = None) -> Config:
    """Alembic without an ini file."""
    config = Config()
    config.set_main_option("script_location", str(asset("migrations")).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


async def _run(url: str, step: Callable[[Config], object]) -> None:
    async with _locked(url) as connection:
        try:
            await connection.run_sync(lambda sync: step(alembic_config(sync)))
        except CommandError as error:
            raise Invalid.field("revision", "unknown", f"The migration is not possible: {error}.") from None
        if connection.dialect.name == "sqlite":
            broken = (await connection.execute(text("PRAGMA foreign_key_check"))).all()
            if broken:
                raise RuntimeError(
                    f"The migration would leave {len(broken)} rows that point nowhere; nothing was changed."
                )


def _check_file(path: str) -> None:
    """Raises Unavailable for a file that cannot be opened: aiosqlite would leave a thread that complains later."""
    try:
        sqlite3.connect(path).close()
    except sqlite3.Error as error:
        raise Unavailable(f"The database {path} cannot be opened: {error}.", code="database_unavailable") from None


@asynccontextmanager
async def _locked(url: str) -> AsyncIterator[AsyncConnection]:
    """A connection in a transaction that no other migration can be in at the same time."""
    if (path := make_url(url).database) and url.startswith("sqlite"):
        await asyncio.to_thread(_check_file, path)
    engine = make_engine(url)
    try:
        async with engine.connect() as connection:
            if connection.dialect.name == "sqlite":
                # Batch migrations drop and rename tables; with the keys on, that would delete what points to them.
                await connection.execute(text("PRAGMA foreign_keys=OFF"))
                await connection.execute(text("BEGIN IMMEDIATE"))
            else:
                await connection.execute(text("SET LOCAL statement_timeout = 0"))
                await connection.execute(text(f"SELECT pg_advisory_xact_lock({_POSTGRESQL_LOCK})"))
            yield connection
            await connection.commit()
    finally:
        await engine.dispose()
