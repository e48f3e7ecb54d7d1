"""Cameras."""

from collections.abc import Sequence

from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from server.errors import Conflict, NotFound
from server.events.limits import EVERYTHING, Reach
from server.store import kiosks, sites
from server.store.paging import Page, Paged, Sorts, fetch, matching
from server.store.reach import cameras_within
from server.store.tables import Camera
from server.store.writes import locked, save

SORTS: Sorts = {
    "name": func.lower(Camera.name),
    "kind": Camera.kind,
    "role": Camera.role,
    "createdAt": Camera.created_at,
    "updatedAt": Camera.updated_at,
}


async def find(session: AsyncSession, camera_id: str) -> Camera | None:
    return await session.get(Camera, camera_id)


async def get(session: AsyncSession, camera_id: str, reach: Reach = EVERYTHING) -> Camera:
    """Raises NotFound, also for one that is out of reach."""
    camera = await find(session, camera_id) if reach.has_camera(camera_id) else None
    if camera is None:
        raise NotFound.of("camera")
    return camera


async def lock(session: AsyncSession, camera_id: str, reach: Reach = EVERYTHING) -> Camera:
    """The same, for an edit within the caller's transaction."""
    camera = await locked(session, Camera, camera_id) if reach.has_camera(camera_id) else None
    if camera is None:
        raise NotFound.of("camera")
    return camera


async def find_by_name(session: AsyncSession, name: str) -> Camera | None:
    return (await session.exec(select(Camera).where(Camera.name == name))).first()


async def page(
    session: AsyncSession,
    wanted: Page,
    *,
    kind: str | None = None,
    role: str | None = None,
    enabled: bool | None = None,
    reach: Reach = EVERYTHING,
) -> Paged[Camera]:
    """Search looks at the name only: a source may hold a password."""
    statement = select(Camera).where(*matching(wanted.search, col(Camera.name)), *cameras_within(reach))
    for column, value in ((Camera.kind, kind), (Camera.role, role), (Camera.enabled, enabled)):
        if value is not None:
            statement = statement.where(column == value)
    return await fetch(session, statement, wanted, SORTS, "name")


async def all_enabled(session: AsyncSession) -> Sequence[Camera]:
    """Those that should run, oldest first."""
    return (await session.exec(select(Camera).where(col(Camera.enabled)).order_by(Camera.id))).all()


async def all_of_them(session: AsyncSession) -> Sequence[Camera]:
    """All of them, oldest first."""
    return (await session.exec(select(Camera).order_by(Camera.id))).all()


async def names(session: AsyncSession, camera_ids: Sequence[str]) -> dict[str, str]:
    """Names by id, of those that exist."""
    statement = select(Camera.id, Camera.name).where(col(Camera.id).in_(camera_ids))
    return dict((await session.exec(statement)).all()) if camera_ids else {}


async def save_camera(session: AsyncSession, camera: Camera) -> Camera:
    """Inserts or updates; raises Conflict where the name is taken, Invalid without such a site."""
    await sites.check(session, camera.site_id)
    return await save(session, camera, Conflict("Another camera has this name.", code="camera_name_taken"))


async def remove(session: AsyncSession, camera: Camera) -> None:
    """Sightings and entries stay, without their camera; kiosks no longer show it."""
    await kiosks.forget_camera(session, camera.id)
    await session.delete(camera)
    await session.flush()
