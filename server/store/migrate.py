"""Migrations from code: the database is brought to a revision, forward or back, in one transaction."""

import asyncio
import random
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.script.revision import RevisionError
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
    async with changing(url) as connection:
        await upgrade_on(connection, revision)


async def downgrade(
    url: str, revision: str, *, first: Callable[[AsyncConnection], Awaitable[object]] | None = None
) -> None:
    """Back to `revision`; "base" empties the database. `first` is done in the same transaction."""
    async with changing(url) as connection:
        if first is not None:
            await first(connection)
        await downgrade_on(connection, revision)


async def upgrade_on(connection: AsyncConnection, revision: str = "head") -> None:
    """Forward, as a part of what changing() holds together."""
    await _run(connection, lambda config: command.upgrade(config, revision))


async def downgrade_on(connection: AsyncConnection, revision: str) -> None:
    """The same, back."""
    await _run(connection, lambda config: command.downgrade(config, revision))


async def undone(url: str, revision: str) -> tuple[str, ...]:
    """The revisions that a downgrade would take back, newest first. Raises Invalid where no way leads there."""
    at = await current(url)
    try:
        steps = revisions().iterate_revisions(at or "base", revision, select_for_downgrade=True)
        return tuple(step.revision for step in steps)
    except (RevisionError, CommandError) as error:
        message = f"There is no way back from {at or 'an empty database'} to {revision}: {error}."
        raise Invalid.field("revision", "unknown", message) from None


async def current(url: str) -> str | None:
    """The revision the database is at; None before the first."""
    engine = make_engine(url)
    try:
        async with engine.connect() as connection:
            return await current_on(connection)
    finally:
        await engine.dispose()


async def current_on(connection: AsyncConnection) -> str | None:
    """The same of an open connection."""
    return await connection.run_sync(lambda sync: MigrationContext.configure(sync).get_current_revision())


def revisions() -> ScriptDirectory:
    """Those that this version knows."""
    return ScriptDirectory.from_config(alembic_config())


def knows(revision: str | None) -> bool:
    """Whether it is one of them, or none; otherwise it is of a newer version."""
    return revision is None or revision in {one.revision for one in revisions().walk_revisions()}


async def draft(url: str, message: str, revision_id: str) -> None:
    """For developers: writes a migration from the difference of the tables to the database, to be read and edited."""
    async with changing(url) as connection:
        await _run(connection, lambda config: command.revision(config, message, autogenerate=True, rev_id=revision_id))


def alembic_config(connection: Connection | None = None) -> Config:
    """Alembic without an ini file."""
    config = Config()
    config.set_main_option("script_location", str(asset("migrations")).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


@asynccontextmanager
async def changing(url: str) -> AsyncIterator[AsyncConnection]:
    """A transaction for migrations and for what belongs to them: all of it happens or nothing."""
    async with _locked(url) as connection:
        yield connection
        if connection.dialect.name == "sqlite":
            broken = (await connection.execute(text("PRAGMA foreign_key_check"))).all()
            if broken:
                raise RuntimeError(
                    f"The migration would leave {len(broken)} rows that point nowhere; nothing was changed."
                )


async def _run(connection: AsyncConnection, step: Callable[[Config], object]) -> None:
    try:
        await connection.run_sync(lambda sync: step(alembic_config(sync)))
    except CommandError as error:
        raise Invalid.field("revision", "unknown", f"The migration is not possible: {error}.") from None


def _open_file(path: str) -> None:
    """Puts the file into WAL mode. Raises Unavailable for one that cannot be opened: aiosqlite would leave a thread
    that complains later."""
    try:
        with closing(sqlite3.connect(path)) as connection:
            _write_ahead(connection)
    except sqlite3.Error as error:
        raise Unavailable(f"The database {path} cannot be opened: {error}.", code="database_unavailable") from None


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Two that change the mode at the same moment are both refused at once, whatever the busy time-out is."""
    for pause_s in (0.05, 0.1, 0.2, 0.4, 0.8):
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError:
            time.sleep(pause_s * (1 + random.random()))
        else:
            return
    connection.execute("PRAGMA journal_mode=WAL")


@asynccontextmanager
async def _locked(url: str) -> AsyncIterator[AsyncConnection]:
    """A connection in a transaction that no other migration can be in at the same time."""
    if (path := make_url(url).database) and url.startswith("sqlite"):
        await asyncio.to_thread(_open_file, path)
    engine = make_engine(url, statement_timeout_s=0)  # a large table takes its time, and so does another's migration
    try:
        async with engine.connect() as connection:
            if connection.dialect.name == "sqlite":
                # Batch migrations drop and rename tables; with the keys on, that would delete what points to them.
                await connection.execute(text("PRAGMA foreign_keys=OFF"))
                await connection.execute(text("BEGIN IMMEDIATE"))
            else:
                await connection.execute(text(f"SELECT pg_advisory_xact_lock({_POSTGRESQL_LOCK})"))
            yield connection
            await connection.commit()
    finally:
        await engine.dispose()
