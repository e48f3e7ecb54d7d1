"""Which build of which pack the galleries are made of, and which photos still lack a template of another one."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, func, or_
from sqlmodel import col, delete, select
from sqlmodel.ext.asyncio.session import AsyncSession

from server.store.tables import Photo, Setting, Template

KEY = "embedder"


@dataclass(frozen=True, slots=True)
class Build:
    """One build of a pack: templates of another one mean nothing to it."""

    pack: str
    sha256: str


async def used(session: AsyncSession) -> Build | None:
    """What every process searches with; None where nobody has said so yet."""
    row = await session.get(Setting, KEY, populate_existing=True)
    return Build(str(row.value["pack"]), str(row.value["sha256"])) if row is not None else None


async def use(session: AsyncSession, build: Build) -> None:
    """From now on this one."""
    row = await session.get(Setting, KEY, with_for_update=True)
    row = row or Setting(key=KEY, value={})
    row.value = {"pack": build.pack, "sha256": build.sha256}
    session.add(row)
    await session.flush()


async def most_made(session: AsyncSession) -> Build | None:
    """Of which build there are most templates; None where there are none."""
    by = (col(Template.pack), col(Template.pack_sha256))
    statement = select(*by).group_by(*by).order_by(func.count().desc(), *by).limit(1)
    row = (await session.exec(statement)).first()
    return Build(*row) if row is not None else None


async def lacking(session: AsyncSession, build: Build, *, after: str = "", limit: int = 100) -> Sequence[Photo]:
    """Photos without a template of that build, by id; the next ones after that id."""
    statement = select(Photo).where(~_made(build), col(Photo.id) > after).order_by(col(Photo.id)).limit(limit)
    return (await session.exec(statement)).all()


async def count_lacking(session: AsyncSession, build: Build) -> int:
    return (await session.exec(select(func.count()).select_from(Photo).where(~_made(build)))).one()


async def count_photos(session: AsyncSession) -> int:
    """All there are, with a template of some build or not."""
    return (await session.exec(select(func.count()).select_from(Photo))).one()


async def has(session: AsyncSession, photo_id: str, build: Build) -> bool:
    chosen = (Template.photo_id == photo_id, Template.pack == build.pack, Template.pack_sha256 == build.sha256)
    return (await session.exec(select(Template.id).where(*chosen).limit(1))).first() is not None


async def forget_others(session: AsyncSession, build: Build) -> int:
    """Templates of every other build; how many there were."""
    other = or_(col(Template.pack) != build.pack, col(Template.pack_sha256) != build.sha256)
    return (await session.exec(delete(Template).where(other))).rowcount


def _made(build: Build) -> ColumnElement[bool]:
    return (
        select(Template.id)
        .where(
            and_(
                col(Template.photo_id) == Photo.id,
                col(Template.pack) == build.pack,
                col(Template.pack_sha256) == build.sha256,
            )
        )
        .exists()
    )
