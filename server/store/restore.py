"""The way back from a backup: all of it or nothing, in one transaction, into SQLite or PostgreSQL."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Protocol, TypeVar

from sqlalchemy import case, delete, insert, make_url, select, text, update
from sqlalchemy.exc import DBAPIError, StatementError
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from server.errors import Conflict, Invalid
from server.ids import new_id
from server.store import migrate
from server.store.archive import Archive, Manifest
from server.store.backup import BATCH, in_thread
from server.store.event_log import MAKE_EPOCH
from server.store.portable import TRANSIENT, Lines, reflect
from server.store.tables import EventTopic, Job, LogLife, Webhook

CLOSED_WITHIN_S = 3.0  # PostgreSQL lists a connection for a moment after it was closed
LOCKED_WITHIN_MS = 15_000
_OTHERS = text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'rollcall' "
    "AND pid <> pg_backend_pid()"
)
_GUARDS = {
    "sqlite": text("SELECT name, tbl_name FROM sqlite_master WHERE type = 'trigger'"),
    "postgresql": text(
        "SELECT t.tgname, c.relname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid "
        "WHERE NOT t.tgisinternal AND pg_table_is_visible(c.oid)"
    ),
}
_One = TypeVar("_One")


class PicturesIn(Protocol):
    """What a restore needs of the object storage."""

    async def put(self, key: str, content: bytes) -> None: ...

    async def check(self) -> None:
        """Raises Unavailable with the reason."""


async def restore(
    url: str,
    path: Path,
    *,
    pictures: PicturesIn,
    replace: bool = False,
    also: Callable[[AsyncSession, Manifest], Awaitable[None]] | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> Manifest:
    """Loads the backup into the database, and its pictures, where it has some, into the storage.

    Raises Conflict while a server is at work on the database, and where there is something in it, unless that may
    be replaced. `also` is done in the same transaction. A failure leaves the database as it was.
    """
    with Archive(path) as archive:
        manifest = archive.manifest
        if not migrate.knows(manifest.revision):
            message = f"{path} is of revision {manifest.revision} of a newer version. Install that version first."
            raise Invalid(message, code="newer_backup")
        tell("Checking the backup")
        await in_thread(archive.check)
        if manifest.objects is not None:
            await pictures.check()
        if url.startswith("sqlite"):
            await asyncio.to_thread(_refuse_others_on, Path(make_url(url).database or ""))
        async with migrate.changing(url) as connection:
            if connection.dialect.name == "postgresql":
                await _refuse_others(connection)
            await _clear(connection, replace=replace)
            await migrate.upgrade_on(connection, manifest.revision)
            await _load(connection, archive, tell)
            await migrate.upgrade_on(connection)
            await _renew(connection)
            if also is not None:
                async with AsyncSession(connection) as session:
                    await also(session, manifest)
                    await session.flush()
            if manifest.objects is not None:
                # Before the commit, so that no row is without its picture. Some too many do no harm.
                tell(f"objects: {manifest.objects.count}")
                async for some in _batches(archive.pictures(), 1):
                    for key, content in some:
                        await pictures.put(key, content)
    return manifest


def _refuse_others_on(path: Path) -> None:
    """SQLite lets nobody leave the WAL mode while somebody else has the file open. Every opening goes back to it."""
    if not path.is_file():
        return
    with closing(sqlite3.connect(path, timeout=0)) as connection:
        try:
            connection.execute("PRAGMA journal_mode=DELETE")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise
            raise _in_use() from None


async def _refuse_others(connection: AsyncConnection) -> None:
    await connection.execute(text(f"SET LOCAL lock_timeout = {LOCKED_WITHIN_MS}"))
    for pause_s in (0.1, 0.2, 0.5, 1.0, CLOSED_WITHIN_S - 1.8, None):
        # It would show the same list to the end of the transaction.
        await connection.execute(text("SELECT pg_stat_clear_snapshot()"))
        if not (await connection.execute(_OTHERS)).scalar_one():
            return
        if pause_s is not None:
            await asyncio.sleep(pause_s)
    raise _in_use()


def _in_use() -> Conflict:
    return Conflict("The database is in use. Stop every server and worker before a restore.", code="database_in_use")


async def _clear(connection: AsyncConnection, *, replace: bool) -> None:
    """Takes the tables away, and refuses where there is something in them that may not be replaced."""
    revision = await migrate.current_on(connection)
    if not migrate.knows(revision):
        raise Conflict(f"The database is at revision {revision} of a newer version. Use an empty one.")
    tables = await connection.run_sync(reflect)
    if not replace:
        for table in tables:
            if (await connection.execute(table.select().limit(1))).first() is not None:
                message = f"The database is not empty: there are {table.name}. --force replaces everything in it."
                raise Conflict(message, code="database_not_empty")
    names, quote = {table.name for table in tables}, connection.dialect.identifier_preparer.quote
    # The audit's guards are for those who change rows, not for who takes away the whole table.
    for trigger, table_name in (await connection.execute(_GUARDS[connection.dialect.name])).all():
        if table_name in names:
            on = f" ON {quote(table_name)}" if connection.dialect.name == "postgresql" else ""
            await connection.execute(text(f"DROP TRIGGER {quote(trigger)}{on}"))
    if connection.dialect.name == "postgresql" and names:
        await connection.execute(text(f"TRUNCATE {', '.join(quote(name) for name in sorted(names))}"))
    else:
        for table in reversed(tables):
            await connection.execute(delete(table))
    await migrate.downgrade_on(connection, "base")


async def _load(connection: AsyncConnection, archive: Archive, tell: Callable[[str], None]) -> None:
    wanted = archive.manifest.tables.keys() - TRANSIENT
    tables = await connection.run_sync(reflect, wanted)
    if missing := wanted - {table.name for table in tables}:
        raise Invalid(f"The backup has a table that its revision has not: {min(missing)}.", code="damaged_backup")
    for table in tables:
        tell(f"{table.name}: {archive.manifest.tables[table.name].count} rows")
        lines = Lines(table)
        try:
            async for batch in _batches(archive.lines(table.name), BATCH):
                await connection.execute(insert(table), await in_thread(lines.read, batch))
        except (DBAPIError, StatementError) as error:
            raise Conflict(f"The table {table.name} cannot be restored: {_reason(error)}.") from None
        except (ValueError, TypeError, KeyError):
            message = f"The backup has something in the table {table.name} that is no row of it."
            raise Invalid(message, code="damaged_backup") from None


def _reason(error: StatementError) -> str:
    """What the database says in its first line, where no values are; they may be secrets."""
    told = error.orig
    if not isinstance(told, sqlite3.Error) and getattr(told, "sqlstate", None) is None:
        return type(told).__name__
    return (str(told).splitlines() or [""])[0].rpartition(">: ")[2]


async def _renew(connection: AsyncConnection) -> None:
    """What has to be told apart from before: subscribers load their state again, and nobody is at work."""
    await connection.execute(delete(LogLife))
    epoch = new_id()
    await connection.execute(MAKE_EPOCH, {"epoch": epoch})
    # Where they begin is settled now. Whoever delivers would find out with the first event, and pass over it.
    heads = {
        row.topic: row.head for row in await connection.execute(select(col(EventTopic.topic), col(EventTopic.head)))
    }
    for webhook_id, cursor in (await connection.execute(select(col(Webhook.id), col(Webhook.cursor)))).all():
        begun = {topic: heads.get(topic, 0) for topic in cursor}
        told = update(Webhook).where(col(Webhook.id) == webhook_id)
        await connection.execute(
            told.values(epoch=epoch, cursor=begun, worker=None, lease_until=None, updated_at=Webhook.updated_at)
        )
    running = update(Job).where(col(Job.state) == "running")
    # The try that was broken off was not the job's fault.
    attempts = case((col(Job.attempts) > 0, col(Job.attempts) - 1), else_=0)
    await connection.execute(running.values(state="queued", worker=None, lease_until=None, attempts=attempts))


async def _batches(found: Iterator[_One], size: int) -> AsyncIterator[list[_One]]:
    """Some at a time, read in a thread."""
    while some := await in_thread(lambda: list(islice(found, size))):
        yield some
