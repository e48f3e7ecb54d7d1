"""server/pipeline/clips.py: which packets become a clip, what is stored of it, and what is not worth a check-in."""

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import av
import numpy as np
import pytest
from sqlmodel import select

from server.clock import ManualClock
from server.errors import NotFound, Unavailable
from server.identity.sightings import SightingChange
from server.media.areas import Areas
from server.media.packet import Packet
from server.media.packets import PacketQueue
from server.media.source import VideoFacts
from server.objects.objects import Objects
from server.parts import Parts
from server.pipeline import clips as rules
from server.pipeline.clips import CameraClips, ClipKeeper
from server.store import cameras
from server.store.tables import Camera, Clip, Person, Sighting, Zone
from tests.media.films import write_film
from tests.media.test_clips import read
from tests.pipeline.conftest import change

FPS = 5


@dataclass
class Door:
    """The stream of a camera that the test feeds by hand."""

    facts: VideoFacts | None

    @contextmanager
    def packets(self, limit: int = 256) -> Iterator[PacketQueue]:
        yield PacketQueue(limit)


class Scene:
    """A camera of five frames a second with a keyframe every two seconds, whose clock the test winds."""

    def __init__(self, parts: Parts, camera: Camera, clock: ManualClock, film: Path) -> None:
        self.packets, facts = read(film, 20)
        self.door = Door(facts)
        self.counted: list[str] = []
        self.parts, self.camera, self.clock = parts, camera, clock
        self.keeper = ClipKeeper(parts.store, parts.objects, self.counted.append)
        self.clips = CameraClips(camera.id, self.door, self.keeper, clock)
        self._next = 0

    def play(self, seconds: float) -> None:
        for _ in range(round(seconds * FPS)):
            self.clips.take(self._packet())
            self.clock.advance(1 / FPS)

    def _packet(self) -> Packet:
        again, index = divmod(self._next, len(self.packets))
        one = self.packets[index]
        pts = one.pts + again * 4 * 90_000
        self._next += 1
        return replace(one, pts=pts, dts=pts, captured_at=self.clock.now(), captured_monotonic=self.clock.monotonic())

    async def opens(self, *, ago_s: float = 0.0) -> SightingChange:
        """A sighting, stored as it is before clips hear of it."""
        now = self.clock.now()
        opened = change(self.camera, "unknown", now - timedelta(seconds=ago_s))
        seen = opened.sighting
        async with self.parts.store.transaction() as session:
            session.add(
                Sighting(
                    id=seen.id, camera_id=self.camera.id, state="open", started_at=seen.started_at, last_seen_at=now
                )
            )
        self.clips.saw([replace(opened, sighting=replace(seen, last_seen_at=now))])
        return opened

    async def kept(self) -> list[Clip]:
        async with self.parts.store.read() as session:
            return list((await session.exec(select(Clip).order_by(Clip.id))).all())

    async def film(self, row: Clip) -> Sequence["np.ndarray[tuple[int, ...], np.dtype[np.uint8]]"]:
        content = await self.parts.objects.get(row.object_key)
        assert len(content) == row.size_bytes
        with av.open(io.BytesIO(content), "r") as container:
            return [np.asarray(one.to_ndarray(format="bgr24"), np.uint8) for one in container.decode(video=0)]


@pytest.fixture
def scene(parts: Parts, camera: Camera, clock: ManualClock, tmp_path: Path) -> Scene:
    return Scene(parts, camera, clock, write_film(tmp_path / "door.mp4", frames=20, fps=FPS, gop=10))


def seconds(row: Clip, since: datetime) -> tuple[float, float]:
    """When it begins and ends, after that time."""
    begins = (row.started_at - since).total_seconds()
    return round(begins, 1), round(begins + row.duration_s, 1)


async def test_from_before_until_after(scene: Scene) -> None:
    """Four seconds before, from a keyframe on, until six after; and the row says what it is."""
    scene.play(20)
    at = scene.clock.now()
    opened = await scene.opens()
    scene.play(10)
    await scene.clips.finish()
    (row,) = await scene.kept()
    assert seconds(row, at) == (-4.0, 6.2)
    assert (row.camera_id, row.sighting_id, row.masked, row.codec) == (
        scene.camera.id, opened.sighting.id, False, "h264",
    )  # fmt: skip
    assert (row.width, row.height, row.object_key) == (160, 96, f"clips/{row.started_at:%Y/%m/%d}/{row.id}.mp4")
    assert len(await scene.film(row)) == 51
    assert scene.counted == ["stored"]


async def test_one_that_is_decided_late(scene: Scene) -> None:
    """It begins where the ring does, and holds what decided it."""
    scene.play(20)
    at = scene.clock.now()
    await scene.opens(ago_s=7)
    scene.play(10)
    await scene.clips.finish()
    (row,) = await scene.kept()
    assert seconds(row, at) == (-10.0, 2.2)


async def test_it_lasts_while_the_sighting_goes_on(scene: Scene) -> None:
    """Six seconds beyond the last word of it, and twenty at most."""
    scene.play(20)
    at = scene.clock.now()
    first, second = await scene.opens(), await scene.opens()
    scene.play(5)
    scene.clips.saw([change(scene.camera, "extended", scene.clock.now(), like=first)])
    for _ in range(4):
        scene.clips.saw([change(scene.camera, "extended", scene.clock.now(), like=second)])
        scene.play(5)
    await scene.clips.finish()
    ends = {row.sighting_id: seconds(row, at)[1] for row in await scene.kept()}
    assert ends == {first.sighting.id: 11.2, second.sighting.id: 16.2}


async def test_a_name_is_no_second_clip(scene: Scene) -> None:
    """An unknown who becomes somebody is still one sighting."""
    scene.play(10)
    opened = await scene.opens()
    scene.clips.saw([change(scene.camera, "recognized", scene.clock.now(), "p", like=opened)])
    scene.play(10)
    await scene.clips.finish()
    assert len(await scene.kept()) == 1


async def test_a_stop_finishes_what_it_has(scene: Scene) -> None:
    scene.play(10)
    at = scene.clock.now()
    await scene.opens()
    scene.play(1)
    await scene.clips.finish()
    (row,) = await scene.kept()
    assert seconds(row, at) == (-4.0, 1.0)


async def test_a_camera_that_shows_nothing_more(scene: Scene) -> None:
    """Is not waited for."""
    scene.play(10)
    await scene.opens()
    scene.clock.advance(9)
    scene.clips.look()
    await scene.clips._store_ended()
    assert len(await scene.kept()) == 1


async def test_too_many_at_once(scene: Scene) -> None:
    """The rest go without, which is counted."""
    scene.play(10)
    for _ in range(rules.AT_ONCE + 2):
        await scene.opens()
    scene.play(10)
    await scene.clips.finish()
    assert len(await scene.kept()) == rules.AT_ONCE
    assert sorted(scene.counted) == ["skipped"] * 2 + ["stored"] * rules.AT_ONCE


async def test_without_any_keyframe(scene: Scene) -> None:
    """There is no clip; and one that comes in time begins it."""
    scene.play(0.2)
    scene.clips._ring.clear()
    scene.play(0.4)
    await scene.opens()
    await scene.clips.finish()
    await scene.opens()
    scene.play(3)
    await scene.clips.finish()
    assert scene.counted == ["skipped", "stored"]
    (row,) = await scene.kept()
    assert len(await scene.film(row)) == 8


async def test_another_picture_is_another_film(scene: Scene, tmp_path: Path) -> None:
    """A camera that comes back with another size ends what was begun."""
    scene.play(10)
    await scene.opens()
    scene.play(2)
    scene.packets, scene.door.facts = read(write_film(tmp_path / "wide.mp4", frames=20, fps=FPS, size=(192, 96)), 20)
    scene.play(8)
    await scene.opens()
    scene.play(8)
    await scene.clips.finish()
    assert [row.width for row in await scene.kept()] == [160, 192]


async def test_masks_are_painted_into_it(scene: Scene) -> None:
    """As they are when it is made; it is encoded again for that."""
    async with scene.parts.store.transaction() as session:
        points = [[0.0, 0.0], [1.0, 0.0], [1.0, 0.5], [0.0, 0.5]]
        session.add(Zone(camera_id=scene.camera.id, name="Window", kind="mask", points=points))
        session.add(Zone(camera_id=scene.camera.id, name="Door", kind="count", points=points))
    scene.play(10)
    await scene.opens()
    scene.play(8)
    await scene.clips.finish()
    (row,) = await scene.kept()
    assert (row.masked, row.codec) == (True, "h264")
    for picture in await scene.film(row):
        assert int(picture[:44].max()) < 60
        assert int(picture[60:].max()) > 180


class Full:
    """A disk on which nothing has room."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    def __getattr__(self, name: str) -> object:
        return getattr(self._objects, name)

    async def put(self, key: str, content: bytes) -> None:
        raise Unavailable("The object storage fails: No space left on device.", code="storage_unavailable")


async def test_a_full_disk_costs_the_clip_alone(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is raised, the loss is counted, and the next one is stored."""
    with monkeypatch.context() as here:
        here.setattr(scene.keeper, "_objects", Full(scene.parts.objects))
        scene.play(10)
        await scene.opens()
        scene.play(8)
        await scene.clips.finish()
    assert (scene.counted, await scene.kept()) == (["lost"], [])
    await scene.opens()
    await scene.clips.finish()
    assert scene.counted == ["lost", "stored"]


async def test_a_database_that_is_away_costs_no_clip(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is stored once the database is back; its film is not made before."""
    scene.play(10)
    await scene.opens()
    original, failures = ClipKeeper._areas, 2

    async def flaky(self: ClipKeeper, camera_id: str) -> Areas:
        nonlocal failures
        if failures:
            failures -= 1
            raise ConnectionRefusedError
        return await original(self, camera_id)

    monkeypatch.setattr(ClipKeeper, "_areas", flaky)
    await scene.clips.finish()
    assert (scene.counted, failures) == (["stored"], 0)
    assert len(await scene.kept()) == 1


async def test_what_is_gone_leaves_no_film(scene: Scene) -> None:
    """A camera that was removed meanwhile: no row, and no object that nobody knows of."""
    scene.play(10)
    await scene.opens()
    async with scene.parts.store.transaction() as session:
        await cameras.remove(session, await cameras.get(session, scene.camera.id))
    await scene.clips.finish()
    assert scene.counted == ["skipped"]
    assert [key async for key in scene.parts.objects.keys("clips")] == []


async def test_who_was_erased_meanwhile_is_on_no_film(scene: Scene, person: Person) -> None:
    """One that waited for the database, or was still in the making."""
    scene.play(10)
    opened = await scene.opens()
    async with scene.parts.store.transaction() as session:
        (await session.get_one(Sighting, opened.sighting.id)).person_id = person.id
        scene.clock.advance(1)
        await scene.parts.eraser.begin(session, person, "biometrics", "ada")
    await scene.clips.finish()
    assert scene.counted == ["skipped"]
    assert [key async for key in scene.parts.objects.keys("clips")] == []


async def test_one_that_was_cut_off_is_stored_once(scene: Scene) -> None:
    """Whether it was written before it was cut off or not."""
    scene.play(10)
    await scene.opens()
    recording = scene.clips._going_on[0]
    await scene.keeper.keep(recording)
    await scene.keeper.keep(recording)
    (row,) = await scene.kept()
    assert len(await scene.film(row)) > 10
    with pytest.raises(NotFound):
        await scene.parts.objects.get("clips/nothing.mp4")
