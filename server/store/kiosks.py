"""Kiosks and the cameras they greet for."""

from collections.abc import Sequence

from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from server.errors import Conflict, Invalid, NotFound
from server.events.limits import EVERYTHING, Reach
from server.store import sites
from server.store.paging import Page, Paged, Sorts, fetch, matching
from server.store.tables import Camera, Kiosk
from server.store.writes import locked, save

SORTS: Sorts = {"name": func.lower(Kiosk.name), "createdAt": Kiosk.created_at, "updatedAt": Kiosk.updated_at}


async def find(session: AsyncSession, kiosk_id: str) -> Kiosk | None:
    return await session.get(Kiosk, kiosk_id)


async def get(session: AsyncSession, kiosk_id: str, reach: Reach = EVERYTHING) -> Kiosk:
    """Raises NotFound, also for one with a camera that is out of reach."""
    return _within(await find(session, kiosk_id), reach)


async def lock(session: AsyncSession, kiosk_id: str, reach: Reach = EVERYTHING) -> Kiosk:
    """The same, for an edit within the caller's transaction."""
    return _within(await locked(session, Kiosk, kiosk_id), reach)


async def find_by_name(session: AsyncSession, name: str) -> Kiosk | None:
    return (await session.exec(select(Kiosk).where(Kiosk.name == name))).first()


async def page(session: AsyncSession, wanted: Page, reach: Reach = EVERYTHING) -> Paged[Kiosk]:
    """Search looks at the name. Only those all of whose cameras are within reach."""
    statement = select(Kiosk).where(*matching(wanted.search, col(Kiosk.name)))
    if reach.cameras is not None:
        kiosks = (await session.exec(select(Kiosk.id, Kiosk.camera_ids))).all()  # not in SQL: see of_camera
        within = [kiosk_id for kiosk_id, camera_ids in kiosks if reach.cameras.issuperset(camera_ids)]
        statement = statement.where(col(Kiosk.id).in_(within))
    return await fetch(session, statement, wanted, SORTS, "name")


async def of_camera(session: AsyncSession, camera_id: str) -> Sequence[Kiosk]:
    """Those that have this camera, oldest first."""
    # A site has a handful of doors, and the databases search JSON in different words: so not in SQL.
    rows = (await session.exec(select(Kiosk).order_by(Kiosk.id))).all()
    return [kiosk for kiosk in rows if camera_id in kiosk.camera_ids]


async def ids_of_camera(session: AsyncSession, camera_id: str) -> list[str]:
    return [kiosk.id for kiosk in await of_camera(session, camera_id)]


async def greeting_at(session: AsyncSession, camera_id: str) -> list[Kiosk]:
    """Those of them that go by faces."""
    return [kiosk for kiosk in await of_camera(session, camera_id) if "face" in kiosk.means]


async def save_kiosk(session: AsyncSession, kiosk: Kiosk, reach: Reach = EVERYTHING) -> Kiosk:
    """Inserts or updates; raises Conflict where the name is taken, Invalid without such a camera or site."""
    kiosk.camera_ids = list(dict.fromkeys(kiosk.camera_ids))
    with session.no_autoflush:  # a clash is for save() to tell
        known = (await session.exec(select(Camera.id).where(col(Camera.id).in_(kiosk.camera_ids)))).all()
    if set(kiosk.camera_ids) - {camera_id for camera_id in known if reach.has_camera(camera_id)}:
        raise Invalid.field("cameraIds", "camera_not_found", "No camera with that id.")
    await sites.check(session, kiosk.site_id)
    return await save(session, kiosk, Conflict("Another kiosk has this name.", code="kiosk_name_taken"))


async def forget_camera(session: AsyncSession, camera_id: str) -> None:
    """Takes a camera off every kiosk."""
    for kiosk in await of_camera(session, camera_id):
        kiosk.camera_ids = [other for other in kiosk.camera_ids if other != camera_id]
        session.add(kiosk)
    await session.flush()


async def remove(session: AsyncSession, kiosk: Kiosk) -> None:
    await session.delete(kiosk)
    await session.flush()


def _within(kiosk: Kiosk | None, reach: Reach) -> Kiosk:
    if kiosk is None or not all(reach.has_camera(camera_id) for camera_id in kiosk.camera_ids):
        raise NotFound.of("kiosk")
    return kiosk
