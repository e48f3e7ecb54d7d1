"""Visitors: unknown sightings in groups, and the faces that hold a group together."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import func
from sqlalchemy import select as select_many  # SQLModel's own is typed for four at most
from sqlmodel import col, delete, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from server.errors import NotFound
from server.events.limits import EVERYTHING, Reach
from server.store.paging import Page, Paged, Sorts, fetch_joined
from server.store.sightings import SightingRow
from server.store.tables import Camera, Person, Sighting, SightingFace, Visitor
from server.store.templates import KeptTemplate
from server.store.writes import locked

MOST_ANSWERED = 200


@dataclass(frozen=True, slots=True)
class VisitorRow:
    """A group as far as it is within reach: from when to when, how often, where, and the best face of it."""

    id: str
    first_seen_at: datetime
    last_seen_at: datetime
    count: int
    created_at: datetime
    updated_at: datetime
    cameras: list[tuple[str | None, str | None]] = field(default_factory=list)  # id and name
    best: Sighting | None = None


def _stats(reach: Reach) -> Any:
    return (
        select(
            SightingFace.visitor_id,
            func.min(Sighting.started_at).label("first_seen_at"),
            func.max(Sighting.last_seen_at).label("last_seen_at"),
            func.count().label("count"),
        )
        .join(Sighting)
        .where(*_unknown(reach))
        .group_by(col(SightingFace.visitor_id))
        .subquery()
    )


def _unknown(reach: Reach) -> list[Any]:
    found: list[Any] = [col(Sighting.person_id).is_(None)]
    if reach.cameras is not None:
        found.append(col(Sighting.camera_id).in_(sorted(reach.cameras)))
    return found


async def page(session: AsyncSession, wanted: Page, reach: Reach = EVERYTHING) -> Paged[VisitorRow]:
    """Those with a sighting within reach, seen last first."""
    stats = _stats(reach)
    sorts: Sorts = {
        "lastSeenAt": stats.c.last_seen_at,
        "firstSeenAt": stats.c.first_seen_at,
        "count": stats.c["count"],
    }
    statement: Any = select_many(
        col(Visitor.id), stats.c.first_seen_at, stats.c.last_seen_at, stats.c["count"], col(Visitor.created_at),
        col(Visitor.updated_at),
    ).join(stats, stats.c.visitor_id == Visitor.id)  # fmt: skip
    found = await fetch_joined(session, statement, wanted, sorts, "-lastSeenAt")
    rows = [VisitorRow(*row) for row in found.rows]
    return Paged(await _with_faces(session, rows, reach), found.total)


SORTS = ("lastSeenAt", "firstSeenAt", "count")


async def get(session: AsyncSession, visitor_id: str, reach: Reach = EVERYTHING) -> VisitorRow:
    """Raises NotFound, also where none of its sightings is within reach."""
    stats = _stats(reach)
    statement: Any = select_many(
        col(Visitor.id), stats.c.first_seen_at, stats.c.last_seen_at, stats.c["count"], col(Visitor.created_at),
        col(Visitor.updated_at),
    ).join(stats, stats.c.visitor_id == Visitor.id).where(col(Visitor.id) == visitor_id)  # fmt: skip
    row = (await session.exec(statement)).first()
    if row is None:
        raise NotFound.of("visitor")
    return (await _with_faces(session, [VisitorRow(*row)], reach))[0]


async def _with_faces(session: AsyncSession, rows: Sequence[VisitorRow], reach: Reach) -> list[VisitorRow]:
    by_id = {row.id: row for row in rows}
    if not by_id:
        return []
    places = (
        select(SightingFace.visitor_id, Sighting.camera_id, Camera.name)
        .join(Sighting, col(Sighting.id) == SightingFace.sighting_id)
        .join(Camera, col(Camera.id) == Sighting.camera_id, isouter=True)
        .where(col(SightingFace.visitor_id).in_(by_id), *_unknown(reach))
        .distinct()
        .order_by(col(Camera.name), col(Sighting.camera_id))
    )
    for visitor_id, camera_id, name in (await session.exec(places)).all():
        by_id[visitor_id].cameras.append((camera_id, name))
    ranked = (
        select(
            SightingFace.sighting_id,
            SightingFace.visitor_id,
            func.row_number()
            .over(partition_by=SightingFace.visitor_id, order_by=(col(SightingFace.quality).desc(), SightingFace.id))
            .label("place"),
        )
        .join(Sighting)
        .where(col(SightingFace.visitor_id).in_(by_id), col(Sighting.face_key).is_not(None), *_unknown(reach))
        .subquery()
    )
    best = select(ranked.c.visitor_id, Sighting).join(ranked, ranked.c.sighting_id == Sighting.id)
    found: dict[str, Sighting] = {}
    for visitor_id, sighting in (await session.exec(best.where(ranked.c.place == 1))).all():
        found[visitor_id] = sighting
    return [replace(row, best=found.get(row.id)) for row in rows]


async def lock(session: AsyncSession, visitor_id: str) -> Visitor:
    """For a change within the caller's transaction. Raises NotFound."""
    row = await locked(session, Visitor, visitor_id)
    if row is None:
        raise NotFound.of("visitor")
    return row


async def sightings_of(session: AsyncSession, visitor_id: str, reach: Reach = EVERYTHING) -> Sequence[Sighting]:
    """Its sightings within reach, oldest first."""
    statement = (
        select(Sighting)
        .join(SightingFace)
        .where(SightingFace.visitor_id == visitor_id, *_unknown(reach))
        .order_by(col(Sighting.started_at), Sighting.id)
    )
    return (await session.exec(statement)).all()


async def best_of(session: AsyncSession, sighting_ids: Sequence[str], most: int) -> Sequence[Sighting]:
    """Those of them with a picture, the best face first."""
    statement = (
        select(Sighting)
        .join(SightingFace)
        .where(col(Sighting.id).in_(sighting_ids), col(Sighting.snapshot_key).is_not(None))
        .order_by(col(SightingFace.quality).desc(), Sighting.id)
        .limit(most)
    )
    return (await session.exec(statement)).all()


async def face_of(session: AsyncSession, sighting_id: str) -> SightingFace | None:
    return (await session.exec(select(SightingFace).where(SightingFace.sighting_id == sighting_id))).first()


async def forget_face(session: AsyncSession, sighting_id: str) -> None:
    """The sighting has a name, or is gone: its face goes, and with the last one the group."""
    face = await face_of(session, sighting_id)
    if face is None:
        return
    await session.delete(face)
    await session.flush()
    await remove_empty(session, face.visitor_id)


async def move(session: AsyncSession, visitor_id: str, to: str) -> None:
    """All faces of a group become another's, and it goes."""
    moved = update(SightingFace).where(col(SightingFace.visitor_id) == visitor_id).values(visitor_id=to)
    await session.exec(moved.execution_options(synchronize_session=False))
    await session.exec(delete(Visitor).where(col(Visitor.id) == visitor_id))


async def remove_empty(session: AsyncSession, visitor_id: str | None = None) -> int:
    """Groups without a face; how many."""
    empty = ~select(SightingFace.id).where(SightingFace.visitor_id == Visitor.id).exists()
    statement = delete(Visitor).where(empty)
    if visitor_id is not None:
        statement = statement.where(col(Visitor.id) == visitor_id)
    return (await session.exec(statement.execution_options(synchronize_session=False))).rowcount


async def means(session: AsyncSession, pack_sha256: str, most: int) -> list[KeptTemplate]:
    """The sealed means of the groups of this build of a pack, seen last at the end."""
    statement: Any = (
        select(Visitor.id, Visitor.key_id, Visitor.embedding)
        .where(Visitor.pack_sha256 == pack_sha256)
        .order_by(col(Visitor.last_seen_at).desc(), Visitor.id)
        .limit(most)
    )
    rows = (await session.exec(statement)).all()
    return [KeptTemplate(row[0], "visitor", row[1], row[2]) for row in reversed(rows)]


async def mark(session: AsyncSession) -> tuple[object, ...]:
    """Differs from an earlier one where groups may have changed since."""
    found = await session.exec(select(func.count(), func.max(Visitor.id), func.max(Visitor.updated_at)))
    return tuple(found.one())


async def seen(
    session: AsyncSession,
    person_ids: Sequence[str],
    visitor_ids: Sequence[str],
    conditions: Sequence[Any],
    limit: int = MOST_ANSWERED,
) -> list[tuple[SightingRow, str | None]]:
    """The sightings of these people, and those of these groups with the group's id; the latest first."""
    named = col(Sighting.person_id).in_(person_ids)
    grouped = col(SightingFace.visitor_id).in_(visitor_ids) & col(Sighting.person_id).is_(None)
    statement = (
        select(Sighting, Person, Camera.name, SightingFace.visitor_id)
        .join(SightingFace, col(SightingFace.sighting_id) == Sighting.id, isouter=True)
        .join(Person, col(Person.id) == Sighting.person_id, isouter=True)
        .join(Camera, col(Camera.id) == Sighting.camera_id, isouter=True)
        .where(named | grouped, *conditions)
        .order_by(col(Sighting.started_at).desc(), col(Sighting.id).desc())
        .limit(limit)
    )
    return [(SightingRow(*row[:3]), row[3]) for row in (await session.exec(statement)).all()]


async def expired(session: AsyncSession, before: datetime, limit: int) -> Sequence[Sighting]:
    """Unknown sightings that ended before that time and of which pictures or a face are left, oldest first."""
    has_face = select(SightingFace.id).where(SightingFace.sighting_id == Sighting.id).exists()
    left = col(Sighting.snapshot_key).is_not(None) | col(Sighting.face_key).is_not(None) | has_face
    statement = (
        select(Sighting)
        .where(col(Sighting.person_id).is_(None), Sighting.state == "closed")
        .where(col(Sighting.last_seen_at) < before, left)
        .order_by(col(Sighting.last_seen_at), Sighting.id)
        .limit(limit)
    )
    return (await session.exec(statement)).all()


async def forget(session: AsyncSession, sighting_ids: Sequence[str]) -> int:
    """Their faces and what points to their pictures; the sightings stay, as figures. How many were still unknown."""
    if not sighting_ids:
        return 0
    still = (col(Sighting.id).in_(sighting_ids), col(Sighting.person_id).is_(None))
    unknown = (await session.exec(select(Sighting.id).where(*still))).all()
    await session.exec(delete(SightingFace).where(col(SightingFace.sighting_id).in_(unknown)))
    bare = update(Sighting).where(col(Sighting.id).in_(unknown)).values(snapshot_key=None, face_key=None)
    await session.exec(bare.execution_options(synchronize_session=False))
    await remove_empty(session)
    return len(unknown)
