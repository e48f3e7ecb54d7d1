"""The loop of one camera: its budget, and what it does when the database is away."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from sqlalchemy.exc import OperationalError
from structlog.testing import capture_logs

from server.clock import ManualClock
from server.demo.clips import enrolment_photo
from server.demo.pictures import astronaut, read_picture
from server.identity.resolver import Resolver
from server.media.areas import PAINT, Areas
from server.media.frame import Frame
from server.media.source import SourceSpec
from server.media.stream import Stream
from server.parts import Parts
from server.pipeline.analyse import Analyser
from server.pipeline.camera import Budget, CameraLoop
from server.pipeline.evidence import Evidence
from server.pipeline.in_order import InOrder
from server.pipeline.motion import Motion
from server.pipeline.when import HOLD_S, When
from server.pipeline.zoning import Zoning
from server.store import sightings
from server.store.tables import Camera, Person
from server.supervise import Backoff, supervise
from server.vision.quality import QualityLimits
from server.vision.tracker import Tracker
from tests.journeys.films import decoded
from tests.opened import models
from tests.pipeline.conftest import change, events_of
from tests.pipeline.test_analyse import Straight, scene


def loop_of(
    parts: Parts,
    camera: Camera,
    when: When | None = None,
    zoning: Zoning | None = None,
    in_order: InOrder | None = None,
) -> CameraLoop:
    spec = SourceSpec(camera.id, "file", camera.source)
    stream = Stream(spec, rules=parts.address_rules, clock=parts.clock)
    resolver = Resolver(camera.id, "mobilefacenet@1")
    analyser = Analyser(Straight(), Tracker(), resolver, parts.roster, QualityLimits(), models().embedder.align)
    return CameraLoop(
        camera.id,
        lambda: stream,
        analyser,
        parts.recorder,
        parts.roster,
        parts.hub,
        parts.metrics,
        parts.clock,
        Budget(5, 80),
        Motion(),
        zoning or Zoning(),
        when=when,
        in_order=in_order,
    )


def frame_of(camera: Camera, image: "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]", clock: ManualClock) -> Frame:
    picture = av.VideoFrame.from_ndarray(image, format="bgr24")
    return Frame(camera.id, picture, 0, Fraction(1, 90000), clock.now(), clock.monotonic())


async def watch(loop: CameraLoop, camera: Camera, clock: ManualClock, frames: int, until_s: float = 10) -> None:
    """Of somebody who stands there; what is decided is written beside it, as in a camera that runs."""
    image = scene(read_picture(astronaut()))
    async with asyncio.TaskGroup() as tasks:
        writing = tasks.create_task(loop._backlog.run())
        for _ in range(frames):
            await loop.take(frame_of(camera, image, clock))
            clock.advance(0.2)
        async with asyncio.timeout(until_s):
            await loop._backlog.written()
        writing.cancel()


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


async def test_a_stop_counts_all_that_it_could_not_write(
    parts: Parts, camera: Camera, person: Person, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What waits, and that whoever is in the picture has been seen for the last time."""
    await parts.enrolment.add_photo(person.id, enrolment_photo())
    loop = loop_of(parts, camera)
    await watch(loop, camera, clock, 8)

    async def away(_self: object, *_arguments: object) -> object:
        raise OperationalError("INSERT", {}, OSError("connection refused"))

    monkeypatch.setattr(type(parts.recorder), "record", away)
    await loop._backlog.add([change(camera, "unknown", clock.now())], {})
    with capture_logs() as lines, pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await loop.finish()
    assert [line["frames"] for line in lines if line["event"] == "never_recorded"] == [2]


async def test_a_database_that_is_away_costs_neither_a_check_in_nor_a_frame(
    parts: Parts, camera: Camera, person: Person, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Writing is tried again until it works, and what is seen meanwhile is analysed; what was decided is recorded
    once, and its pictures are stored once."""
    await parts.enrolment.add_photo(person.id, enrolment_photo())
    original, loop, tries = type(parts.recorder).record, loop_of(parts, camera), 0

    async def flaky(self: object, *arguments: object) -> object:
        nonlocal tries
        tries += 1
        if loop.analysed < 8 or tries < 3:
            raise OperationalError("INSERT", {}, OSError("connection refused"))
        return await original(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(type(parts.recorder), "record", flaky)
    await watch(loop, camera, clock, 8)
    assert tries >= 3
    assert len(await events_of(parts, "attendance")) == 1
    assert len([key async for key in parts.objects.keys("sightings")]) == 2


async def test_stopped_while_writing_is_written_while_ending(
    parts: Parts, camera: Camera, person: Person, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A check-in that was decided when the camera was stopped is not lost."""
    await parts.enrolment.add_photo(person.id, enrolment_photo())
    original = type(parts.recorder).record

    async def silent(_self: object, *_arguments: object) -> object:
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(type(parts.recorder), "record", silent)
    loop = loop_of(parts, camera)
    with pytest.raises(ExceptionGroup):
        await watch(loop, camera, clock, 8, until_s=0.1)
    monkeypatch.setattr(type(parts.recorder), "record", original)
    await loop.finish()
    assert [kind for kind, _ in await events_of(parts, "sightings")] == ["sighting.recognized", "sighting.closed"]
    assert len(await events_of(parts, "attendance")) == 1


async def test_what_was_decided_when_the_analysis_failed_is_written_when_it_starts_again(
    parts: Parts, camera: Camera, person: Person, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without its pictures; a picture that could not be made is no reason not to check somebody in."""
    await parts.enrolment.add_photo(person.id, enrolment_photo())
    loop = loop_of(parts, camera)
    image = scene(read_picture(astronaut()))

    def broken(*_arguments: object) -> dict[str, Evidence]:
        raise ValueError("The picture could not be encoded as JPEG.")

    monkeypatch.setattr(loop, "_evidence", broken)
    with suppress(ValueError):
        for _ in range(8):
            await loop.take(frame_of(camera, image, clock))
            clock.advance(0.2)
    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        running = tasks.create_task(loop.run())
        while not await events_of(parts, "attendance"):  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.05)
        running.cancel()
    await loop.finish()
    assert [kind for kind, _ in await events_of(parts, "sightings")] == ["sighting.recognized", "sighting.closed"]


async def test_a_camera_whose_writing_ends_by_itself_is_not_left_without_it(
    parts: Parts, camera: Camera, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cancel that nobody asked for fails it, so that it starts again; without that nothing would ever be written."""
    original = type(parts.recorder).record

    async def cancelled(_self: object, *_arguments: object) -> object:
        raise asyncio.CancelledError

    monkeypatch.setattr(type(parts.recorder), "record", cancelled)
    loop = loop_of(parts, camera)
    await loop._backlog.add([change(camera, "unknown", clock.now())], {})
    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        running = tasks.create_task(supervise("analysis", loop.run, backoff=Backoff(0.05)))
        await asyncio.sleep(0.1)
        monkeypatch.setattr(type(parts.recorder), "record", original)
        await loop._backlog.written()
        running.cancel()
    assert [kind for kind, _ in await events_of(parts, "sightings")] == ["sighting.unknown"]


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


async def test_an_empty_room_is_not_analysed(parts: Parts, camera: Camera, person: Person, clock: ManualClock) -> None:
    """On motion: who comes is seen, who stands still is still seen, and an empty picture costs nothing."""
    loop = loop_of(parts, camera, When("motion", (), lambda: UTC))
    empty = np.full((480, 640, 3), 90, np.uint8)

    async def pass_by(seconds: float) -> int:
        before = loop.analysed
        for _ in range(round(seconds / 0.5)):
            await loop.take(frame_of(camera, empty, clock))
            clock.advance(0.5)
        await loop._backlog.drain()
        return loop.analysed - before

    assert await pass_by(HOLD_S + 2) == 16  # at first it is not known what is background
    assert await pass_by(20) == 0
    before = loop.analysed
    await watch(loop, camera, clock, 200)  # 40 s without a movement, but with a face
    assert loop.analysed - before == 200
    await pass_by(60)  # the background has learned who stood there, and forgets it again
    assert await pass_by(20) == 0
    assert "sighting.closed" in [kind for kind, _ in await events_of(parts, "sightings")]


async def test_outside_of_its_hours_no_frame_is_even_decoded(parts: Parts, camera: Camera) -> None:
    """Whoever is there when they end has been seen for the last time soon after."""
    asked: list[float] = []

    class Closed(When):
        def open(self, now: datetime) -> bool:
            asked.append(now.timestamp())
            return False

    loop = loop_of(parts, camera, Closed("schedule", (), lambda: UTC))
    video = loop._video()
    assert isinstance(video, Stream)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(loop.run())
        while len(asked) < 2:  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.05)
        assert video.latest() is None
        assert not video._outlets._mailboxes
        running.cancel()


async def test_the_budget_holds(parts: Parts, tmp_path: Path, camera: Camera) -> None:
    """A camera of 25 frames a second is analysed at its budget, not at its rate."""
    from server.clock import SystemClock
    from tests.media.films import write_film

    path = tmp_path / "film.mp4"
    write_film(path)
    camera.source = str(path)
    loop = loop_of(parts, camera)
    stream = Stream(SourceSpec(camera.id, "file", str(path)), rules=parts.address_rules, clock=SystemClock())
    loop._video = lambda: stream
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(stream.run()), tasks.create_task(loop.run())]
        await asyncio.sleep(3)
        for task in running:
            task.cancel()
    assert 3 <= loop.analysed <= 17


async def test_what_a_mask_hides_is_never_analysed(
    parts: Parts, camera: Camera, person: Person, clock: ManualClock
) -> None:
    """Nobody is found behind it, and it is on the picture that is kept of somebody beside it."""
    await parts.enrolment.add_photo(person.id, enrolment_photo())
    zoning = Zoning(Areas(masks=(((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0)),)))
    loop = loop_of(parts, camera, zoning=zoning)
    await watch(loop, camera, clock, 8)  # on the left
    assert (loop.analysed, await events_of(parts, "sightings")) == (8, [])
    zoning.now = Areas(masks=(((0.5, 0.0), (1.0, 0.0), (1.0, 1.0), (0.5, 1.0)),))
    await watch(loop, camera, clock, 8)
    [(kind, data)] = await events_of(parts, "sightings")
    assert kind == "sighting.recognized"
    async with parts.store.read() as session:
        row = (await sightings.get(session, str(data["id"]))).sighting
    kept = decoded(await parts.objects.get(row.snapshot_key or ""))
    assert abs(kept[:, 650:].astype(int) - PAINT).max() < 12


async def test_what_moves_under_a_mask_wakes_nobody(parts: Parts, camera: Camera, clock: ManualClock) -> None:
    """On motion: a screen or a street that is hidden costs nothing."""
    left = (((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0)),)
    loop = loop_of(parts, camera, When("motion", (), lambda: UTC), Zoning(Areas(masks=left)))
    for number in range(60):
        image = np.full((480, 640, 3), 90, np.uint8)
        image[100:300, 20 + number : 120 + number] = 250
        await loop.take(frame_of(camera, image, clock))
        clock.advance(0.5)
    assert loop.analysed == round(HOLD_S / 0.5)  # at first it is not known what is background
