"""A backup of the whole database, of one moment, that SQLite and PostgreSQL can both be restored from."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import ParamSpec, Protocol, TypeVar

from sqlalchemy import Table, make_url, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from server.errors import Conflict, NotFound, Unavailable
from server.store import migrate
from server.store.archive import PICTURES, Draft, Manifest, Part, after_picture, after_pictures, member_of
from server.store.engine import make_engine
from server.store.portable import TRANSIENT, Lines, reflect

BATCH = 500
_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")


class Picture(Protocol):
    """An object that is there, to be read once."""

    @property
    def size(self) -> int: ...

    @property
    def pieces(self) -> AsyncIterator[bytes]: ...


class Pictures(Protocol):
    """What a backup needs of the object storage."""

    async def open(self, key: str) -> Picture:
        """Raises NotFound."""

    def keys(self) -> AsyncIterator[str]:
        """Every key there is."""


async def backup(
    url: str,
    path: Path,
    *,
    at: datetime,
    key_ids: Sequence[str] = (),
    pictures: Pictures | None = None,
    replace: bool = False,
    tell: Callable[[str], None] = lambda _: None,
) -> Manifest:
    """Writes it, with the pictures where they are given. `key_ids`: of the secret keys that go with it.

    Raises Conflict where the file is there already, unless it may replace it. A server may run meanwhile.
    """
    with Draft(path, at, replace=replace) as draft:
        async with _snapshot(url) as connection:
            revision = await _revision(connection)
            found = await connection.run_sync(reflect)
            parts = {}
            for table in found:
                if table.name not in TRANSIENT:
                    parts[table.name] = await _write_table(connection, draft, table)
                    tell(f"{table.name}: {parts[table.name].count} rows")
        # After the rows: what a row of that moment names is here, unless it was removed since.
        objects = await _write_pictures(draft, pictures) if pictures is not None else None
        if objects is not None:
            tell(f"objects: {objects.count}")
        manifest = Manifest(revision=revision, created_at=at, key_ids=tuple(key_ids), tables=parts, objects=objects)
        await in_thread(draft.finish, manifest)
    return manifest


async def in_thread(
    work: Callable[_Arguments, _Result], *arguments: _Arguments.args, **named: _Arguments.kwargs
) -> _Result:
    """Like asyncio.to_thread, but a cancel waits for the thread: what that works on is closed afterwards."""
    future = asyncio.get_running_loop().run_in_executor(None, partial(work, *arguments, **named))
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        await asyncio.wait([future])
        raise


@asynccontextmanager
async def _snapshot(url: str) -> AsyncIterator[AsyncConnection]:
    """A connection that sees the database as it was at its first query, whatever is written meanwhile."""
    if url.startswith("sqlite") and not await asyncio.to_thread(Path(make_url(url).database or "").is_file):
        raise NotFound("There is no database yet.", code="database_not_found")  # opening it would make one
    engine = make_engine(url, statement_timeout_s=0)
    try:
        async with engine.connect() as connection:
            if connection.dialect.name == "sqlite":
                await connection.execute(text("BEGIN"))
            else:
                await connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            yield connection
    finally:
        await engine.dispose()


async def _revision(connection: AsyncConnection) -> str:
    revision = await migrate.current_on(connection)
    if revision is None:
        raise NotFound("The database is empty: there is nothing to keep.", code="database_not_found")
    if not migrate.knows(revision):
        raise Conflict(f"The database is at revision {revision} of a newer version. Use that version for a backup.")
    return revision


async def _write_table(connection: AsyncConnection, draft: Draft, table: Table) -> Part:
    lines, count = Lines(table), 0
    rows = await connection.stream(
        select(table).order_by(*table.primary_key.columns).execution_options(yield_per=BATCH)
    )
    with draft.member(member_of(table.name)) as member:
        async for batch in rows.partitions():
            await in_thread(lambda some: member.add(lines.write(some)), batch)
            count += len(batch)
    return Part(count=count, sha256=member.sha256)


async def _write_pictures(draft: Draft, pictures: Pictures) -> Part:
    count = 0
    with draft.member(PICTURES, compressed=False) as member:
        async for key in pictures.keys():
            try:
                picture = await pictures.open(key)
            except NotFound:  # removed meanwhile
                continue
            left = picture.size
            await in_thread(member.add, draft.picture(key, picture.size))
            async for piece in picture.pieces:
                left -= len(piece)
                await in_thread(member.add, piece)
            if left:
                raise Unavailable(f"The object {key} has changed while it was read. Try again.")
            await in_thread(member.add, after_picture(picture.size))
            count += 1
        await in_thread(member.add, after_pictures())
    return Part(count=count, sha256=member.sha256)
