"""Stored clips of sightings."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, or_
from sqlmodel import col, delete, select
from sqlmodel.ext.asyncio.session import AsyncSession

from server.errors import NotFound
from server.events.limits import EVERYTHING, Reach
from server.store.paging import Page, Paged, Sorts, fetch
from server.store.reach import people_within
from server.store.tables import Clip, Person, Sighting

SORTS: Sorts = {"startedAt": Clip.started_at, "durationS": Clip.duration_s, "sizeBytes": Clip.size_bytes}


@dataclass(frozen=True, slots=True)
class ClipFilter:
    """Which clips: what is None does not matter. `start` is included, `end` is not."""

    camera_id: str | None = None
    sighting_id: str | None = None
    start: datetime | None = None
    end: datetime | None = None


async def page(
    session: AsyncSession, wanted: Page, which: ClipFilter | None = None, reach: Reach = EVERYTHING
) -> Paged[Clip]:
    """Newest first."""
    which = which or ClipFilter()
    statement = select(Clip).where(*_within(reach))
    if which.camera_id is not None:
        statement = statement.where(Clip.camera_id == which.camera_id)
    if which.sighting_id is not None:
        statement = statement.where(Clip.sighting_id == which.sighting_id)
    if which.start is not None:
        statement = statement.where(Clip.started_at >= which.start)
    if which.end is not None:
        statement = statement.where(Clip.started_at < which.end)
    return await fetch(session, statement, wanted, SORTS, "-startedAt")


async def get(session: AsyncSession, clip_id: str, reach: Reach = EVERYTHING) -> Clip:
    """Raises NotFound, also for one that is out of reach."""
    row = (await session.exec(select(Clip).where(Clip.id == clip_id, *_within(reach)))).first()
    if row is None:
        raise NotFound.of("clip")
    return row


async def oldest(session: AsyncSession, limit: int, before: datetime | None = None) -> Sequence[Clip]:
    """Of all cameras, those that are gone included."""
    statement = select(Clip).order_by(col(Clip.started_at), col(Clip.id)).limit(limit)
    if before is not None:
        statement = statement.where(Clip.started_at < before)
    return (await session.exec(statement)).all()


async def total_bytes(session: AsyncSession) -> int:
    return (await session.exec(select(func.coalesce(func.sum(Clip.size_bytes), 0)))).one()


async def remove_all(session: AsyncSession, ids: Sequence[str]) -> int:
    """The rows; how many. Their objects go first, for the row is what knows of them."""
    if not ids:
        return 0
    return (await session.exec(delete(Clip).where(col(Clip.id).in_(ids)))).rowcount


def _within(reach: Reach) -> list[ColumnElement[bool]]:
    """By the camera, and by whom its sighting shows. One whose sighting is gone may show anybody."""
    found: list[ColumnElement[bool]] = []
    if reach.cameras is not None:
        found.append(col(Clip.camera_id).in_(sorted(reach.cameras)))
    if reach.departments is not None:
        seen = select(Sighting.id).join(Person, isouter=True)
        seen = seen.where(or_(col(Sighting.person_id).is_(None), *people_within(reach)))
        found.append(col(Clip.sighting_id).in_(seen))
    return found
