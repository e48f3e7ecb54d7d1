"""What the rules make of a code at a kiosk; the rest is in tests/routes/test_check_ins.py."""

from datetime import date, timedelta

from server.attendance.device_time import Moment
from server.attendance.rules import Why
from server.clock import ManualClock
from server.parts import Parts
from server.pipeline.attend import Local, enter
from server.pipeline.check_in import CheckedIn, check_in, events, told_of
from server.store.runtime import AttendanceSettings
from server.store.tables import Camera, Kiosk, Person, Schedule, Shift, Sighting
from tests.pipeline.conftest import add_camera, add_kiosk


def usual(parts: Parts) -> Local:
    return Local(AttendanceSettings(), parts.zone)


async def types(parts: Parts, kiosk: Kiosk, person: Person, moment: Moment) -> CheckedIn:
    async with parts.store.transaction() as session:
        return await check_in(session, kiosk, person, moment, moment.at, usual(parts))


async def test_one_door_has_one_cool_down(parts: Parts, person: Person, clock: ManualClock) -> None:
    """Who was seen by the kiosk's camera a moment ago is recorded already, and the other way round."""
    camera = await add_camera(parts, "Door", "both")
    kiosk = await add_kiosk(parts, camera)
    at = clock.now()
    for first_by_face in (True, False):
        at += timedelta(hours=1)
        seen = Sighting(camera_id=camera.id, person_id=person.id, state="open", started_at=at, last_seen_at=at)
        whys = []
        for by_face in (first_by_face, not first_by_face):
            at += timedelta(minutes=1)
            if by_face:
                async with parts.store.transaction() as session:
                    session.add(seen)
                    await session.flush()
                    whys.append((await enter(session, camera, seen, person, at, usual(parts))).why is Why.COOLDOWN)
            else:
                found = await types(parts, kiosk, person, Moment(at, 0, kept=False))
                whys.append(found.hint == "already_recorded")
        assert whys == [False, True]


async def test_the_shift_and_how_late_it_is(parts: Parts, person: Person, clock: ManualClock) -> None:
    """As with a face: the shift of the moment, and the minutes beyond the grace; in the event and on the screen."""
    kiosk = await add_kiosk(parts)
    nine = clock.now().replace(hour=9, minute=0, second=0, microsecond=0)
    shift = Shift(name="Day", rules={"start": "09:00", "end": "17:00", "timezone": "UTC"})
    async with parts.store.transaction() as session:
        session.add(shift)
        await session.flush()
        session.add(Schedule(person_id=person.id, shift_id=shift.id, first_date=date(2020, 1, 1)))
    found = await types(parts, kiosk, person, Moment(nine + timedelta(minutes=6), 0, kept=False))
    assert found.shift is not None
    assert (found.shift.name, found.late_minutes) == ("Day", 6)
    entered, greeted = events(kiosk, found, nine)
    assert (entered.data["lateMinutes"], entered.data["kioskId"]) == (6, kiosk.id)
    assert isinstance(greeted.data["shift"], dict)
    assert greeted.data["shift"]["lateMinutes"] == 6
    assert found.entry.why == Why.FIRST_TODAY.value


async def test_a_kept_one_greets_nobody(parts: Parts, person: Person, clock: ManualClock) -> None:
    """And one that is recorded already is told to the screen alone."""
    kiosk = await add_kiosk(parts)
    at = clock.now()
    kept = await types(parts, kiosk, person, Moment(at - timedelta(hours=1), 7, kept=True))
    assert [one.type for one in events(kiosk, kept, at)] == ["attendance.checked_in"]
    assert kept.entry.device_offset_ms == 7
    await types(parts, kiosk, person, Moment(at, 0, kept=False))
    again = await types(parts, kiosk, person, Moment(at, 0, kept=False))
    assert [(one.topic, one.source) for one in events(kiosk, again, at)] == [(f"kiosks/{kiosk.id}",) * 2]


async def test_what_can_be_said_of_it_later(parts: Parts, person: Person, clock: ManualClock) -> None:
    """The same entry again."""
    kiosk = await add_kiosk(parts)
    made = await types(parts, kiosk, person, Moment(clock.now(), 0, kept=False))
    async with parts.store.read() as session:
        told = await told_of(session, kiosk, person, made.entry, usual(parts), clock.now(), kept=True)
    assert (told.entry.id, told.photo_url, told.hint) == (made.entry.id, None, None)


async def test_cameras_of_a_kiosk_that_does_not_go_by_faces(parts: Parts, camera: Camera, person: Person) -> None:
    """They greet nobody there."""
    kiosk = await add_kiosk(parts, camera)
    assert await parts.recorder.has_kiosks(camera.id)
    async with parts.store.transaction() as session:
        row = await session.get_one(Kiosk, kiosk.id)
        row.means = ["pin"]
        session.add(row)
    assert not await parts.recorder.has_kiosks(camera.id)
