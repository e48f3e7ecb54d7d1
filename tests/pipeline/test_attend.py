"""What a sighting makes: at most one entry, by the rules."""

from datetime import date, timedelta
from typing import cast
from zoneinfo import ZoneInfo

from server.attendance.rules import Why
from server.clock import ManualClock
from server.events.schema import StoredEvent
from server.parts import Parts
from server.pipeline.attend import Local, enter, entry_event
from server.store.runtime import AttendanceSettings
from server.store.tables import Camera, Person, Schedule, Shift, Sighting
from server.wire import rfc3339
from tests.pipeline.conftest import add_camera, change


def usual(parts: Parts) -> Local:
    return Local(AttendanceSettings(), parts.zone)


async def test_the_day_begins_at_the_sites_midnight(parts: Parts, person: Person, clock: ManualClock) -> None:
    """At a door for both ways yesterday's check-in does not make this morning's a check-out."""
    camera = await add_camera(parts, "Door", "both")
    zone = ZoneInfo("America/New_York")
    evening = clock.now().replace(hour=23)  # 18:00 in New York
    after_utc_midnight = evening + timedelta(hours=2)  # 20:00, the same day there
    next_morning = evening + timedelta(hours=14)  # 08:00, the next day
    directions = []
    for at in (evening, after_utc_midnight, next_morning):
        row = Sighting(camera_id=camera.id, person_id=person.id, state="open", started_at=at, last_seen_at=at)
        async with parts.store.transaction() as session:
            session.add(row)
            await session.flush()
            entry = (await enter(session, camera, row, person, at, Local(AttendanceSettings(), zone))).entry
        assert entry is not None
        directions.append(entry.direction)
    assert directions == ["in", "out", "in"]


async def test_the_cool_down_holds_for_what_is_told_late(
    parts: Parts, camera: Camera, person: Person, clock: ManualClock
) -> None:
    """A sighting that gets its name after a later one makes no second entry within the cool-down."""
    later = clock.now()
    told = []
    for ago_s in (0, 299, 300, 10):
        at = later - timedelta(seconds=ago_s)
        row = Sighting(camera_id=camera.id, person_id=person.id, state="closed", started_at=at, last_seen_at=at)
        async with parts.store.transaction() as session:
            session.add(row)
            await session.flush()
            told.append((await enter(session, camera, row, person, at, usual(parts))).why)
    assert told == [Why.ROLE, Why.COOLDOWN, Why.ROLE, Why.COOLDOWN]


async def test_the_event_is_the_entry(parts: Parts, camera: Camera, person: Person, clock: ManualClock) -> None:
    """Type by direction; the data is the API's shape with the contract's names."""
    at = clock.now()
    row = Sighting(
        camera_id=camera.id, person_id=person.id, state="open", started_at=at, last_seen_at=at, similarity=0.8
    )
    async with parts.store.transaction() as session:
        session.add(row)
        await session.flush()
        entry = (await enter(session, camera, row, person, at, usual(parts))).entry
    assert entry is not None
    event = entry_event(entry, person, camera, at)
    assert (event.topic, event.type, event.source) == ("attendance", "attendance.checked_in", f"cameras/{camera.id}")
    wanted = {
        "entryId",
        "person",
        "direction",
        "at",
        "cameraId",
        "sightingId",
        "similarity",
        "shift",
        "lateMinutes",
        "snapshotUrl",
    }
    assert wanted <= set(event.data)


async def test_a_night_is_one_day(parts: Parts, person: Person, clock: ManualClock) -> None:
    """At a door for both ways whoever came at ten leaves at six, for the day is that of the shift."""
    camera = await add_camera(parts, "Door", "both")
    night = Shift(name="Night", rules={"start": "22:00", "end": "06:00"})
    async with parts.store.transaction() as session:
        session.add(night)
        await session.flush()
        session.add(Schedule(person_id=person.id, shift_id=night.id, first_date=date(2026, 1, 1)))
    evening = clock.now().replace(hour=22, minute=10)
    told: list[StoredEvent] = []
    for hours in (0, 7.8, 24):
        at = evening + timedelta(hours=hours)
        one = change(camera, "recognized", at, person.id)
        told += (await parts.recorder.record(camera.id, [one], {})).events
    came = [event for event in told if event.topic == "attendance"]
    assert [event.type.rpartition("_")[2] for event in came] == ["in", "out", "in"]
    shift = cast("dict[str, str]", came[0].data["shift"])
    assert (shift["name"], shift["start"], came[0].data["lateMinutes"]) == (
        "Night", rfc3339(evening.replace(minute=0)), 10,
    )  # fmt: skip
    assert cast("dict[str, str]", came[1].data["shift"])["start"] == shift["start"]
