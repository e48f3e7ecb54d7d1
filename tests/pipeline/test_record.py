"""Recording: one transaction for sighting, entry and events, and what is told is what is stored."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Literal

import pytest
from sqlalchemy.exc import OperationalError

from server.clock import ManualClock
from server.identity.sightings import SightingChange
from server.parts import Parts
from server.pipeline.evidence import Evidence
from server.store import entries, sightings, zones
from server.store.entries import EntryFilter
from server.store.paging import Page
from server.store.tables import Camera, Person, Zone
from tests.pipeline.conftest import add_camera, add_kiosk, change, events_of

EVIDENCE = Evidence(b"frame", b"face", [0.1, 0.2, 0.3, 0.4])


async def test_a_recognised_person_is_checked_in_with_evidence(
    parts: Parts, camera: Camera, person: Person, clock: ManualClock
) -> None:
    """The sighting's and the entry's row carry the numbers; both events and the greeting carry what is stored."""
    kiosk = await add_kiosk(parts, camera)
    seen = change(camera, "recognized", clock.now(), person.id)
    recorded = await parts.recorder.record(camera.id, [seen], {seen.sighting.id: EVIDENCE})
    assert [event.topic for event in recorded.events] == ["sightings", "attendance", f"kiosks/{kiosk.id}"]
    async with parts.store.read() as session:
        row = (await sightings.get(session, seen.sighting.id)).sighting
        entry = (await entries.page(session, Page())).rows[0].entry
    assert (row.similarity, row.margin, row.votes, row.box) == (0.8, 0.4, 3, EVIDENCE.box)
    assert (entry.sighting_id, entry.direction, entry.similarity, entry.pack) == (row.id, "in", 0.8, row.pack)
    assert entry.snapshot_key == row.snapshot_key
    assert await parts.objects.get(row.snapshot_key or "") == b"frame"
    assert await parts.objects.get(row.face_key or "") == b"face"
    [(kind, data)] = await events_of(parts, "attendance")
    assert (kind, data["entryId"], data["direction"]) == ("attendance.checked_in", entry.id, "in")
    assert data["person"]["fullName"] == "Eileen Collins"  # type: ignore[index]
    [(kind, data)] = await events_of(parts, f"kiosks/{kiosk.id}")
    assert kind == "kiosk.greeting"
    assert set(data) == {"kioskId", "name", "photoUrl", "direction", "at", "shift", "hint"}
    assert (data["name"], data["hint"]) == ("Eileen Collins", None)


async def test_the_cool_down_makes_one_entry(parts: Parts, camera: Camera, person: Person, clock: ManualClock) -> None:
    """Back after a minute: greeted with what is recorded already; after the cool-down a second entry."""
    kiosk = await add_kiosk(parts, camera)
    for seconds in (0, 60, 301):
        at = clock.now() + timedelta(seconds=seconds)
        await parts.recorder.record(camera.id, [change(camera, "recognized", at, person.id)], {})
    assert [kind for kind, _ in await events_of(parts, "attendance")] == ["attendance.checked_in"] * 2
    greetings = await events_of(parts, f"kiosks/{kiosk.id}")
    assert [data["hint"] for _, data in greetings] == [None, "already_recorded", None]
    assert greetings[0][1]["at"] == greetings[1][1]["at"]


async def test_directions_follow_the_role(parts: Parts, person: Person, clock: ManualClock) -> None:
    """in and out by role, both alternates over the day, monitor makes none and greets nobody."""
    cameras = [
        await add_camera(parts, f"{number} {role}", role)
        for number, role in enumerate(("in", "out", "both", "monitor"))
    ]
    kiosk = await add_kiosk(parts, cameras[3])
    for camera in cameras:
        clock.advance(10)
        await parts.recorder.record(camera.id, [change(camera, "recognized", clock.now(), person.id)], {})
    told = await events_of(parts, "attendance")
    assert [data["direction"] for _, data in told] == ["in", "out", "in"]
    assert [kind.removeprefix("attendance.checked_") for kind, _ in told] == ["in", "out", "in"]
    assert await events_of(parts, f"kiosks/{kiosk.id}") == []


async def test_an_unknown_makes_no_entry(parts: Parts, camera: Camera, clock: ManualClock) -> None:
    """Told as unknown, with a hint on the screen and no name."""
    kiosk = await add_kiosk(parts, camera)
    seen = change(camera, "unknown", clock.now())
    await parts.recorder.record(camera.id, [seen], {seen.sighting.id: EVIDENCE})
    assert [kind for kind, _ in await events_of(parts, "sightings")] == ["sighting.unknown"]
    assert await events_of(parts, "attendance") == []
    [(kind, data)] = await events_of(parts, f"kiosks/{kiosk.id}")
    assert (kind, data["hint"], "name" in data) == ("kiosk.unknown", "step_closer", False)


async def test_a_sighting_extends_and_closes(parts: Parts, camera: Camera, person: Person, clock: ManualClock) -> None:
    """Extending moves the time and tells nothing; closing is told with the end; the picture stays."""
    first = change(camera, "recognized", clock.now(), person.id)
    await parts.recorder.record(camera.id, [first], {first.sighting.id: EVIDENCE})
    clock.advance(5)
    await parts.recorder.record(camera.id, [change(camera, "extended", clock.now(), person.id, like=first)], {})
    clock.advance(5)
    await parts.recorder.record(camera.id, [change(camera, "closed", clock.now(), person.id, like=first)], {})
    told = await events_of(parts, "sightings")
    assert [kind for kind, _ in told] == ["sighting.recognized", "sighting.closed"]
    assert told[1][1]["state"] == "closed"
    assert told[1][1]["snapshotUrl"] == told[0][1]["snapshotUrl"] is not None
    async with parts.store.read() as session:
        row = (await sightings.get(session, first.sighting.id)).sighting
    assert row.ended_at == clock.now()
    assert row.started_at == clock.now() - timedelta(seconds=10)


async def test_a_failed_transaction_leaves_nothing(
    parts: Parts, camera: Camera, person: Person, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the events cannot be written, neither sighting nor entry are there."""

    async def full(*_: object) -> object:
        raise OperationalError("INSERT", {}, OSError("disk is full"))

    monkeypatch.setattr(type(parts.hub.log), "append", full)
    with pytest.raises(OperationalError):
        await parts.recorder.record(camera.id, [change(camera, "recognized", clock.now(), person.id)], {})
    async with parts.store.read() as session:
        assert (await sightings.page(session, Page())).total == 0
        assert (await entries.page(session, Page(), EntryFilter())).total == 0


async def test_a_full_disk_loses_the_picture_not_the_check_in(
    parts: Parts, camera: Camera, person: Person, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Objects that cannot be stored are no reason not to record."""

    async def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(type(parts.objects), "put", full)
    seen = change(camera, "recognized", clock.now(), person.id)
    recorded = await parts.recorder.record(camera.id, [seen], {seen.sighting.id: EVIDENCE})
    assert len(recorded.entries) == 1
    assert recorded.entries[0].snapshot_key is None


async def test_the_same_change_again_is_told_once(
    parts: Parts, camera: Camera, person: Person, clock: ManualClock
) -> None:
    """What was cut off after its commit, and so is written again, makes no second event, entry or greeting."""
    kiosk = await add_kiosk(parts, camera)
    seen = change(camera, "recognized", clock.now(), person.id)
    ended = change(camera, "closed", clock.now(), person.id, like=seen)
    for one in (seen, seen, ended, ended):
        await parts.recorder.record(camera.id, [one], {})
    assert [kind for kind, _ in await events_of(parts, "sightings")] == ["sighting.recognized", "sighting.closed"]
    assert len(await events_of(parts, "attendance")) == 1
    assert len(await events_of(parts, f"kiosks/{kiosk.id}")) == 1


async def test_what_a_crash_left_open_ends_when_it_was_last_seen(
    parts: Parts, camera: Camera, person: Person, clock: ManualClock
) -> None:
    """At the next start; once."""
    await parts.recorder.record(camera.id, [change(camera, "recognized", clock.now(), person.id)], {})
    last_seen = clock.now()
    clock.advance(3600)
    assert await parts.recorder.close_left_open() == 1
    assert await parts.recorder.close_left_open() == 0
    kind, data = (await events_of(parts, "sightings"))[-1]
    assert (kind, data["endedAt"]) == (
        "sighting.closed",
        last_seen.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    )


async def test_nothing_is_recorded_for_a_camera_that_is_gone(
    parts: Parts, camera: Camera, person: Person, clock: ManualClock
) -> None:
    """Deleted while a frame was on its way."""
    async with parts.store.transaction() as session:
        await session.delete(await session.get(Camera, camera.id))
    recorded = await parts.recorder.record(camera.id, [change(camera, "recognized", clock.now(), person.id)], {})
    assert recorded.events == []


async def test_somebody_erased_meanwhile_is_not_named(parts: Parts, camera: Camera, clock: ManualClock) -> None:
    """A sighting of a person who was removed while the frame was on its way has no person and makes no entry."""
    recorded = await parts.recorder.record(camera.id, [change(camera, "recognized", clock.now(), "nobody")], {})
    assert recorded.entries == []
    assert (await events_of(parts, "sightings"))[0][1]["personId"] is None


async def test_one_person_at_one_enrolled_gallery_has_no_margin(
    parts: Parts, camera: Camera, person: Person, clock: ManualClock
) -> None:
    """Where there is no second best the margin is not a number to show."""
    seen = change(camera, "recognized", clock.now(), person.id)
    seen = replace(seen, sighting=replace(seen.sighting, margin=1.8))
    await parts.recorder.record(camera.id, [seen], {})
    assert (await events_of(parts, "sightings"))[0][1]["margin"] is None


@pytest.mark.parametrize("kind", ["extended", "closed"])
async def test_an_operators_word_outlives_a_frame_that_was_on_its_way(
    parts: Parts, camera: Camera, person: Person, clock: ManualClock, kind: Literal["extended", "closed"]
) -> None:
    """A change that was decided before a correction and is written after it does not take the name away again."""
    first = change(camera, "unknown", clock.now())
    await parts.recorder.record(camera.id, [first], {})
    state: Literal["open", "closed"] = "closed" if kind == "closed" else "open"
    then = replace(first, kind=kind, opened=False, sighting=replace(first.sighting, state=state))
    await asyncio.gather(
        parts.recorder.correct(first.sighting.id, person.id), parts.recorder.record(camera.id, [then], {})
    )
    async with parts.store.read() as session:
        row = (await sightings.get(session, first.sighting.id)).sighting
    assert (row.person_id, row.state) == (person.id, state)


async def test_at_a_line_only_who_passes_enters(parts: Parts, person: Person, clock: ManualClock) -> None:
    """Recognised before it: a sighting and no entry, no greeting. Over it: the entry in that direction, greeted."""
    door = await add_camera(parts, "Door", "both")
    kiosk = await add_kiosk(parts, door)
    await add_line(parts, door)
    seen = change(door, "recognized", clock.now(), person.id)
    assert (await parts.recorder.record(door.id, [seen], {})).entries == []
    assert await events_of(parts, f"kiosks/{kiosk.id}") == []
    passed = SightingChange("crossed", replace(seen.sighting, direction="out", last_seen_at=clock.now()))
    for wanted in (["out"], []):  # written again after it was cut off, it makes nothing more
        assert [entry.direction for entry in (await parts.recorder.record(door.id, [passed], {})).entries] == wanted
    assert [kind for kind, _ in await events_of(parts, "sightings")] == ["sighting.recognized"]
    [(kind, data)] = await events_of(parts, "attendance")
    assert (kind, data["sightingId"]) == ("attendance.checked_out", seen.sighting.id)
    assert [kind for kind, _ in await events_of(parts, f"kiosks/{kiosk.id}")] == ["kiosk.greeting"]
    async with parts.store.read() as session:
        assert (await sightings.get(session, seen.sighting.id)).sighting.direction == "out"


async def test_an_operator_names_who_passed(parts: Parts, person: Person, clock: ManualClock) -> None:
    """An unknown who passed gets the entry of that direction; one who did not pass gets none."""
    door = await add_camera(parts, "Door", "both")
    await add_line(parts, door)
    stood, passed = change(door, "unknown", clock.now()), change(door, "unknown", clock.now())
    passed = SightingChange("unknown", replace(passed.sighting, direction="in"), opened=True)
    await parts.recorder.record(door.id, [stood, passed], {})
    for one, made in ((stood, []), (passed, ["attendance.checked_in"])):
        await parts.recorder.correct(one.sighting.id, person.id)
        assert [kind for kind, _ in await events_of(parts, "attendance")] == made


async def add_line(parts: Parts, camera: Camera) -> None:
    line = Zone(camera_id=camera.id, name="Step", kind="line", points=[[0.5, 0], [0.5, 1]], direction="in")
    async with parts.store.transaction() as session:
        await zones.save_zone(session, line)
