"""Zones and lines of cameras."""

from collections.abc import Sequence

from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from server.errors import Conflict, NotFound
from server.store.paging import Page, Paged, Sorts, fetch, matching
from server.store.tables import Zone
from server.store.writes import locked, save

SORTS: Sorts = {
    "name": func.lower(Zone.name),
    "kind": Zone.kind,
    "createdAt": Zone.created_at,
    "updatedAt": Zone.updated_at,
}


async def page(session: AsyncSession, camera_id: str, wanted: Page) -> Paged[Zone]:
    """Of one camera, oldest first. Search looks at the name."""
    statement = select(Zone).where(Zone.camera_id == camera_id, *matching(wanted.search, col(Zone.name)))
    return await fetch(session, statement, wanted, SORTS, "createdAt")


async def of_camera(session: AsyncSession, camera_id: str) -> Sequence[Zone]:
    """All of one camera, oldest first."""
    return (await session.exec(select(Zone).where(Zone.camera_id == camera_id).order_by(Zone.id))).all()


async def of_all(session: AsyncSession) -> dict[str, list[Zone]]:
    """By camera; one without zones is left out."""
    found: dict[str, list[Zone]] = {}
    for row in (await session.exec(select(Zone).order_by(Zone.id))).all():
        found.setdefault(row.camera_id, []).append(row)
    return found


async def count(session: AsyncSession, camera_id: str) -> int:
    return (await session.exec(select(func.count()).select_from(Zone).where(Zone.camera_id == camera_id))).one()


async def get(session: AsyncSession, camera_id: str, zone_id: str) -> Zone:
    """Raises NotFound, also for a zone of another camera."""
    return _of(camera_id, await session.get(Zone, zone_id))


async def lock(session: AsyncSession, camera_id: str, zone_id: str) -> Zone:
    """For an edit within the caller's transaction; raises like `get`."""
    return _of(camera_id, await locked(session, Zone, zone_id))


def _of(camera_id: str, row: Zone | None) -> Zone:
    if row is None or row.camera_id != camera_id:
        raise NotFound.of("zone")
    return row


async def save_zone(session: AsyncSession, zone: Zone) -> Zone:
    """Inserts or updates; raises Conflict where the camera has another zone of this name."""
    return await save(session, zone, Conflict("Another zone of this camera has this name.", code="zone_name_taken"))
