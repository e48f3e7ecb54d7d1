"""The loop of one camera: its budget, and what it does when the database is away."""

import asyncio
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from sqlalchemy.exc import OperationalError

from server.clock import ManualClock
from server.demo.clips import enrolment_photo
from server.demo.pictures import astronaut, read_picture
from server.identity.resolver import Resolver
from server.media.frame import Frame
from server.media.source import SourceSpec
from server.media.stream import Stream
from server.parts import Parts
from server.pipeline.analyse import Analyser
from server.pipeline.camera import Budget, CameraLoop
from server.pipeline.motion import Motion
from server.store.tables import Camera, Person
from server.vision.quality import QualityLimits
from server.vision.tracker import Tracker
from tests.opened import models
from tests.pipeline.conftest import events_of
from tests.pipeline.test_analyse import Straight, scene


def loop_of(parts: Parts, camera: Camera) -> CameraLoop:
    spec = SourceSpec(camera.id, "file", camera.source)
    stream = Stream(spec, rules=parts.address_rules, clock=parts.clock)
    resolver = Resolver(camera.id, "mobilefacenet@1")
    analyser = Analyser(Straight(), Tracker(), resolver, parts.roster, QualityLimits(), models().embedder.align)
    return CameraLoop(
        camera.id,
        stream,
        analyser,
        parts.recorder,
        parts.roster,
        parts.hub,
        parts.metrics,
        parts.clock,
        Budget(5, 80),
        Motion(),
    )


def frame_of(camera: Camera, image: "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]", clock: ManualClock) -> Frame:
    picture = av.VideoFrame.from_ndarray(image, format="bgr24")
    return Frame(camera.id, picture, 0, Fraction(1, 90000), clock.now(), clock.monotonic())


async def watch(loop: CameraLoop, camera: Camera, clock: ManualClock, frames: int) -> None:
    image = scene(read_picture(astronaut()))
    for _ in range(frames):
        await loop.take(frame_of(camera, image, clock))
        clock.advance(0.2)


async def test_a_face_becomes_an_entry_with_the_frame(
    parts: Parts, camera: Camera, person: Person, clock: ManualClock
) -> None:
    """From the frame to the row: snapshot, face and box are those of the deciding frame, and metrics count."""
    await parts.enrolment.add_photo(person.id, enrolment_photo())
    loop = loop_of(parts, camera)
    await watch(loop, camera, clock, 8)
    [(kind, data)] = await events_of(parts, "sightings")
    assert kind == "sighting.recognized"
    assert str(data["snapshotUrl"]).partition("?")[0].endswith("/snapshot.jpg")
    assert len(await events_of(parts, "attendance")) == 1
    assert loop.analysed == 8
    text = parts.metrics.render().decode()
    assert 'rollcall_attendance_entries_total{direction="in"} 1.0' in text
    assert "rollcall_capture_to_event_seconds_count 1.0" in text


async def test_stopping_ends_what_is_open(parts: Parts, camera: Camera, person: Person, clock: ManualClock) -> None:
    """Whoever is in the picture when the camera stops has been seen for the last time."""
    await parts.enrolment.add_photo(person.id, enrolment_photo())
    loop = loop_of(parts, camera)
    await watch(loop, camera, clock, 8)
    await loop.finish()
    await loop.finish()
    assert [kind for kind, _ in await events_of(parts, "sightings")] == ["sighting.recognized", "sighting.closed"]


async def test_a_database_that_is_away_costs_no_check_in(
    parts: Parts, camera: Camera, person: Person, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Writing is tried again until it works; what was decided is recorded once."""
    await parts.enrolment.add_photo(person.id, enrolment_photo())
    original, failures = type(parts.recorder).record, 2

    async def flaky(self: object, *arguments: object) -> object:
        nonlocal failures
        if failures:
            failures -= 1
            raise OperationalError("INSERT", {}, OSError("connection refused"))
        return await original(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(type(parts.recorder), "record", flaky)
    await watch(loop_of(parts, camera), camera, clock, 8)
    assert failures == 0
    assert len(await events_of(parts, "attendance")) == 1


async def test_stopped_while_writing_is_written_while_ending(
    parts: Parts, camera: Camera, person: Person, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A check-in that was decided when the camera was stopped is not lost."""
    await parts.enrolment.add_photo(person.id, enrolment_photo())
    original, cut_off = type(parts.recorder).record, False

    async def stopped(self: object, *arguments: object) -> object:
        nonlocal cut_off
        if not cut_off:
            cut_off = True
            raise asyncio.CancelledError
        return await original(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(type(parts.recorder), "record", stopped)
    loop = loop_of(parts, camera)
    with pytest.raises(asyncio.CancelledError):
        await watch(loop, camera, clock, 8)
    await loop.finish()
    assert [kind for kind, _ in await events_of(parts, "sightings")] == ["sighting.recognized", "sighting.closed"]
    assert len(await events_of(parts, "attendance")) == 1


async def test_boxes_go_out_for_every_analysed_frame(
    parts: Parts, camera: Camera, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stamped with the frame's own time, also when nobody is in the picture."""
    shown: list[dict[str, object]] = []

    def publish(_self: object, topic: str, kind: str, source: str, data: dict[str, object]) -> None:
        assert (topic, kind) == (f"cameras/{camera.id}/tracks", "tracks.updated")
        shown.append(data)

    monkeypatch.setattr(type(parts.hub), "publish_volatile", publish)
    await watch(loop_of(parts, camera), camera, clock, 3)
    assert len(shown) == 3
    assert set(shown[0]) == {"cameraId", "frame", "tracks"}
    assert set(shown[0]["frame"]) == {"pts", "rtpTimestamp", "capturedAt", "width", "height"}  # type: ignore[call-overload]
    assert shown[0]["tracks"] == []
    assert len(shown[2]["tracks"]) == 1  # type: ignore[arg-type]


async def test_the_budget_holds(parts: Parts, tmp_path: Path, camera: Camera) -> None:
    """A camera of 25 frames a second is analysed at its budget, not at its rate."""
    from server.clock import SystemClock
    from tests.media.films import write_film

    path = tmp_path / "film.mp4"
    write_film(path)
    camera.source = str(path)
    loop = loop_of(parts, camera)
    stream = Stream(SourceSpec(camera.id, "file", str(path)), rules=parts.address_rules, clock=SystemClock())
    loop._video = stream
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(stream.run()), tasks.create_task(loop.run())]
        await asyncio.sleep(3)
        for task in running:
            task.cancel()
    assert 3 <= loop.analysed <= 17
