"""server/media/browsers.py: what a browser takes as it is."""

import pytest

from server.media.browsers import obstacle
from server.media.source import VideoFacts
from tests.media.conftest import MakeFilm
from tests.media.test_source import open_source


def told(
    codec: str = "h264", profile: str | None = "High", pixels: str | None = "yuv420p", b: bool = False
) -> VideoFacts:
    return VideoFacts(codec, 1280, 720, 25.0, b, None, codec, None, profile, pixels)


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        (told(), None),
        (told(profile="Constrained Baseline"), None),
        (told(profile="Main", pixels="yuvj420p"), None),
        (told("hevc", "Main"), "codec"),
        (told("mjpeg", None, "yuvj422p"), "codec"),
        (told("vp8", None), "codec"),
        (told(b=True), "b_frames"),
        (told(profile="High 10", pixels="yuv420p10le"), "profile"),
        (told(profile="High 4:2:2", pixels="yuv422p"), "profile"),
        (told(profile=None), "profile"),
        (told(pixels=None), "profile"),
    ],
)
def test_obstacles(facts: VideoFacts, why: str | None) -> None:
    """H.264 of 8 bits and 4:2:0 without B-frames goes as it is; all else has its reason."""
    assert obstacle(facts) == why


@pytest.mark.parametrize(
    ("name", "options", "why"),
    [
        ("plain.mp4", {}, None),
        ("reordered.mp4", {"b_frames": 2}, "b_frames"),
        ("odd.mp4", {"pixel_format": "yuv444p"}, "profile"),
        ("pictures.avi", {"codec": "mjpeg"}, "codec"),
        ("heavy.mp4", {"codec": "libx265"}, "codec"),
    ],
)
def test_real_films(make_film: MakeFilm, name: str, options: dict[str, object], why: str | None) -> None:
    """What FFmpeg tells of real streams is understood."""
    source = open_source(make_film(name, frames=10, **options))
    facts = source.open()
    source.close()
    assert obstacle(facts) == why
