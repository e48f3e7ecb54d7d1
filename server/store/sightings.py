"""Sightings: one person, or an unknown, at one camera from first to last seen."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from server.errors import NotFound
from server.events.limits import EVERYTHING, Reach
from server.store.paging import Page, Paged, Sorts, fetch_joined, matching
from server.store.reach import sightings_within
from server.store.tables import Camera, Person, Sighting
from server.store.writes import locked, locked_in_order

SORTS: Sorts = {
    "startedAt": Sighting.started_at,
    "lastSeenAt": Sighting.last_seen_at,
    "endedAt": Sighting.ended_at,
    "similarity": Sighting.similarity,
    "createdAt": Sighting.created_at,
    "updatedAt": Sighting.updated_at,
}


@dataclass(frozen=True, slots=True)
class SightingFilter:
    """Which sightings: what is None does not matter. `start` is included, `end` is not; both are of the first seen."""

    camera_id: str | None = None
    person_id: str | None = None
    state: str | None = None
    unknown: bool | None = None
    start: datetime | None = None
    end: datetime | None = None


@dataclass(frozen=True, slots=True)
class SightingRow:
    """A sighting with who it was and where."""

    sighting: Sighting
    person: Person | None
    camera_name: str | None


async def find(session: AsyncSession, sighting_id: str) -> Sighting | None:
    return await session.get(Sighting, sighting_id)


async def get(session: AsyncSession, sighting_id: str, reach: Reach = EVERYTHING) -> SightingRow:
    """Raises NotFound, also for one that is out of reach."""
    statement = _joined().where(Sighting.id == sighting_id, *sightings_within(reach))
    row = (await session.exec(statement)).first()
    if row is None:
        raise NotFound.of("sighting")
    return SightingRow(*row)


async def lock(
    session: AsyncSession, sighting_id: str, reach: Reach = EVERYTHING, *, also: str | None = None
) -> SightingRow:
    """The same, for an edit within the caller's transaction, with whom it is of and who it is to be of."""
    whose = (await session.exec(select(Sighting.person_id).where(Sighting.id == sighting_id))).first()
    await locked_in_order(session, Person, whose, also)
    await locked(session, Sighting, sighting_id)
    return await get(session, sighting_id, reach)


async def page(
    session: AsyncSession, wanted: Page, which: SightingFilter | None = None, reach: Reach = EVERYTHING
) -> Paged[SightingRow]:
    """Newest first. Search looks at the names of the person and of the camera."""
    which = which or SightingFilter()
    words = matching(wanted.search, col(Person.full_name), col(Camera.name))
    statement = _joined().where(*words, *sightings_within(reach))
    if which.camera_id is not None:
        statement = statement.where(Sighting.camera_id == which.camera_id)
    if which.person_id is not None:
        statement = statement.where(Sighting.person_id == which.person_id)
    if which.state is not None:
        statement = statement.where(Sighting.state == which.state)
    if which.unknown is not None:
        nobody = col(Sighting.person_id).is_(None)
        statement = statement.where(nobody if which.unknown else ~nobody)
    if which.start is not None:
        statement = statement.where(Sighting.started_at >= which.start)
    if which.end is not None:
        statement = statement.where(Sighting.started_at < which.end)
    found = await fetch_joined(session, statement, wanted, SORTS, "-startedAt")
    return found.map(lambda row: SightingRow(*row))


async def open_ones(session: AsyncSession, *, camera_id: str | None = None) -> Sequence[Sighting]:
    """Those that nobody has closed, oldest first; after a crash, those that were left open."""
    statement = select(Sighting).where(Sighting.state == "open").order_by(col(Sighting.started_at), Sighting.id)
    if camera_id is not None:
        statement = statement.where(Sighting.camera_id == camera_id)
    return (await session.exec(statement)).all()


async def any_since(session: AsyncSession, person_id: str, camera_ids: Sequence[str], since: datetime) -> bool:
    """Whether one of these cameras has seen the person since then."""
    found = await session.exec(
        select(Sighting.id)
        .where(col(Sighting.person_id) == person_id)
        .where(col(Sighting.camera_id).in_(camera_ids))
        .where(col(Sighting.last_seen_at) >= since)
        .limit(1)
    )
    return found.first() is not None


def _joined() -> Any:
    return select(Sighting, Person, Camera.name).join(Person, isouter=True).join(Camera, isouter=True)
