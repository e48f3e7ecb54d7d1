"""The law of every topic: what a reader held, and each event that followed applied by replacing, is what they would
read now. Random days with chance of a known seed, through the recorder, the API and the log."""

import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import httpx
import pytest

from server.access.permissions import ALL
from server.clock import ManualClock
from server.events.limits import Reach, reduced, visible
from server.identity.sightings import SightingChange
from server.jobs.kinds import Outcome
from server.jobs.work import HeldWork, Place
from server.parts import Parts
from server.pipeline.attend import entry_event
from server.pipeline.attendance_log import AttendanceLog
from server.store import alerts, jobs
from server.store.tables import Camera, Entry, Job, Person
from server.wire import rfc3339
from tests.events.scenes import Somebody
from tests.opened import client_of
from tests.pipeline.conftest import add_camera, change
from tests.routes.limited import EVIDENCE

State = dict[str, dict[str, object]]
STEPS = 40


def applied(topic: str, state: State, kind: str, data: dict[str, object]) -> State:
    """As any client does it: an event replaces what is held of its subject."""
    if topic == "attendance":
        if kind == "attendance.refused":
            return state
        person_id, present = str(data["personId"]), data["present"]
        others = {key: one for key, one in state.items() if key != person_id}
        return others | {person_id: present} if isinstance(present, dict) else others
    key = str(data["id"])
    over = kind in ("camera.removed", "alert.cleared") or (topic == "sightings" and data["state"] == "closed")
    others = {name: one for name, one in state.items() if name != key}
    return others if over else others | {key: data}


class Reader:
    """Somebody who read a topic once, and follows it."""

    def __init__(self, parts: Parts, topic: str, who: Somebody | None = None) -> None:
        self._parts = parts
        self._topic = topic
        self._who = who or Somebody()
        self._reach = Reach(self._who.only_cameras, self._who.only_departments)
        self._states = parts.states
        self.held: State = {}
        self.at = 0

    async def snapshot(self) -> State:
        said = await self._states(self._topic, self._who)
        assert said is not None
        [things] = [value for value in said.values() if isinstance(value, list)]
        name = "personId" if self._topic == "attendance" else "id"
        return {str(one[name]): one for one in things}

    async def begin(self) -> None:
        self.held, self.at = await self.snapshot(), (await self._parts.hub.log.head(self._topic)).offset

    async def catch_up(self) -> list[str]:
        """Applies what has happened; and holds it against what a new reader would get. The types that there were."""
        kinds = []
        for event in await self._parts.hub.log.read(self._topic, self.at, 500):
            self.at = event.offset
            if visible(self._reach, event.topic, event.source, event.data):
                data = reduced(self._reach, event.topic, event.data) or event.data
                self.held = applied(self._topic, self.held, event.type, data)
                kinds.append(event.type)
        assert self.held == await self.snapshot(), kinds
        return kinds


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


class Day:
    """What happens to entries, by everybody who makes or changes them."""

    def __init__(
        self, parts: Parts, clock: ManualClock, admin: httpx.AsyncClient, doors: list[Camera], people: list[Person],
        chance: random.Random,
    ) -> None:  # fmt: skip
        self._parts, self._clock, self._admin, self._doors, self._people = parts, clock, admin, doors, people
        self._chance = chance
        self._seen: list[SightingChange] = []

    async def step(self) -> None:
        happens: list[Callable[[], Awaitable[None]]] = [
            self._seen_at_a_door, self._seen_at_a_door, self._by_hand, self._changed, self._removed, self._corrected,
        ]  # fmt: skip
        self._clock.advance(self._chance.choice([5, 200, 400]))
        await self._chance.choice(happens)()

    async def _seen_at_a_door(self) -> None:
        door = self._chance.choice(self._doors)
        seen = change(door, "recognized", self._clock.now(), self._chance.choice(self._people).id)
        await self._parts.recorder.record(door.id, [seen], {seen.sighting.id: EVIDENCE})
        self._seen.append(seen)

    async def _by_hand(self) -> None:
        form = {
            "personId": self._chance.choice(self._people).id, "at": rfc3339(self._some_time()),
            "direction": self._chance.choice(["in", "out"]), "reason": "Forgot.",
        }  # fmt: skip
        assert (await self._admin.post("/api/v1/attendance/entries", json=form)).status_code in (201, 409)

    async def _changed(self) -> None:
        if (entry := await self._some_entry()) is None:
            return
        wishes = [
            {"at": rfc3339(self._some_time())}, {"direction": self._chance.choice(["in", "out"])},
            {"personId": self._chance.choice(self._people).id},
        ]  # fmt: skip
        form = self._chance.choice(wishes) | {"reason": "It was another."}
        answer = await self._admin.patch(f"/api/v1/attendance/entries/{entry}", json=form)
        assert answer.status_code in (200, 409, 422), answer.text

    async def _removed(self) -> None:
        if (entry := await self._some_entry()) is not None:
            answer = await self._admin.request(
                "DELETE", f"/api/v1/attendance/entries/{entry}", json={"reason": "It never was."}
            )
            assert answer.status_code in (200, 204), answer.text

    async def _corrected(self) -> None:
        if self._seen:
            to = self._chance.choice([*(one.id for one in self._people), None])
            await self._parts.recorder.correct(self._chance.choice(self._seen).sighting.id, to)

    async def _some_entry(self) -> str | None:
        listed = (await self._admin.get("/api/v1/attendance/entries", params={"pageSize": 200})).json()["data"]
        return str(self._chance.choice(listed)["id"]) if listed else None

    def _some_time(self) -> datetime:
        """Today, up to now."""
        now = self._clock.now()
        return now - timedelta(seconds=self._chance.randrange(int((now - self._parts.midnight()).total_seconds())))


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_who_is_in(parts: Parts, clock: ManualClock, people: list[Person], seed: int) -> None:
    """Whatever is seen, entered by hand, corrected, moved to somebody else or removed, early or late; for readers of
    all and for those who are limited to a department."""
    chance = random.Random(seed)
    doors = [await add_camera(parts, name, role) for name, role in (("In", "in"), ("Out", "out"), ("Both", "both"))]
    everybody = Reader(parts, "attendance")
    nobody = Reader(parts, "attendance", Somebody(only_departments=frozenset({"another"})))
    kinds: set[str] = set()
    async with program(parts) as admin:
        day = Day(parts, clock, admin, doors, people, chance)
        for _ in range(5):
            await day.step()
        await everybody.begin()
        await nobody.begin()
        for _ in range(STEPS):
            await day.step()
            kinds |= set(await everybody.catch_up())
            assert await nobody.catch_up() == []
    assert kinds == {"attendance.checked_in", "attendance.checked_out", "attendance.corrected"}


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


@pytest.mark.parametrize("seed", [1, 2])
async def test_which_sightings_are_open(
    parts: Parts, clock: ManualClock, people: list[Person], camera: Camera, seed: int
) -> None:
    """Known, unknown, over, and said to be somebody else, while they last and later."""
    chance = random.Random(seed)
    reader = Reader(parts, "sightings")
    await reader.begin()
    going: list[SightingChange] = []
    kinds: set[str] = set()
    for _ in range(STEPS):
        clock.advance(chance.choice([1, 60, 400]))
        match chance.choice(["recognized", "unknown", "closed", "corrected"]) if going else "unknown":
            case "closed":
                one = going.pop(chance.randrange(len(going)))
                over = change(camera, "closed", clock.now(), one.sighting.person_id, like=one)
                await parts.recorder.record(camera.id, [over], {})
            case "corrected":
                await parts.recorder.correct(chance.choice(going).sighting.id, chance.choice(people).id)
            case "recognized" | "unknown" as kind:
                who = chance.choice(people).id if kind == "recognized" else None
                one = change(camera, "recognized" if who else "unknown", clock.now(), who)
                await parts.recorder.record(camera.id, [one], {one.sighting.id: EVIDENCE})
                going.append(one)
        kinds |= set(await reader.catch_up())
    assert kinds == {"sighting.recognized", "sighting.unknown", "sighting.closed", "sighting.corrected"}


async def test_which_cameras_there_are(parts: Parts) -> None:
    """Added, edited, switched on and off, removed."""
    reader = Reader(parts, "cameras")
    await reader.begin()
    form = {"name": "Door", "source": "rtsp://10.9.9.9/a", "kind": "rtsp", "role": "in", "enabled": False}
    kinds: list[str] = []
    async with program(parts) as admin:
        made = (await admin.post("/api/v1/cameras", json=form)).json()["data"]
        kinds += await reader.catch_up()
        url = f"/api/v1/cameras/{made['id']}"
        for method, path in (("PUT", url), ("POST", f"{url}/start"), ("POST", f"{url}/stop"), ("DELETE", url)):
            body = form | {"name": "Front door", "role": "both"} if method == "PUT" else None
            assert (await admin.request(method, path, json=body)).status_code in (200, 204)
            kinds += await reader.catch_up()
    assert kinds == ["camera.added", *["camera.changed"] * 3, "camera.removed"]
    assert reader.held == {}


@pytest.mark.parametrize("seed", [1, 2])
async def test_which_alerts_are_not_over(parts: Parts, clock: ManualClock, seed: int) -> None:
    """Raised, happened again with other words, become worse, looked at, over, and forgotten."""
    chance = random.Random(seed)
    log = AttendanceLog(parts.store, parts.runtime, clock)
    reader = Reader(parts, "alerts")
    await reader.begin()
    async with program(parts) as admin:
        for number in range(STEPS):
            clock.advance(60)
            subject = f"cameras/{chance.choice('ab')}"
            match chance.choice(["raise", "raise", "raise", "look", "clear", "forget"]):
                case "raise":
                    async with parts.store.transaction() as session:
                        await alerts.raise_alert(
                            session, log, kind="camera_offline", severity=chance.choice(["warning", "critical"]),
                            subject=subject, message=f"Away, {number}.", at=clock.now(),
                        )  # fmt: skip
                case "clear":
                    async with parts.store.transaction() as session:
                        await alerts.clear_alert(session, log, "camera_offline", subject, clock.now())
                case "look":
                    for one in reader.held:
                        assert (await admin.post(f"/api/v1/alerts/{one}/acknowledge")).status_code == 200
                case "forget":
                    async with parts.store.transaction() as session:
                        await alerts.forget_finished(session, clock.now(), log, clock.now())
            await reader.catch_up()


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


async def test_how_far_jobs_are(parts: Parts, clock: ManualClock) -> None:
    """Each event is the job as it is stored then: goes on, done, failed."""
    place = Place(parts.store, AttendanceLog(parts.store, parts.runtime, clock), parts.hub, parts.objects, clock)
    held: State = {}
    kinds: list[str] = []
    for ending in ("done", "failed"):
        async with parts.store.transaction() as session:
            job = await jobs.add(session, Job(kind="work", state="queued", run_at=clock.now(), arguments={}))
        async with parts.store.transaction() as session:
            row = await jobs.take(session, job.id, ("work",), "a", clock.now(), timedelta(seconds=300))
        assert row is not None
        work = HeldWork(place, row, "a")
        steps = [
            work.progress(1, 3),
            work.progress(2, 3),
            work.finish(Outcome({})) if ending == "done" else work.fail("No."),
        ]
        for step in steps:
            clock.advance(5)
            await step
            for event in await parts.hub.log.read("jobs", len(kinds), 100):
                kinds.append(event.type)
                held = applied("jobs", held, event.type, event.data)
            async with parts.store.read() as session:
                stored = await jobs.get(session, job.id)
            url = f"/api/v1/jobs/{job.id}" if stored.state == "done" else None
            assert held[job.id] == jobs.job_event(stored, kinds[-1], clock.now(), url).data
    assert kinds == [*["job.progress"] * 2, "job.done", *["job.progress"] * 2, "job.failed"]
