"""The site's own pictures to measure recognition on, and the last measurement."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from server.store.tables import AuditRow, Person, Photo, Setting, Sighting

KEY = "evaluation"


async def pictures(session: AsyncSession) -> list[tuple[str, str]]:
    """(person id, object key): the photos of active people, and the faces of their sightings that an operator has put
    right. What was only recognised is not among them: it would confirm itself."""
    photos = select(Photo.person_id, Photo.object_key).join(Person).where(col(Person.active)).order_by(Photo.id)
    judged = select(AuditRow.resource_id).where(AuditRow.action == "sighting.corrected")
    faces = (
        select(Sighting.person_id, Sighting.face_key)
        .join(Person)
        .where(col(Person.active), col(Sighting.face_key).is_not(None), col(Sighting.id).in_(judged))
        .order_by(Sighting.id)
    )
    found = [*(await session.exec(photos)).all(), *(await session.exec(faces)).all()]
    return [(person_id, key) for person_id, key in found if person_id and key]


async def keep(session: AsyncSession, report: Mapping[str, Any]) -> None:
    """Instead of the one before."""
    row = await session.get(Setting, KEY)
    if row is None:
        row = Setting(key=KEY, value={})
    row.value = dict(report)
    session.add(row)
    await session.flush()


async def last(session: AsyncSession) -> tuple[datetime, dict[str, Any]] | None:
    """When it was made, and what came of it; None where there was none yet."""
    row = await session.get(Setting, KEY)
    return None if row is None else (row.updated_at, row.value)
