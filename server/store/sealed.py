"""Faces that are sealed with the keys of templates, in every table that has some, and what each is bound to."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, func, literal, or_, update
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from server.store.tables import RefusedView, SightingFace, Template, Visitor
from server.store.templates import KeptTemplate

VISITOR = "visitor"  # the owner of a group's mean: it is nobody's


@dataclass(frozen=True, slots=True)
class Sealed:
    """A table with sealed faces; `owner` is what one is bound to besides its row."""

    table: Any
    owner: Any


def of_sighting(sighting_id: str) -> str:
    """The owner of an unknown sighting's face."""
    return f"sighting/{sighting_id}"


TEMPLATES = Sealed(Template, Template.person_id)
SEALED = (
    TEMPLATES,
    Sealed(SightingFace, literal(of_sighting("")) + col(SightingFace.sighting_id)),
    Sealed(Visitor, literal(VISITOR)),
    Sealed(RefusedView, RefusedView.person_id),
)


async def not_under(
    session: AsyncSession, where: Sealed, key_id: str, *, after: str = "", limit: int = 500
) -> list[KeptTemplate]:
    """In the clear, or sealed with another key; by id, the next ones after that id."""
    table = where.table
    statement: Any = select(table.id, where.owner, table.key_id, table.embedding)
    other = or_(table.key_id.is_(None), table.key_id != key_id)
    rows = await (await session.connection()).execute(
        statement.where(other, table.id > after).order_by(table.id).limit(limit)
    )
    return [KeptTemplate(*row) for row in rows]


async def rewrite(session: AsyncSession, where: Sealed, rows: Sequence[tuple[KeptTemplate, KeptTemplate]]) -> None:
    """The same faces, sealed otherwise: each as it was read, and as it is to be. What was changed meanwhile stays."""
    if not rows:
        return
    table = where.table
    statement = update(table).where(table.id == bindparam("row_id"), table.embedding == bindparam("was"))
    changed: list[dict[str, Any]] = [
        {"row_id": new.template_id, "was": old.embedding, "sealed_with": new.key_id, "content": new.embedding}
        for old, new in rows
    ]
    values: dict[str, Any] = {"key_id": bindparam("sealed_with"), "embedding": bindparam("content")}
    await (await session.connection()).execute(statement.values(**values), changed)


async def count_by_key(session: AsyncSession) -> Mapping[str | None, int]:
    """How many in all are sealed with which key; None: in the clear."""
    counted: Counter[str | None] = Counter()
    for where in SEALED:
        key_id = where.table.key_id
        counted.update(dict((await session.exec(select(key_id, func.count()).group_by(key_id))).all()))
    return counted
