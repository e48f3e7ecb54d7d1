"""One frame in, names and changes out: with the real networks on the demo's faces."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import numpy as np
import pytest

from server.clock import ManualClock
from server.demo.clips import enrolment_photo
from server.demo.pictures import astronaut, grace_hopper, read_picture
from server.errors import TooMany
from server.identity.resolver import Resolver
from server.media.areas import Areas, Line, Region
from server.parts import Parts
from server.pipeline.analyse import Analyser, Analysis, Device, track_messages
from server.store.tables import Person
from server.vision.detections import Detections, Floats, Pixels
from server.vision.quality import QualityLimits
from server.vision.tracker import Tracker
from tests.opened import models


class Straight:
    """The networks without the loop in front of them; counts what is embedded."""

    def __init__(self) -> None:
        self.embedded = 0

    async def detect(self, image: Pixels, captured_monotonic: float) -> Detections:
        return models().detector.detect([image])[0]

    async def embed(self, chips: Pixels) -> Floats:
        self.embedded += len(chips)
        return models().embedder.embed(chips)


def analyser(parts: Parts, device: Device, limits: QualityLimits | None = None) -> Analyser:
    resolver = Resolver("camera", "mobilefacenet@1")
    return Analyser(device, Tracker(), resolver, parts.roster, limits or QualityLimits(), models().embedder.align)


def scene(*pictures: Pixels) -> Pixels:
    canvas = np.full((720, 1280, 3), 100, np.uint8)
    for number, picture in enumerate(pictures):
        canvas[100 : 100 + picture.shape[0], 60 + number * 600 : 60 + number * 600 + picture.shape[1]] = picture
    return canvas


async def watch(one: Analyser, frames: Sequence[Pixels], clock: ManualClock) -> list[Analysis]:
    seen = []
    for frame in frames:
        seen.append(await one.analyse(frame, clock.now(), clock.monotonic()))
        clock.advance(0.2)
    return seen


async def test_two_faces_one_known(parts: Parts, person: Person, clock: ManualClock) -> None:
    """The enrolled one is recognised within a second, the other is unknown after a while, and neither before."""
    await parts.enrolment.add_photo(person.id, enrolment_photo())
    frame = scene(read_picture(astronaut()), read_picture(grace_hopper())[:600])
    one, device = None, Straight()
    one = analyser(parts, device)
    seen = await watch(one, [frame] * 20, clock)
    changes = [change for analysis in seen for change in analysis.changes]
    assert [(change.kind, change.sighting.person_id) for change in changes if change.opened] == [
        ("recognized", person.id),
        ("unknown", None),
    ]
    assert not any(analysis.changes for analysis in seen[:2])
    shown = track_messages(seen[-1].faces, 1280, 720, parts.roster)
    assert sorted((str(track["state"]), track["name"]) for track in shown) == [
        ("recognized", "Eileen Collins"),
        ("unknown", None),
    ]
    for track in shown:
        box = track["box"]
        assert isinstance(box, list)
        assert all(0 <= value <= 1 for value in box)


async def test_a_sure_track_is_embedded_rarely(parts: Parts, person: Person, clock: ManualClock) -> None:
    """Each frame until it is sure, then about every two seconds."""
    await parts.enrolment.add_photo(person.id, enrolment_photo())
    device = Straight()
    one = analyser(parts, device)
    frame = scene(read_picture(astronaut()))
    await watch(one, [frame] * 10, clock)
    until_sure = device.embedded
    await watch(one, [frame] * 50, clock)
    assert until_sure >= 3
    assert device.embedded - until_sure <= 6


async def test_a_face_that_is_too_small_says_why(parts: Parts, clock: ManualClock) -> None:
    """It is followed and not embedded, and its track tells the reason."""
    device = Straight()
    one = analyser(parts, device, QualityLimits(min_size_px=2000))
    seen = await watch(one, [scene(read_picture(astronaut()))] * 10, clock)
    assert device.embedded == 0
    assert {str(track["why"]) for track in track_messages(seen[-1].faces, 1280, 720, parts.roster)} == {
        "face_too_small"
    }
    assert not any(analysis.changes for analysis in seen)


async def test_who_leaves_is_closed(parts: Parts, person: Person, clock: ManualClock) -> None:
    """After the gap without the face the sighting ends when it was last seen."""
    await parts.enrolment.add_photo(person.id, enrolment_photo())
    one = analyser(parts, Straight())
    await watch(one, [scene(read_picture(astronaut()))] * 10, clock)
    left = clock.now()
    seen = await watch(one, [scene()] * 70, clock)
    [closed] = [change for analysis in seen for change in analysis.changes if change.kind == "closed"]
    assert closed.sighting.ended_at is not None
    assert abs(closed.sighting.ended_at - left) < timedelta(seconds=1)


async def test_enrolled_while_in_view(parts: Parts, person: Person, clock: ManualClock) -> None:
    """An unknown face becomes known under the same sighting once its person is enrolled."""
    one = analyser(parts, Straight())
    frames = [scene(read_picture(astronaut()))] * 25
    before = [change for analysis in await watch(one, frames, clock) for change in analysis.changes if change.opened]
    assert [change.kind for change in before] == ["unknown"]
    await parts.enrolment.add_photo(person.id, enrolment_photo())
    one.resolver.gallery_changed()
    after = [change for analysis in await watch(one, frames, clock) for change in analysis.changes]
    [known] = [change for change in after if change.kind == "recognized"]
    assert (known.sighting.id, known.sighting.person_id) == (before[0].sighting.id, person.id)
    assert known.opened is False


async def test_stale_frames_pass_upwards(parts: Parts, clock: ManualClock) -> None:
    """What the device drops is no analysis: the camera's loop hears of it."""
    from server.inference.loop import StaleFrame

    class Behind(Straight):
        async def detect(self, image: Pixels, captured_monotonic: float) -> Detections:
            raise StaleFrame

    with pytest.raises(StaleFrame):
        await analyser(parts, Behind()).analyse(scene(), clock.now(), clock.monotonic())


async def test_what_a_frame_has_decided_is_kept_when_the_device_is_busy(
    parts: Parts, person: Person, clock: ManualClock
) -> None:
    """Whoever crosses the line in that very frame has crossed it; and what breaks later leaves it to be written."""
    await parts.enrolment.add_photo(person.id, enrolment_photo())
    down_the_middle = Areas(lines=(Line((0.5, 1.0), (0.5, 0.0), "in"),))

    class Busy(Straight):
        error: Exception | None = None
        raised = 0

        async def embed(self, chips: Pixels) -> Floats:
            if self.error is not None:
                self.raised += 1
                raise self.error
            return await super().embed(chips)

    for error in (TooMany("Too many wait.", retry_after_s=1), RuntimeError("the device is gone")):
        device = Busy()
        one, face = analyser(parts, device), read_picture(astronaut())
        kinds: list[str] = []
        for step in range(-3, 3):
            for _ in range(2):
                canvas = np.full((720, 1280, 3), 100, np.uint8)
                x = 420 + step * 60
                canvas[100 : 100 + face.shape[0], x : x + face.shape[1]] = face
                device.error = error if step in (0, 1) else None
                try:
                    await one.analyse(canvas, clock.now(), clock.monotonic(), down_the_middle)
                except RuntimeError:
                    assert not isinstance(error, TooMany)
                kinds += [change.kind for change in one.decided]
                clock.advance(0.5)
        assert device.raised > 0
        assert kinds.count("crossed") == 1


async def test_what_an_earlier_frame_has_decided_is_not_decided_again(parts: Parts, clock: ManualClock) -> None:
    """A camera that is stopped while the device looks has nothing of that frame to write."""

    class Broken(Straight):
        broken = False

        async def detect(self, image: Pixels, captured_monotonic: float) -> Detections:
            if self.broken:
                raise asyncio.CancelledError
            return await super().detect(image, captured_monotonic)

    device = Broken()
    one = analyser(parts, device)
    frame = scene(read_picture(astronaut()))
    while not one.decided:
        await watch(one, [frame], clock)
    device.broken = True
    with pytest.raises(asyncio.CancelledError):
        await one.analyse(frame, clock.now(), clock.monotonic())
    assert one.decided == []


async def test_only_faces_that_count_are_followed(parts: Parts, clock: ManualClock) -> None:
    """Of two, the one in the zone; where it is ignored, neither."""
    frame = scene(read_picture(astronaut()), read_picture(grace_hopper())[:600])
    right = Region(((0.5, 0.0), (1.0, 0.0), (1.0, 1.0), (0.5, 1.0)))
    for areas, wanted in ((Areas(), 2), (Areas((right,)), 1), (Areas((right,), ignored=(right.polygon,)), 0)):
        one = analyser(parts, Straight())
        for _ in range(4):
            seen = await one.analyse(frame, clock.now(), clock.monotonic(), areas)
            clock.advance(0.2)
        assert len(seen.faces) == wanted
        assert all(face.track.box[0] > 640 for face in seen.faces if wanted == 1)


@pytest.mark.parametrize(
    ("steps", "direction"), [(range(-3, 4), "in"), (range(3, -4, -1), "out"), (range(-3, 0), None)]
)
async def test_who_crosses_a_line_passes(
    parts: Parts, person: Person, clock: ManualClock, steps: Sequence[int], direction: str | None
) -> None:
    """From its left to its right, back, or not at all: once a crossing, of whoever it turns out to be."""
    await parts.enrolment.add_photo(person.id, enrolment_photo())
    down_the_middle = Areas(lines=(Line((0.5, 1.0), (0.5, 0.0), "in"),))  # for who looks up, left is left
    one = analyser(parts, Straight())
    face, changes = read_picture(astronaut()), []
    for step in steps:
        for _ in range(2):
            canvas = np.full((720, 1280, 3), 100, np.uint8)
            x = 420 + step * 60
            canvas[100 : 100 + face.shape[0], x : x + face.shape[1]] = face
            analysis = await one.analyse(canvas, clock.now(), clock.monotonic(), down_the_middle)
            changes += analysis.changes
            clock.advance(0.2)
    assert {change.sighting.person_id for change in changes} == {person.id}
    assert changes[-1].sighting.direction == direction
    assert [change.kind for change in changes].count("crossed") <= 1
