"""The state of a topic, as its events tell each thing; and with every event that follows, the next state."""

from datetime import timedelta

import pytest
from sqlmodel.ext.asyncio.session import AsyncSession
from websockets.asyncio.client import connect

from server.clock import ManualClock
from server.parts import Parts
from server.pipeline import states as states_module
from server.pipeline.states import TopicStates
from server.routes.gate import SocketGate
from server.store.alerts import clear_alert, raise_alert
from server.store.event_log import TableLog
from server.store.paging import AtOnce
from server.store.tables import Job
from server.wire import rfc3339
from tests.events.scenes import Somebody, serving
from tests.events.test_socket import ask, enter
from tests.opened import PASSWORD, client_of
from tests.pipeline.conftest import add_camera, add_kiosk, change
from tests.routes.limited import EVIDENCE, House, build, limited_client

TOPICS = {"cameras": "cameras", "sightings": "sightings", "attendance": "present", "alerts": "alerts", "jobs": "jobs"}


@pytest.fixture
def states(parts: Parts) -> TopicStates:
    return parts.states


@pytest.fixture
async def house(parts: Parts) -> House:
    return await build(parts)


async def state(states: TopicStates, topic: str, who: Somebody | None = None) -> dict[str, dict[str, object]]:
    """The things of a topic by their id."""
    said = await states(topic, who or Somebody())
    assert said is not None
    things = said[TOPICS[topic]]
    assert isinstance(things, list)
    assert said["total"] == len(things)
    return {str(one["entryId" if topic == "attendance" else "id"]): one for one in things}


async def test_as_the_events_tell_it(parts: Parts, states: TopicStates, house: House) -> None:
    """Each thing is what the newest event of it says."""
    log = TableLog(parts.store)
    async with parts.store.transaction() as session:
        await raise_alert(
            session, log, kind="camera_offline", severity="critical", subject=f"cameras/{house.door.id}",
            message="Away.", at=parts.clock.now(),
        )  # fmt: skip
    for topic in ("sightings", "attendance", "alerts"):
        told = {}
        for event in await log.read(topic, 0, 500):
            told[str(event.data["entryId" if topic == "attendance" else "id"])] = event.data
        found = await state(states, topic)
        assert found, topic
        for key, one in found.items():
            differing = {name for name in one if told[key].get(name) != one[name]}
            assert differing <= {"shift", "lateMinutes", "updatedAt"}, (topic, differing)
    assert {one["name"] for one in (await state(states, "cameras")).values()} == {"Door", "Yard"}
    assert await states("system/stats", Somebody()) is None
    assert await states("weather", Somebody()) is None


async def test_which_jobs_are_open(parts: Parts, states: TopicStates, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of others for who may read them alone; the newest, where there are more than are told at once."""
    made = [await parts.jobs.submit(None, "erasure", asked_by=by) for by in ("ada", "bob", None)]
    over = await parts.jobs.submit(None, "audit-export", asked_by="ada")

    async def noted(_session: AsyncSession, _job: Job) -> None:
        """No audit here."""

    await parts.jobs.dismiss(over.id, noted)
    assert set(await state(states, "jobs")) == {one.id for one in made}
    assert set(await state(states, "jobs", Somebody("ada", permissions=[]))) == {made[0].id}
    assert await state(states, "jobs", Somebody("cleo", permissions=[])) == {}
    monkeypatch.setattr(states_module, "MOST", AtOnce(page_size=2))
    said = await states("jobs", Somebody())
    assert said is not None
    assert ([one["id"] for one in said["jobs"]], said["total"]) == (  # type: ignore[attr-defined]
        [made[2].id, made[1].id], 3,
    )  # fmt: skip


async def test_what_a_screen_shows(
    parts: Parts, states: TopicStates, clock: ManualClock, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it was told last, until its deadline or for some seconds; and to nobody what they would not have heard."""
    kiosk = await add_kiosk(parts, house.door)
    topic = f"kiosks/{kiosk.id}"
    night, another = Somebody(only_departments=frozenset({house.night.id})), Somebody(only_cameras=frozenset({"other"}))

    async def shown(who: Somebody | None = None) -> list[object]:
        said = await states(topic, who or Somebody())
        assert said is not None
        return [(one["type"], one["data"].get("hint")) for one in said["shown"]]  # type: ignore[attr-defined]

    assert await shown() == []
    step = {"at": rfc3339(clock.now()), "hint": "turn_left", "deadline": rfc3339(clock.now() + timedelta(seconds=8))}
    await parts.recorder.tell_kiosks(house.door.id, dict(step), clock.now())
    clock.advance(7)
    assert await shown() == await shown(night) == [("kiosk.challenge", "turn_left")]
    assert await shown(another) == []
    clock.advance(1)
    assert await shown() == []
    one = change(house.door, "recognized", clock.now(), house.bob.id)
    await parts.recorder.record(house.door.id, [one], {one.sighting.id: EVIDENCE})
    clock.advance(1)
    assert await shown() == [("kiosk.greeting", "already_recorded")]
    assert await shown(night) == [], "and not what was before it"
    clock.advance(9)
    assert await shown() == []
    monkeypatch.setattr(states_module, "LOOKED_AT", 2)
    for hint in ("turn_left", "turn_right", "look_up"):
        await parts.recorder.tell_kiosks(house.door.id, dict(step) | {"hint": hint, "deadline": None}, clock.now())
    assert await shown() == [("kiosk.challenge", "look_up")], "the newest, though it was told more than is looked at"


async def test_over_the_wire(parts: Parts, house: House) -> None:
    """To whom it may be told: by the socket, for a user, a program, a screen and somebody who is limited."""
    kiosk = await add_kiosk(parts, house.door)
    topic = f"kiosks/{kiosk.id}"
    one = change(house.door, "unknown", parts.clock.now())
    await parts.recorder.record(house.door.id, [one], {one.sighting.id: EVIDENCE})
    screen = (await parts.access.pair((await parts.access.pairing_code(kiosk.id)).code, "")).token
    tokens = {"screen": screen}
    for name in ("Admin", "Viewer"):
        tokens[name] = (await parts.access.login(f"{name.lower()}@example.com", PASSWORD)).access_token
    async with client_of(parts) as admin, limited_client(parts, cameras=[house.yard]) as limited:
        for name, permissions in (("key", ["people:read"]), ("jobs key", ["jobs:read"])):
            made = await admin.post("/api/v1/api-keys", json={"name": name, "permissions": permissions})
            tokens[name] = made.json()["data"]["key"]
        tokens["limited"] = limited.headers["Authorization"].removeprefix("Bearer ")
        owner = (await parts.access.by_token(tokens["Admin"])).id
    job = await parts.jobs.submit(None, "erasure", asked_by=owner)
    found: dict[tuple[str, str], object] = {}
    async with serving(parts.hub, SocketGate(parts.access), snapshots=parts.states) as url:
        for name, token in tokens.items():
            async with connect(url) as client:
                await enter(client, token)
                for number, (asked, key) in enumerate((("jobs", "jobs"), (topic, "shown"))):
                    answer = await ask(client, {"type": "subscribe", "id": number, "topic": asked, "snapshot": True})
                    snapshot = answer.get("snapshot")
                    found[name, key] = [thing["id"] for thing in snapshot[key]] if snapshot else answer["code"]
    shown = [event.id for event in await parts.hub.log.read(topic, 0, 10)]
    assert len(shown) == 1
    assert {name: said for (name, key), said in found.items() if key == "jobs"} == {
        "Admin": [job.id], "Viewer": [], "key": "forbidden", "jobs key": [job.id], "screen": "forbidden",
        "limited": [job.id],
    }  # fmt: skip
    assert {name: said for (name, key), said in found.items() if key == "shown"} == {
        "Admin": shown, "Viewer": shown, "key": "forbidden", "jobs key": "forbidden", "screen": shown,
        "limited": "forbidden",
    }  # fmt: skip


async def test_within_the_limits_of_who_asks(states: TopicStates, house: House) -> None:
    """As the events would be."""
    limited = Somebody(only_cameras=frozenset({house.door.id}), only_departments=frozenset({house.night.id}))
    assert set(await state(states, "cameras", limited)) == {house.door.id}
    seen = (await state(states, "sightings", limited)).values()
    assert {(one["cameraId"], one["personId"]) for one in seen} == {
        (house.door.id, house.ada.id),
        (house.door.id, None),
    }
    nobody = Somebody(only_departments=frozenset())
    assert await state(states, "attendance", nobody) == {}


async def test_the_next_state_is_the_last_one_and_what_happened(
    parts: Parts, states: TopicStates, house: House, clock: ManualClock
) -> None:
    """Applied by id: what was closed or cleared goes, everything else is as its event says."""
    log = TableLog(parts.store)
    alert = {"kind": "camera_offline", "subject": f"cameras/{house.door.id}"}
    async with parts.store.transaction() as session:
        await raise_alert(session, log, **alert, severity="warning", message="Away.", at=clock.now())
    before = {topic: await state(states, topic) for topic in ("sightings", "alerts")}
    heads = {topic: (await log.head(topic)).offset for topic in before}
    clock.advance(timedelta(seconds=5).total_seconds())
    third = await add_camera(parts, "Gate", "in")
    opened = change(third, "unknown", clock.now())
    await parts.recorder.record(third.id, [opened], {opened.sighting.id: EVIDENCE})
    await parts.recorder.record(third.id, [change(third, "closed", clock.now(), like=opened)], {})
    still = change(third, "unknown", clock.now())
    await parts.recorder.record(third.id, [still], {still.sighting.id: EVIDENCE})
    async with parts.store.transaction() as session:
        await clear_alert(session, log, alert["kind"], alert["subject"], clock.now())
        await raise_alert(
            session, log, kind="camera_black", severity="warning", subject=alert["subject"], message="Black.",
            at=clock.now(),
        )  # fmt: skip
    for topic, old in before.items():
        applied = dict(old)
        for event in await log.read(topic, heads[topic], 500):
            key = str(event.data["id"])
            if event.type in ("sighting.closed", "alert.cleared"):
                applied.pop(key, None)
            else:
                applied[key] = event.data
        now = await state(states, topic)
        assert set(applied) == set(now) != set(old)
