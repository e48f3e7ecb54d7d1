"""An operator says who a sighting was: the sighting, its attendance and the events change together."""

from datetime import datetime

from sqlmodel.ext.asyncio.session import AsyncSession

from server.errors import Invalid, NotFound
from server.events.schema import NewEvent
from server.pipeline.amend import Terms, withdraw
from server.pipeline.attend import Local, enter, sighting_event
from server.store import entries, refused, visitors
from server.store.audit import Actor
from server.store.tables import Camera, Person, Sighting
from server.store.writes import touch

WITHDRAWN = "The sighting was corrected."


async def correct_sighting(
    session: AsyncSession,
    sighting_id: str,
    person_id: str | None,
    *,
    by: Actor,
    at: datetime,
    local: Local,
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
    touch(row)
    session.add(row)
    await session.flush()
    if person is not None:  # whose face it is, their own photos tell from now on
        await visitors.forget_face(session, row.id)
        await refused.remove(session, row.id, person.id)
    events = [await sighting_event(session, row, "sighting.corrected", at, person)]
    if before == person_id:
        return row, events
    camera = await session.get(Camera, row.camera_id) if row.camera_id else None
    made = await entries.of_sighting(session, row.id)
    events += await withdraw(session, made, Terms(by, WITHDRAWN, at))
    if person is not None and camera is not None:
        # By the rules, as if it had been seen rightly: the other person has a direction and a cool-down of their own.
        made_now = await enter(session, camera, row, person, row.started_at, local)
        if made_now.entry is not None:
            row.refusal = None
            events.append(made_now.event(person, camera, at))
    return row, events
