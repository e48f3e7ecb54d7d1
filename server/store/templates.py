"""Templates as the gallery is filled with them, and what it takes to keep them sealed."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, bindparam, func, text, update
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from server.store.engine import Store
from server.store.tables import Person, Template

# Columns rather than rows: a migration on its way back may have come to fewer columns than the table has here.
_KEPT: Any = (Template.id, Template.person_id, Template.key_id, Template.embedding)
# Databases limit how many values a statement may have.
MOST_IDS = 500


@dataclass(frozen=True, slots=True)
class KeptTemplate:
    """One template as it is stored: sealed under the key of that id, or in the clear where there is none."""

    template_id: str
    person_id: str
    key_id: str | None
    embedding: bytes


@dataclass(frozen=True, slots=True)
class Owned:
    """Whose a template is, and what they are called."""

    template_id: str
    person_id: str
    full_name: str


async def owners(
    session: AsyncSession, pack: str, pack_sha256: str, *, at_once: int = 5000
) -> AsyncGenerator[list[Owned]]:
    """Of the templates of active people made by this very build of a pack, in batches and in no order."""
    statement = select(Template.id, Template.person_id, Person.full_name).join(Person)
    chosen = (Template.pack == pack, Template.pack_sha256 == pack_sha256, col(Person.active))
    async for rows in _in_batches(session, statement.where(*chosen), at_once):
        yield [Owned(*row) for row in rows]


async def kept(session: AsyncSession, template_ids: Sequence[str]) -> list[KeptTemplate]:
    """Those that are there, in no order. At most MOST_IDS at a time."""
    return await _kept(session, col(Template.id).in_(template_ids), limit=len(template_ids))


async def kept_of(
    session: AsyncSession, pack: str, pack_sha256: str, *, at_once: int = 5000
) -> AsyncGenerator[list[KeptTemplate]]:
    """All that this very build of a pack has made, in batches and in no order."""
    statement = select(*_KEPT).where(Template.pack == pack, Template.pack_sha256 == pack_sha256)
    async for rows in _in_batches(session, statement, at_once):
        yield [KeptTemplate(*row) for row in rows]


async def of_person(session: AsyncSession, person_id: str, limit: int = 500) -> list[KeptTemplate]:
    """Of whichever pack, by id."""
    return await _kept(session, col(Template.person_id) == person_id, limit=limit)


async def mark(session: AsyncSession) -> tuple[object, ...]:
    """Differs from an earlier one where templates, names or who is active may have changed since."""
    templates = select(func.count(col(Template.id)), func.max(Template.id), func.max(Template.updated_at))
    persons = select(func.count(col(Person.id)), func.max(Person.updated_at))
    return (*(await session.exec(templates)).one(), *(await session.exec(persons)).one())


async def sealed(session: AsyncSession, *, after: str = "", limit: int = 500) -> list[KeptTemplate]:
    """With any key; by id, the next ones after that id."""
    return await _kept(session, col(Template.key_id).is_not(None), col(Template.id) > after, limit=limit)


async def rewrite(session: AsyncSession, rows: Sequence[KeptTemplate]) -> None:
    """The same templates, sealed otherwise."""
    if rows:
        statement = update(Template).where(col(Template.id) == bindparam("row_id"))
        changed: list[dict[str, Any]] = [
            {"row_id": row.template_id, "sealed_with": row.key_id, "content": row.embedding} for row in rows
        ]
        values: dict[str, Any] = {"key_id": bindparam("sealed_with"), "embedding": bindparam("content")}
        await (await session.connection()).execute(statement.values(**values), changed)


async def wipe(store: Store) -> None:
    """Writes the table anew, so that no file of the database keeps what its rows held before."""
    async with store.engine.connect() as connection:
        alone = await connection.execution_options(isolation_level="AUTOCOMMIT")
        if store.is_sqlite:
            await alone.execute(text("VACUUM"))
            await alone.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
        else:
            await alone.execute(text("VACUUM FULL templates"))


async def _kept(session: AsyncSession, *chosen: ColumnElement[bool] | bool, limit: int) -> list[KeptTemplate]:
    statement: Any = select(*_KEPT).where(*chosen).order_by(col(Template.id)).limit(limit)
    rows = await (await session.connection()).execute(statement)  # without the ORM, which takes its time with many
    return [KeptTemplate(*row) for row in rows]


async def _in_batches(session: AsyncSession, statement: Any, at_once: int) -> AsyncGenerator[Sequence[Any]]:
    """One pass over all that it finds: pages by id would look through the rest of the table for each of them."""
    connection = await session.connection()
    async with connection.stream(statement.execution_options(yield_per=at_once)) as found:
        async for rows in found.partitions():
            yield rows
