"""The accepted pictures of people, and the templates made from them."""

from collections.abc import Sequence

from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from server.errors import NotFound
from server.events.limits import EVERYTHING, Reach
from server.store.reach import people_within
from server.store.tables import Person, Photo, Template


async def get(session: AsyncSession, person_id: str, photo_id: str, reach: Reach = EVERYTHING) -> Photo:
    """Raises NotFound, also for a photo of somebody else, or of somebody out of reach."""
    statement = select(Photo).join(Person).where(Photo.id == photo_id, Photo.person_id == person_id)
    photo = (await session.exec(statement.where(*people_within(reach)))).first()
    if photo is None:
        raise NotFound.of("photo")
    return photo


async def of_person(session: AsyncSession, person_id: str) -> Sequence[Photo]:
    """Newest first: the first one is the portrait that is shown."""
    statement = select(Photo).where(Photo.person_id == person_id)
    return (await session.exec(statement.order_by(col(Photo.created_at).desc(), col(Photo.id).desc()))).all()


async def newest(session: AsyncSession, person_id: str, reach: Reach = EVERYTHING) -> Photo | None:
    """The one whose portrait is shown; None also for somebody out of reach."""
    statement = select(Photo).join(Person).where(Photo.person_id == person_id, *people_within(reach))
    ordered = statement.order_by(col(Photo.created_at).desc(), col(Photo.id).desc()).limit(1)
    return (await session.exec(ordered)).first()


async def count_of(session: AsyncSession, person_id: str) -> int:
    return (await session.exec(select(func.count()).select_from(Photo).where(Photo.person_id == person_id))).one()


async def add(session: AsyncSession, photo: Photo, templates: Sequence[Template]) -> Photo:
    """A photo with what was made from it."""
    session.add(photo)
    await session.flush()  # the templates point to it
    session.add_all(templates)
    await session.flush()
    return photo


async def templates_of(session: AsyncSession, photo_id: str) -> Sequence[Template]:
    return (await session.exec(select(Template).where(Template.photo_id == photo_id).order_by(Template.id))).all()


async def remove(session: AsyncSession, photo: Photo) -> None:
    """With its templates; the objects are the caller's to delete, after the transaction."""
    await session.delete(photo)
    await session.flush()
