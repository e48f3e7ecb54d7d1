"""The law of every stored topic: what a reader held, and each event that followed applied by replacing, is what they
would read now. Random days with chance of a known seed, through the recorder, the API and the log."""

import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta

import httpx
import pytest

from server.access.permissions import ALL
from server.clock import ManualClock
from server.events.topics import TOPIC_KINDS, TopicKind
from server.parts import Parts
from server.pipeline.attend import entry_event
from server.pipeline.attendance_log import AttendanceLog
from server.store.tables import Entry, Person
from server.wire import rfc3339
from tests.events.scenes import Somebody
from tests.opened import client_of
from tests.pipeline.conftest import add_camera, change
from tests.pipeline.law import Reader
from tests.pipeline.law_days import Alerts, Attendance, Cameras, Day, KioskScreen, Sightings, World
from tests.pipeline.law_jobs import JobsDay
from tests.routes.limited import EVIDENCE

DAYS: dict[str, type[Day]] = {
    "sightings": Sightings,
    "attendance": Attendance,
    "cameras": Cameras,
    "alerts": Alerts,
    "jobs": JobsDay,
    "kiosks/{id}": KioskScreen,
}
EARLY = 5  # what has happened before anybody looks


@asynccontextmanager
async def program(parts: Parts) -> AsyncIterator[httpx.AsyncClient]:
    """With a key of an Admin's, which does not run out while the clock is wound on."""
    async with client_of(parts) as client:
        form = {"name": "Law", "permissions": sorted(ALL)}
        made = await client.post("/api/v1/api-keys", json=form)
        assert made.status_code == 201, made.text
        client.headers["Authorization"] = f"Bearer {made.json()['data']['key']}"
        yield client


@pytest.fixture
async def people(parts: Parts) -> list[Person]:
    rows = [Person(full_name=name) for name in ("Ada", "Bob", "Cleo")]
    async with parts.store.transaction() as session:
        session.add_all(rows)
    return rows


def test_no_topic_is_above_the_law() -> None:
    """Whoever adds one that is stored says how it is held, and lets a day of it pass."""
    assert set(DAYS) == {kind.address for kind in TOPIC_KINDS if kind.durable}


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("kind", [kind for kind in TOPIC_KINDS if kind.durable], ids=lambda kind: kind.address)
async def test_the_old_state_and_what_happened_is_the_new_state(
    parts: Parts, clock: ManualClock, people: list[Person], kind: TopicKind, seed: int
) -> None:
    """After each step of a random day, for readers of all and for those who are limited; and every type of event that
    there is on the topic has happened."""
    heard: set[str] = set()
    async with program(parts) as admin, AsyncExitStack() as stack:
        day = DAYS[kind.address](World(parts, clock, admin, random.Random(seed), people, stack))
        await day.begin()
        readers = {"everybody": Reader(parts, day.topic, patience_s=day.patience_s)}
        readers |= {name: Reader(parts, day.topic, who, patience_s=day.patience_s) for name, who in day.readers.items()}
        for _ in range(EARLY):
            await day.step()
        for reader in readers.values():
            await reader.begin()
        for _ in range(day.steps):
            await day.step()
            for reader in readers.values():
                heard |= set(await reader.catch_up())
    assert heard == set(kind.event_types)


async def test_a_night_that_is_not_over(parts: Parts, clock: ManualClock, people: list[Person]) -> None:
    """Somebody who came before midnight and is in by the rules is, also after a correction of something else."""
    reader = Reader(parts, "attendance")
    await reader.begin()
    came = parts.midnight() - timedelta(hours=3)
    async with program(parts) as admin:
        for at, direction in ((came, "in"), (came - timedelta(hours=1), "out")):
            form = {"personId": people[0].id, "at": rfc3339(at), "direction": direction, "reason": "Late news."}
            assert (await admin.post("/api/v1/attendance/entries", json=form)).status_code == 201
            await reader.catch_up()
    assert set(reader.held) == {people[0].id}


async def test_an_entry_out_of_reach_is_not_told_beside_another(
    parts: Parts, clock: ManualClock, people: list[Person]
) -> None:
    """Whoever is limited to one camera does not learn by a correction there that somebody is in by another."""
    door, yard = await add_camera(parts, "Door", "in"), await add_camera(parts, "Yard", "in")
    made = {}
    for camera in (door, yard):
        seen = change(camera, "recognized", clock.now(), people[0].id)
        [entry] = (await parts.recorder.record(camera.id, [seen], {seen.sighting.id: EVIDENCE})).entries
        made[camera.id] = entry.id
        clock.advance(600)
    limited = Reader(parts, "attendance", Somebody(only_cameras=frozenset({door.id})))
    everybody = Reader(parts, "attendance")
    await limited.begin()
    await everybody.begin()
    async with program(parts) as admin:
        url = f"/api/v1/attendance/entries/{made[door.id]}"
        answer = await admin.patch(url, json={"direction": "out", "reason": "They left."})
        assert answer.status_code == 200, answer.text
    assert await limited.catch_up() == ["attendance.corrected"]
    assert await everybody.catch_up() == ["attendance.corrected"]
    assert (limited.held, set(everybody.held)) == ({}, {people[0].id})


async def test_two_entries_at_the_same_moment_know_of_each_other(parts: Parts, clock: ManualClock) -> None:
    """The later event of two in one transaction, and of one after the other, says what holds."""
    person = Person(full_name="Ada")
    log = AttendanceLog(parts.store, parts.runtime, clock)
    reader = Reader(parts, "attendance")
    await reader.begin()
    async with parts.store.transaction() as session:
        session.add(person)
        await session.flush()
        rows = [
            Entry(person_id=person.id, at=clock.now() + timedelta(seconds=number), direction=way, origin="manual")
            for number, way in enumerate(("in", "out", "in"))
        ]
        session.add_all(rows)
        await session.flush()
        stored = await log.append(session, [entry_event(row, person, None, clock.now()) for row in rows])
    assert {one.data["present"]["entryId"] for one in stored} == {rows[2].id}  # type: ignore[index]
    assert len(await reader.catch_up()) == 3
