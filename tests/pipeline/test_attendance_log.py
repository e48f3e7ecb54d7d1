"""What is added to the events of attendance; that it makes the law hold is in test_the_law.py."""

from server.clock import ManualClock
from server.events.schema import NewEvent
from server.parts import Parts
from server.pipeline.attendance_log import AttendanceLog
from server.store.tables import Camera, Entry, Person
from server.store.views import EntryPublic


def event(person_id: str | None, kind: str = "attendance.corrected", topic: str = "attendance") -> NewEvent:
    return NewEvent(topic, kind, "people", {"personId": person_id}, ManualClock().now())


async def test_by_which_entry_somebody_is_in(parts: Parts, clock: ManualClock, person: Person, camera: Camera) -> None:
    """The newest that counts, if it is a check-in; in the shape of the entry, with the camera's name."""
    log = AttendanceLog(parts.store, parts.runtime, clock)
    async with parts.store.transaction() as session:
        [nobody] = await log.append(session, [event(person.id)])
        came = Entry(person_id=person.id, at=clock.now(), direction="in", origin="camera", camera_id=camera.id)
        session.add(came)
        [there] = await log.append(session, [event(person.id)])
        clock.advance(60)
        session.add(Entry(person_id=person.id, at=clock.now(), direction="out", origin="manual", state="removed"))
        [still] = await log.append(session, [event(person.id)])
        session.add(Entry(person_id=person.id, at=clock.now(), direction="out", origin="manual"))
        [left] = await log.append(session, [event(person.id)])
        shown = EntryPublic.of(came, person, camera.name).as_json()
    assert nobody.data == {"personId": person.id, "present": None}
    assert there.data["present"] == still.data["present"] == shown
    assert left.data["present"] is None


async def test_what_is_about_nobody_is_left_alone(parts: Parts, clock: ManualClock, person: Person) -> None:
    """A refusal, an entry of somebody who was erased or is gone, other topics."""
    log = AttendanceLog(parts.store, parts.runtime, clock)
    told = [
        event(person.id, "attendance.refused"),
        event(None),
        event("gone"),
        event(person.id, "alert.raised", "alerts"),
    ]
    async with parts.store.transaction() as session:
        stored = await log.append(session, told)
    assert [one.data.get("present", "left alone") for one in stored] == ["left alone", "left alone", None, "left alone"]
    assert [one.offset for one in stored] == [1, 2, 3, 1]
