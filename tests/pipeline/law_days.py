"""Random days for the law: of a stored topic, whatever makes its events, through the recorder, the API and the log."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import httpx

from server.clock import ManualClock
from server.identity.liveness import Liveness
from server.identity.sightings import SightingChange
from server.parts import Parts
from server.pipeline.attendance_log import AttendanceLog
from server.store import alerts
from server.store.tables import Camera, Kiosk, Person
from server.wire import rfc3339
from tests.events.scenes import Somebody
from tests.media.films import published
from tests.pipeline.conftest import add_camera, add_kiosk, change
from tests.pipeline.test_admission import guarded, shown
from tests.routes.limited import EVIDENCE

STEPS = 40
SOON_S = 10.0


@dataclass
class World:
    """What every day needs."""

    parts: Parts
    clock: ManualClock
    admin: httpx.AsyncClient
    chance: random.Random
    people: Sequence[Person]
    stack: AsyncExitStack  # what ends with the day

    async def record(self, camera: Camera, one: SightingChange) -> SightingChange:
        await self.parts.recorder.record(camera.id, [one], {one.sighting.id: EVIDENCE})
        return one

    async def ask(self, method: str, path: str, body: object = None, *also: int) -> httpx.Response:
        answer = await self.admin.request(method, f"/api/v1/{path}", json=body)
        assert answer.status_code in (200, 201, 204, *also), answer.text
        return answer


@dataclass
class Day:
    """A topic's: who follows it, and what may happen."""

    world: World
    topic: str = ""
    readers: dict[str, Somebody] = field(default_factory=dict)  # besides the one who hears of everything
    steps: int = STEPS
    patience_s: float = 0.0

    async def begin(self) -> None:
        """What is there in the morning."""

    def happenings(self) -> list[Callable[[], Awaitable[object]]]:
        """One of them in each step."""
        raise NotImplementedError

    async def step(self) -> None:
        await self.world.chance.choice(self.happenings())()


class Attendance(Day):
    """Seen, entered by hand, corrected, moved to somebody else, removed, early or late; and refused as a picture."""

    async def begin(self) -> None:
        parts = self.world.parts
        self.doors = [
            await add_camera(parts, name, role) for name, role in (("In", "in"), ("Out", "out"), ("Both", "both"))
        ]
        self.gate = await guarded(parts, "refuse")
        self.seen: list[SightingChange] = []
        self.topic = "attendance"
        self.readers = {"of another department": Somebody(only_departments=frozenset({"another"}))}

    def happenings(self) -> list[Callable[[], Awaitable[object]]]:
        self.world.clock.advance(self.world.chance.choice([5, 200, 400]))
        return [
            self._seen_at_a_door, self._seen_at_a_door, self._by_hand, self._changed, self._removed, self._corrected,
            self._refused,
        ]  # fmt: skip

    async def _seen_at_a_door(self) -> None:
        world = self.world
        door = world.chance.choice(self.doors)
        one = change(door, "recognized", world.clock.now(), world.chance.choice(world.people).id)
        self.seen.append(await world.record(door, one))

    async def _refused(self) -> None:
        world = self.world
        first = change(self.gate, "recognized", world.clock.now(), world.chance.choice(world.people).id)
        await world.record(self.gate, first)
        await world.parts.recorder.record(self.gate.id, [shown(first, Liveness.FLAT, world.clock.now())], {})

    async def _by_hand(self) -> None:
        form = {
            "personId": self.world.chance.choice(self.world.people).id, "at": rfc3339(self._some_time()),
            "direction": self.world.chance.choice(["in", "out"]), "reason": "Forgot.",
        }  # fmt: skip
        await self.world.ask("POST", "attendance/entries", form, 409)

    async def _changed(self) -> None:
        chance = self.world.chance
        if (entry := await self._some_entry()) is None:
            return
        wishes = [
            {"at": rfc3339(self._some_time())}, {"direction": chance.choice(["in", "out"])},
            {"personId": chance.choice(self.world.people).id},
        ]  # fmt: skip
        form = chance.choice(wishes) | {"reason": "It was another."}
        await self.world.ask("PATCH", f"attendance/entries/{entry}", form, 409, 422)

    async def _removed(self) -> None:
        if (entry := await self._some_entry()) is not None:
            await self.world.ask("DELETE", f"attendance/entries/{entry}", {"reason": "It never was."})

    async def _corrected(self) -> None:
        if self.seen:
            to = self.world.chance.choice([*(one.id for one in self.world.people), None])
            await self.world.parts.recorder.correct(self.world.chance.choice(self.seen).sighting.id, to)

    async def _some_entry(self) -> str | None:
        listed = (await self.world.ask("GET", "attendance/entries?pageSize=200")).json()["data"]
        return str(self.world.chance.choice(listed)["id"]) if listed else None

    def _some_time(self) -> datetime:
        """Today, up to now."""
        now = self.world.clock.now()
        since_midnight_s = int((now - self.world.parts.midnight()).total_seconds())
        return now - timedelta(seconds=self.world.chance.randrange(since_midnight_s))


class Sightings(Day):
    """Known, unknown, over, and said to be somebody else, while they last and later."""

    async def begin(self) -> None:
        self.cameras = [await add_camera(self.world.parts, name, "in") for name in ("Door", "Yard")]
        self.going: list[tuple[Camera, SightingChange]] = []
        self.topic = "sightings"
        self.readers = {"of one camera": Somebody(only_cameras=frozenset({self.cameras[0].id}))}

    def happenings(self) -> list[Callable[[], Awaitable[object]]]:
        self.world.clock.advance(self.world.chance.choice([1, 60, 400]))
        return [self._seen, self._seen, self._closed, self._corrected] if self.going else [self._seen]

    async def _seen(self) -> None:
        world = self.world
        camera, who = world.chance.choice(self.cameras), world.chance.choice([*world.people, None])
        one = change(camera, "recognized" if who else "unknown", world.clock.now(), who.id if who else None)
        self.going.append((camera, await world.record(camera, one)))

    async def _closed(self) -> None:
        camera, one = self.going.pop(self.world.chance.randrange(len(self.going)))
        over = change(camera, "closed", self.world.clock.now(), one.sighting.person_id, like=one)
        await self.world.parts.recorder.record(camera.id, [over], {})

    async def _corrected(self) -> None:
        _, one = self.world.chance.choice(self.going)
        await self.world.parts.recorder.correct(one.sighting.id, self.world.chance.choice(self.world.people).id)


class Cameras(Day):
    """Added, edited, switched on and off, published to and left, removed: with streams that run."""

    async def begin(self) -> None:
        self.film = published("h264", 3)
        self.there: dict[str, bool] = {}  # whether it is switched on
        self.publishing: dict[str, AsyncExitStack] = {}
        self.topic, self.steps, self.patience_s = "cameras", 25, SOON_S
        tasks = await self.world.stack.enter_async_context(asyncio.TaskGroup())
        running = tasks.create_task(self.world.parts.cameras.run())
        self.world.stack.callback(running.cancel)
        self.world.stack.push_async_callback(self._all_leave)
        for _ in range(2):
            await self._added()
        self.readers = {"of one camera": Somebody(only_cameras=frozenset(list(self.there)[:1]))}

    def happenings(self) -> list[Callable[[], Awaitable[object]]]:
        self.world.clock.advance(1)
        return [self._added, self._edited, self._switched, self._published, self._published, self._left, self._removed]

    async def _added(self) -> None:
        on = self.world.chance.choice([True, False])
        form = {
            "name": f"Door {self.world.chance.random()}", "source": "", "kind": "push", "role": "in", "enabled": on,
        }  # fmt: skip
        made = (await self.world.ask("POST", "cameras", form)).json()["data"]
        self.there[made["id"]] = on
        await self._until(made["id"], "offline" if on else "disabled")

    async def _edited(self) -> None:
        if self.there:
            camera = self._one()
            await self.world.ask("PUT", f"cameras/{camera}", {"name": f"Gate {self.world.chance.random()}"})

    async def _switched(self) -> None:
        if self.there:
            camera = self._one()
            on = self.there[camera] = not self.there[camera]
            await self.world.ask("POST", f"cameras/{camera}/{'start' if on else 'stop'}")
            await self._leave(camera)
            await self._until(camera, "offline" if on else "disabled")

    async def _published(self) -> None:
        """A browser's video arrives."""
        idle = [one for one, on in self.there.items() if on and one not in self.publishing]
        if not idle:
            return
        camera = self.world.chance.choice(idle)
        stack = self.publishing[camera] = AsyncExitStack()
        publication = stack.enter_context(self.world.parts.cameras.pushed(camera).publisher("h264", lambda: None))
        for at, data in enumerate(self.film):
            publication.put(data, at * 3600)
        await self._until(camera, "online")

    async def _left(self) -> None:
        if self.publishing:
            camera = self.world.chance.choice(list(self.publishing))
            await self._leave(camera)
            await self._until(camera, "offline")

    async def _removed(self) -> None:
        if len(self.there) > 2:
            camera = self._one()
            await self.world.ask("DELETE", f"cameras/{camera}")
            await self._leave(camera)
            del self.there[camera]

    async def _leave(self, camera: str) -> None:
        if camera in self.publishing:
            await self.publishing.pop(camera).aclose()

    async def _all_leave(self) -> None:
        for camera in list(self.publishing):
            await self._leave(camera)

    def _one(self) -> str:
        return self.world.chance.choice(list(self.there))

    async def _until(self, camera: str, state: str) -> None:
        async with asyncio.timeout(SOON_S):
            while True:
                if (await self.world.ask("GET", f"cameras/{camera}/status")).json()["data"]["state"] == state:
                    return
                await asyncio.sleep(0.01)


class Alerts(Day):
    """Raised, happened again with other words, become worse, looked at, over, and forgotten."""

    async def begin(self) -> None:
        self.log = AttendanceLog(self.world.parts.store, self.world.parts.runtime, self.world.clock)
        self.topic = "alerts"
        self.readers = {"of one camera": Somebody(only_cameras=frozenset({"a"}))}

    def happenings(self) -> list[Callable[[], Awaitable[object]]]:
        self.world.clock.advance(60)
        return [self._raised, self._raised, self._raised, self._looked_at, self._cleared, self._forgotten]

    def _subject(self) -> str:
        return f"cameras/{self.world.chance.choice('ab')}"

    async def _raised(self) -> None:
        severities: list[alerts.Severity] = ["warning", "critical"]
        severity = self.world.chance.choice(severities)
        async with self.world.parts.store.transaction() as session:
            await alerts.raise_alert(
                session, self.log, kind="camera_offline", severity=severity, subject=self._subject(),
                message=f"Away, {self.world.chance.random()}.", at=self.world.clock.now(),
            )  # fmt: skip

    async def _cleared(self) -> None:
        async with self.world.parts.store.transaction() as session:
            await alerts.clear_alert(session, self.log, "camera_offline", self._subject(), self.world.clock.now())

    async def _looked_at(self) -> None:
        for one in (await self.world.ask("GET", "alerts?state=open")).json()["data"]:
            await self.world.ask("POST", f"alerts/{one['id']}/acknowledge")

    async def _forgotten(self) -> None:
        now = self.world.clock.now()
        async with self.world.parts.store.transaction() as session:
            await alerts.forget_finished(session, now, self.log, now)


class KioskScreen(Day):
    """Greeted, not known, asked for something until a moment; and time that passes over it."""

    async def begin(self) -> None:
        parts = self.world.parts
        self.door, self.yard = await add_camera(parts, "Door", "in"), await add_camera(parts, "Yard", "in")
        kiosk: Kiosk = await add_kiosk(parts, self.door, self.yard)
        self.topic = f"kiosks/{kiosk.id}"
        self.readers = {
            "of its cameras": Somebody(only_cameras=frozenset({self.door.id, self.yard.id})),
            "of no department": Somebody(only_departments=frozenset({"another"})),
        }

    def happenings(self) -> list[Callable[[], Awaitable[object]]]:
        self.world.clock.advance(self.world.chance.choice([0.5, 1, 4, 9, 12]))
        return [self._greeted, self._unknown, self._asked, self._nothing]

    async def _greeted(self) -> None:
        await self._seen(self.world.chance.choice(self.world.people).id)

    async def _unknown(self) -> None:
        await self._seen(None)

    async def _seen(self, who: str | None) -> None:
        camera = self.world.chance.choice([self.door, self.yard])
        await self.world.record(camera, change(camera, "recognized" if who else "unknown", self.world.clock.now(), who))

    async def _asked(self) -> None:
        """As server/pipeline/challenges.py says it: a step with its deadline, or how it went."""
        now = self.world.clock.now()
        step = {"hint": "turn_left", "step": 1, "of": 3, "deadline": rfc3339(now + timedelta(seconds=8))}
        data: dict[str, object] = {"at": rfc3339(now), **self.world.chance.choice([step, {"hint": "try_again"}])}
        await self.world.parts.recorder.tell_kiosks(self.door.id, data, now)

    async def _nothing(self) -> None:
        """Nobody comes."""
