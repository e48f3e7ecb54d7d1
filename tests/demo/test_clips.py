"""server/demo/clips.py: two films of people who come, move, leave and return."""

from itertools import islice
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from server.demo.clips import FPS, SCENES, SECONDS, Scene, Walk, compose, enrolment_photo, make_clips, position


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clips") / "demo"
    make_clips(folder, seconds=2)
    return folder


def test_two_cameras(folder: Path) -> None:
    """Two clips, H.264 baseline, 1280 x 720, 25 frames a second, a keyframe each second, no frames out of order."""
    clips = make_clips(folder, seconds=2)
    assert [clip.name for clip in clips] == ["Entrance", "Workshop"]
    for clip in clips:
        with av.open(str(clip.path)) as container:
            video = container.streams.video[0]
            assert (video.codec_context.name, video.codec_context.profile) == ("h264", "Constrained Baseline")
            assert (video.width, video.height) == (1280, 720)
            assert video.average_rate == FPS
            packets = [packet for packet in container.demux(video) if packet.size]
        assert [at for at, packet in enumerate(packets) if packet.is_keyframe] == [0, 25]
        assert [packet.pts for packet in packets] == [packet.dts for packet in packets]


def test_made_once(folder: Path) -> None:
    """A second call finds the files; a file that was not finished is no clip; another length is another clip."""
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert {clip.path for clip in make_clips(folder, seconds=2)} == set(before)
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == before
    make_clips(folder, seconds=1)
    assert len(list(folder.glob("*.mp4"))) == 4
    assert not list(folder.glob("*.part"))


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
def test_frames_are_the_same_each_time(scene: Scene) -> None:
    """What is composed does not depend on chance or on the time of day, and no frame is the one before."""
    first = list(islice(compose(scene), 50, 53))
    again = list(islice(compose(scene), 50, 53))
    assert all(np.array_equal(one, other) for one, other in zip(first, again, strict=True))
    assert not np.array_equal(first[0], first[1])


@pytest.mark.parametrize("walk", [walk for scene in SCENES for walk in scene.walks], ids=lambda walk: walk.who)
def test_ways(walk: Walk) -> None:
    """Everybody comes from outside, leaves for outside and moves without a jump; the loop begins and ends empty."""
    places = [position(walk, index / FPS) for index in range(FPS * SECONDS)]
    assert places[0] is None
    assert places[-1] is None
    there = [place for place in places if place is not None]
    assert not 0 <= there[0].x <= 1280
    assert not 0 <= there[-1].x <= 1280
    assert max(abs(after.x - before.x) for before, after in zip(there, there[1:], strict=False)) < 30
    assert {round(place.scale, 1) for place in there if 0 < place.x < 1280} >= {round(there[len(there) // 2].scale, 1)}


def test_eileen_collins_leaves_for_a_while() -> None:
    """At the entrance there are seconds with nobody between her two visits."""
    empty = [at for at in range(FPS * SECONDS) if all(position(walk, at / FPS) is None for walk in SCENES[0].walks)]
    assert len([at for at in empty if 10 * FPS < at < 16 * FPS]) > 2 * FPS


def test_enrolment_photo() -> None:
    """A JPEG of its own size and light, with room round the face."""
    photo = enrolment_photo()
    picture = cv2.imdecode(np.frombuffer(photo, np.uint8), cv2.IMREAD_COLOR)
    assert photo[:2] == b"\xff\xd8"
    assert picture is not None
    assert picture.shape == (627, 627, 3)
