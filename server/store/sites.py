"""Sites: places with a time zone of their own, where people work and cameras hang."""

from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from server.errors import Invalid
from server.store.collections import Collection
from server.store.tables import Site

SITES = Collection(
    Site,
    "site",
    {"name": func.lower(Site.name), "createdAt": Site.created_at, "updatedAt": Site.updated_at},
    "name",
    (col(Site.name),),
)


async def check(session: AsyncSession, site_id: str | None) -> None:
    """Raises Invalid where there is no such site."""
    if site_id is None:
        return
    with session.no_autoflush:  # what is wrong with the row itself is for save() to tell
        site = await session.get(Site, site_id)
    if site is None:
        raise Invalid.field("siteId", "unknown", "No site with that id.")


async def names(session: AsyncSession) -> dict[str, str]:
    """Of all of them, by id."""
    return dict((await session.exec(select(Site.id, Site.name))).all())


async def zones(session: AsyncSession) -> dict[str, str]:
    """The time zone of each, by id."""
    return dict((await session.exec(select(Site.id, Site.timezone))).all())
