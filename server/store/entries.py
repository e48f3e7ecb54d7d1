"""Entries: check-ins and check-outs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from server.errors import NotFound
from server.store.paging import Page, Paged, Sorts, fetch_joined, matching
from server.store.tables import Camera, Entry, Person

SORTS: Sorts = {
    "at": Entry.at,
    "direction": Entry.direction,
    "createdAt": Entry.created_at,
    "updatedAt": Entry.updated_at,
}


@dataclass(frozen=True, slots=True)
class EntryFilter:
    """Which entries: what is None does not matter. `start` is included, `end` is not."""

    person_id: str | None = None
    camera_id: str | None = None
    department_id: str | None = None
    direction: str | None = None
    origin: str | None = None
    start: datetime | None = None
    end: datetime | None = None


@dataclass(frozen=True, slots=True)
class EntryRow:
    """An entry with whose it is and where it was made."""

    entry: Entry
    person: Person
    camera_name: str | None


async def add(session: AsyncSession, entry: Entry) -> Entry:
    session.add(entry)
    await session.flush()
    return entry


async def get(session: AsyncSession, entry_id: str) -> EntryRow:
    """Raises NotFound."""
    row = (await session.exec(_joined().where(Entry.id == entry_id))).first()
    if row is None:
        raise NotFound.of("entry")
    return EntryRow(*row)


async def page(session: AsyncSession, wanted: Page, which: EntryFilter | None = None) -> Paged[EntryRow]:
    """Newest first. Search looks at the person's name and number, and at the camera's name."""
    which = which or EntryFilter()
    statement = _joined().where(
        *matching(wanted.search, col(Person.full_name), col(Person.employee_id), col(Camera.name))
    )
    equal = (
        (Entry.person_id, which.person_id),
        (Entry.camera_id, which.camera_id),
        (Person.department_id, which.department_id),
        (Entry.direction, which.direction),
        (Entry.origin, which.origin),
    )
    for column, value in equal:
        if value is not None:
            statement = statement.where(column == value)
    if which.start is not None:
        statement = statement.where(Entry.at >= which.start)
    if which.end is not None:
        statement = statement.where(Entry.at < which.end)
    found = await fetch_joined(session, statement, wanted, SORTS, "-at")
    return found.map(lambda row: EntryRow(*row))


async def last_of(
    session: AsyncSession,
    person_id: str,
    *,
    camera_id: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Entry | None:
    """A person's newest entry: at one camera, within a time (both ends included), or of all."""
    statement = select(Entry).where(Entry.person_id == person_id)
    if camera_id is not None:
        statement = statement.where(Entry.camera_id == camera_id)
    if since is not None:
        statement = statement.where(Entry.at >= since)
    if until is not None:
        statement = statement.where(Entry.at <= until)
    return (await session.exec(statement.order_by(col(Entry.at).desc(), col(Entry.id).desc()).limit(1))).first()


async def of_sighting(session: AsyncSession, sighting_id: str) -> Sequence[Entry]:
    """What a sighting has made."""
    return (await session.exec(select(Entry).where(Entry.sighting_id == sighting_id))).all()


async def present_since(session: AsyncSession, since: datetime) -> list[EntryRow]:
    """The newest entry of everyone whose newest entry since then is a check-in; who came last is first."""
    rank = func.row_number().over(partition_by=Entry.person_id, order_by=(col(Entry.at).desc(), col(Entry.id).desc()))
    newest = select(Entry.id, rank.label("rank")).where(Entry.at >= since).subquery()
    statement = (
        _joined()
        .join(newest, newest.c.id == Entry.id)
        .where(newest.c.rank == 1, Entry.direction == "in")
        .order_by(col(Entry.at).desc())
    )
    return [EntryRow(*row) for row in (await session.exec(statement)).all()]


def _joined() -> Any:
    return select(Entry, Person, Camera.name).join(Person).join(Camera, isouter=True)
