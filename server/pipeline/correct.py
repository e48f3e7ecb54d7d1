"""An operator says who a sighting was: the sighting, its attendance and the events change together."""

from datetime import datetime, tzinfo

from sqlmodel.ext.asyncio.session import AsyncSession

from server.errors import Invalid, NotFound
from server.events.schema import NewEvent
from server.pipeline.attend import enter, entry_event, sighting_event
from server.store import entries
from server.store.tables import Camera, Person, Sighting


async def correct_sighting(
    session: AsyncSession, sighting_id: str, person_id: str | None, *, at: datetime, cooldown_s: int, zone: tzinfo
) -> tuple[Sighting, list[NewEvent]]:
    """Moves the sighting to a person, or to nobody. Returns the row and the events to append.

    The entry that the sighting has made is withdrawn, and the person named gets the one that the rules allow.
    """
    row = await session.get(Sighting, sighting_id)
    if row is None:
        raise NotFound.of("sighting")
    person = await session.get(Person, person_id) if person_id else None
    if person_id and person is None:
        raise Invalid.field("personId", "unknown", "No person with that id.")
    before, row.person_id = row.person_id, person_id
    session.add(row)
    await session.flush()
    events = [await sighting_event(session, row, "sighting.corrected", at, person)]
    if before == person_id:
        return row, events
    camera = await session.get(Camera, row.camera_id) if row.camera_id else None
    made = await entries.of_sighting(session, row.id)
    for entry in made:
        was = await session.get(Person, entry.person_id)
        if was is not None:
            event = entry_event(entry, was, camera, at, "attendance.corrected")
            events.append(NewEvent(event.topic, event.type, event.source, event.data | {"removed": True}, at))
        await session.delete(entry)
    await session.flush()
    if person is not None and camera is not None:
        # By the rules, as if it had been seen rightly: the other person has a direction and a cool-down of their own.
        entered = await enter(session, camera, row, person.id, row.started_at, cooldown_s, zone)
        if entered is not None:
            events.append(entry_event(entered, person, camera, at))
    return row, events
