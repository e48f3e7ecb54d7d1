"""server/pipeline/alarms.py: somebody is told when a camera is away for long, and when it is back."""

from collections.abc import Awaitable, Callable

import pytest

from server.clock import ManualClock
from server.events.schema import NewEvent
from server.media.reasons import reason_text
from server.parts import Parts
from server.pipeline.alarms import CameraAlarms
from server.store import alerts, cameras
from server.store.paging import Page
from server.store.tables import Camera
from server.store.views import CameraStatus
from tests.pipeline.conftest import add_camera, events_of

Check = Callable[[float], Awaitable[None]]


class States:
    """The cameras of a server, each as the test has it."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self.now: dict[str, tuple[str, str | None]] = {}

    def status(self, camera: Camera) -> CameraStatus:
        state, reason = self.now[camera.id]
        explanation = reason_text(reason) if reason else None
        return CameraStatus(state=state, reason=reason, explanation=explanation, since=self._parts.clock.now())

    def event(self, camera: Camera, kind: str) -> NewEvent:
        return self._parts.cameras.event(camera, kind)


@pytest.fixture
def states(parts: Parts) -> States:
    return States(parts)


@pytest.fixture
def check(parts: Parts, states: States, clock: ManualClock) -> Check:
    """So many seconds later."""
    alarms = CameraAlarms(parts.store, parts.recorder, states, clock, after_s=60)

    async def later(seconds: float) -> None:
        clock.advance(seconds)
        await alarms.check()

    return later


async def told(parts: Parts) -> list[tuple[str, str]]:
    """The events of the topic alerts, by type and kind."""
    found = await events_of(parts, "alerts")
    return [(kind.removeprefix("alert."), str(data["kind"])) for kind, data in found]


async def test_after_the_grace_and_once(parts: Parts, states: States, check: Check) -> None:
    """Not before it is over, not twice, with the reason in words; cleared when the camera is back."""
    camera = await add_camera(parts, "Entrance", "in")
    states.now[camera.id] = ("offline", "refused")
    await check(0)
    await check(59)
    assert await told(parts) == []
    states.now[camera.id] = ("stalled", "stalled")  # still away, whatever it is called
    for _ in range(3):
        await check(1)
    assert await told(parts) == [("raised", "camera_offline")]
    async with parts.store.read() as session:
        (alert,) = (await alerts.page(session, Page(), state="open")).rows
    assert alert.subject == f"cameras/{camera.id}"
    assert alert.message.startswith("Entrance has been offline since")
    assert reason_text("stalled") in alert.message
    states.now[camera.id] = ("online", None)
    await check(1)
    assert await told(parts) == [("raised", "camera_offline"), ("cleared", "camera_offline")]


async def test_a_camera_that_comes_back_in_time_is_no_alert(parts: Parts, states: States, check: Check) -> None:
    """Each time away counts for itself."""
    camera = await add_camera(parts, "Entrance", "in")
    for _ in range(5):
        states.now[camera.id] = ("offline", "ended")
        await check(1)
        await check(50)
        states.now[camera.id] = ("online", None)
        await check(1)
    assert await told(parts) == []


@pytest.mark.parametrize("reason", ["frozen", "black"])
async def test_a_picture_that_shows_nothing(parts: Parts, states: States, check: Check, reason: str) -> None:
    """News at once, an alert after the grace, and both again when it is over."""
    camera = await add_camera(parts, "Entrance", "in")
    states.now[camera.id] = ("online", reason)
    await check(0)
    assert [kind for kind, _ in await events_of(parts, "cameras")] == ["camera.changed"]
    await check(60)
    assert await told(parts) == [("raised", f"camera_{reason}")]
    states.now[camera.id] = ("online", None)
    await check(1)
    assert [kind for kind, _ in await events_of(parts, "cameras")] == ["camera.changed"] * 2
    assert await told(parts) == [("raised", f"camera_{reason}"), ("cleared", f"camera_{reason}")]


async def test_who_is_switched_off_or_removed_is_not_away(parts: Parts, states: States, check: Check) -> None:
    """Its alert is cleared."""
    off, gone = await add_camera(parts, "Off", "in"), await add_camera(parts, "Gone", "in")
    for camera in (off, gone):
        states.now[camera.id] = ("offline", "refused")
    await check(0)
    await check(60)
    assert len(await told(parts)) == 2
    states.now[off.id] = ("disabled", None)
    async with parts.store.transaction() as session:
        await cameras.remove(session, await cameras.get(session, gone.id))
    await check(1)
    async with parts.store.read() as session:
        assert (await alerts.page(session, Page(), state="open")).total == 0


async def test_alerts_of_before_a_restart(parts: Parts, states: States, check: Check, clock: ManualClock) -> None:
    """A server that starts clears what is over, and raises nothing twice."""
    camera = await add_camera(parts, "Entrance", "in")
    states.now[camera.id] = ("offline", "refused")
    await check(0)
    await check(60)
    again = CameraAlarms(parts.store, parts.recorder, states, clock, after_s=60)
    await again.check()
    clock.advance(60)
    await again.check()
    assert await told(parts) == [("raised", "camera_offline")]
    states.now[camera.id] = ("online", None)
    once_more = CameraAlarms(parts.store, parts.recorder, states, clock, after_s=60)
    await once_more.check()
    assert await told(parts) == [("raised", "camera_offline"), ("cleared", "camera_offline")]
