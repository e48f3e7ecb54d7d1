"""The state of a topic, as its events tell each thing; and with every event that follows, the next state."""

from datetime import timedelta

import pytest

from server.clock import ManualClock
from server.parts import Parts
from server.pipeline.states import TopicStates
from server.store.alerts import clear_alert, raise_alert
from server.store.event_log import TableLog
from tests.events.scenes import Somebody
from tests.pipeline.conftest import add_camera, change
from tests.routes.limited import EVIDENCE, House, build

TOPICS = {"cameras": "cameras", "sightings": "sightings", "attendance": "present", "alerts": "alerts"}


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
    assert await states("jobs", Somebody()) is None


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
