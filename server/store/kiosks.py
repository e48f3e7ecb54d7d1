"""Kiosks and the cameras they greet for."""

from collections.abc import Sequence

from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from server.errors import Conflict, Invalid, NotFound
from server.store.paging import Page, Paged, Sorts, fetch, matching
from server.store.tables import Camera, Kiosk
from server.store.writes import save

SORTS: Sorts = {"name": func.lower(Kiosk.name), "createdAt": Kiosk.created_at, "updatedAt": Kiosk.updated_at}


async def find(session: AsyncSession, kiosk_id: str) -> Kiosk | None:
    return await session.get(Kiosk, kiosk_id)


async def get(session: AsyncSession, kiosk_id: str) -> Kiosk:
    """Raises NotFound."""
    kiosk = await find(session, kiosk_id)
    if kiosk is None:
        raise NotFound.of("kiosk")
    return kiosk


async def find_by_name(session: AsyncSession, name: str) -> Kiosk | None:
    return (await session.exec(select(Kiosk).where(Kiosk.name == name))).first()


async def page(session: AsyncSession, wanted: Page) -> Paged[Kiosk]:
    """Search looks at the name."""
    return await fetch(session, select(Kiosk).where(*matching(wanted.search, col(Kiosk.name))), wanted, SORTS, "name")


async def of_camera(session: AsyncSession, camera_id: str) -> Sequence[Kiosk]:
    """Those that greet whom this camera sees, oldest first."""
    # A site has a handful of doors, and the databases search JSON in different words: so not in SQL.
    rows = (await session.exec(select(Kiosk).order_by(Kiosk.id))).all()
    return [kiosk for kiosk in rows if camera_id in kiosk.camera_ids]


async def save_kiosk(session: AsyncSession, kiosk: Kiosk) -> Kiosk:
    """Inserts or updates; raises Conflict where the name is taken, Invalid where a camera does not exist."""
    kiosk.camera_ids = list(dict.fromkeys(kiosk.camera_ids))
    known = (await session.exec(select(Camera.id).where(col(Camera.id).in_(kiosk.camera_ids)))).all()
    if set(kiosk.camera_ids) - set(known):
        raise Invalid.field("cameraIds", "camera_not_found", "No camera with that id.")
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
