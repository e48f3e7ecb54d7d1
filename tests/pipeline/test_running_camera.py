"""What happens when a camera stops: what it has left is written; tests/pipeline/test_placement.py runs whole ones."""

import asyncio
from collections.abc import Sequence

import pytest
from structlog.testing import capture_logs

from server.clock import ManualClock
from server.identity.sightings import SightingChange
from server.media.source import SourceSpec
from server.media.status import CameraState, StreamStatus
from server.media.stream import Stream
from server.parts import Parts
from server.pipeline import running_camera
from server.pipeline.annotate import Annotator
from server.pipeline.in_order import InOrder
from server.pipeline.live import Live
from server.pipeline.motion import Motion
from server.pipeline.record import Recorded
from server.pipeline.running_camera import RunningCamera, told
from server.pipeline.stills import Stills
from server.pipeline.zoning import Zoning
from server.store.tables import Camera
from tests.pipeline.conftest import change
from tests.pipeline.test_camera import loop_of

FRAMES = 10


async def stopped(
    parts: Parts, camera: Camera, monkeypatch: pytest.MonkeyPatch, takes_s: float, longest_s: float, alone: bool = False
) -> tuple[int, list[object]]:
    """How much is written of a camera that stops when the database is back, and how much was given up."""
    monkeypatch.setattr(running_camera, "WITHIN_S", 0.3)
    monkeypatch.setattr(running_camera, "LONGEST_S", longest_s)
    written = 0

    async def record(_self: object, _camera_id: str, changes: Sequence[SightingChange], _: object) -> Recorded:
        nonlocal written
        await asyncio.sleep(takes_s)
        written += 1
        return Recorded([], [])

    monkeypatch.setattr(type(parts.recorder), "record", record)
    in_order, zoning = InOrder(), Zoning()
    stream = Stream(SourceSpec(camera.id, "file", camera.source), rules=parts.address_rules, clock=parts.clock)
    loop = loop_of(parts, camera, in_order=in_order)
    live = Live(camera.id, stream, Annotator(Motion(), zoning), zoning)
    running = RunningCamera(camera, stream, None, loop, live, Stills(stream, zoning), zoning)
    with capture_logs() as lines:
        async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
            task = tasks.create_task(running.look_after(in_order))
            await asyncio.sleep(0)
            for _ in range(FRAMES):
                await loop._backlog.add([change(camera, "unknown", parts.clock.now())], {})
            running.stops_alone = alone
            task.cancel()
    return written, [line["frames"] for line in lines if line["event"] == "never_recorded"]


async def test_what_waits_is_written_as_long_as_it_becomes_less(
    parts: Parts, camera: Camera, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where all of it takes longer than one that does not come is waited for."""
    assert await stopped(parts, camera, monkeypatch, 0.08, 10) == (FRAMES, [])
    assert await stopped(parts, camera, monkeypatch, 0.08, 0.35, alone=True) == (FRAMES, [])


@pytest.mark.parametrize(("takes_s", "longest_s"), [(60, 10), (0.1, 0.35)])
async def test_a_stop_ends_all_the_same(
    parts: Parts, camera: Camera, monkeypatch: pytest.MonkeyPatch, takes_s: float, longest_s: float
) -> None:
    """Where nothing is written, and where it lasts too long. How much was lost is in the log."""
    written, lost = await stopped(parts, camera, monkeypatch, takes_s, longest_s)
    assert written < FRAMES
    assert lost == [FRAMES - written]


def test_what_is_said_of_a_stream(clock: ManualClock) -> None:
    """Its state with the reason in words, and figures that are rounded."""
    status = told(StreamStatus(CameraState.stalled, "stalled", clock.now()), None)
    assert (status.state, status.latency_ms) == ("stalled", 0.0)
    assert status.explanation
