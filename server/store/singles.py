"""People who are known by one photo only, and what was measured on it."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from server.store.tables import Photo, Template


async def qualities(session: AsyncSession, pack: str, pack_sha256: str) -> dict[str, Mapping[str, Any]]:
    """By the id of the only template that this build of a pack has of a person."""
    made = (Template.pack == pack, Template.pack_sha256 == pack_sha256)
    alone = (
        select(func.max(Template.id)).where(*made).group_by(col(Template.person_id)).having(func.count() == 1)
    )  # fmt: skip
    statement: Any = (
        select(Template.id, Photo.quality)
        .join(Photo, col(Photo.id) == Template.photo_id)
        .where(col(Template.id).in_(alone))
    )
    rows = await (await session.connection()).execute(statement)
    return {row[0]: row[1] for row in rows}
