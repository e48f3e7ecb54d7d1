"""What a sighting makes: the attendance entry that the rules allow, and the events that tell of both."""

from datetime import datetime, timedelta, tzinfo

from sqlmodel.ext.asyncio.session import AsyncSession

from server.attendance.rules import decide
from server.events.schema import NewEvent
from server.store import entries
from server.store.tables import Camera, Entry, Person, Sighting
from server.store.views import EntryPublic, SightingPublic


async def enter(
    session: AsyncSession, camera: Camera, row: Sighting, person_id: str, at: datetime, cooldown_s: int, zone: tzinfo
) -> Entry | None:
    """The entry that a recognised sighting makes, if the rules make one."""
    midnight = at.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    # A correction tells of something past: what came just after it counts for the cool-down as what came before.
    soon = at + max(timedelta(seconds=cooldown_s) - timedelta(microseconds=1), timedelta())
    last_here = await entries.last_of(session, person_id, camera_id=camera.id, until=soon)
    last_today = await entries.last_of(session, person_id, since=midnight, until=at)
    decision = decide(
        role=camera.role,
        at=at,
        last_at_camera=last_here.at if last_here else None,
        last_direction_today=last_today.direction if last_today else None,
        cooldown_s=cooldown_s,
    )
    if decision.direction is None:
        return None
    entry = Entry(
        person_id=person_id, at=at, direction=decision.direction, origin="camera", camera_id=camera.id,
        sighting_id=row.id, similarity=row.similarity, margin=row.margin, pack=row.pack, snapshot_key=row.snapshot_key,
    )  # fmt: skip
    session.add(entry)
    await session.flush()
    return entry


def entry_event(entry: Entry, person: Person, camera: Camera | None, at: datetime, kind: str | None = None) -> NewEvent:
    """`attendance.checked_in` or `attendance.checked_out`, or the kind that is named."""
    return NewEvent(
        topic="attendance",
        type=kind or f"attendance.checked_{entry.direction}",
        source=f"cameras/{camera.id}" if camera else "people",
        data=EntryPublic.of(entry, person, camera.name if camera else None).as_json(),
        time=at,
    )


async def sighting_event(
    session: AsyncSession, row: Sighting, kind: str, at: datetime, person: Person | None = None
) -> NewEvent:
    if person is None and row.person_id is not None:
        person = await session.get(Person, row.person_id)
    camera = await session.get(Camera, row.camera_id) if row.camera_id else None
    data = SightingPublic.of(row, person, camera.name if camera else None).as_json()
    return NewEvent(topic="sightings", type=kind, source=f"cameras/{row.camera_id}", data=data, time=at)
