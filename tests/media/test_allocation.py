"""server/media/allocation.py: a picture without an end is refused, and does not eat the machine."""

from collections.abc import Iterator
from pathlib import Path

import av
import psutil
import pytest

from server.errors import SourceFailed
from server.media.allocation import bound_allocations
from server.media.source import Source
from tests.media.films import write_film
from tests.media.slow_http import SlowHttp
from tests.media.test_source import open_source

MEGABYTE = 1 << 20


@pytest.fixture
def camera(tmp_path: Path) -> Iterator[SlowHttp]:
    write_film(tmp_path / "film.avi", codec="mjpeg")
    with SlowHttp(tmp_path, write_film(tmp_path / "film.mp4")) as running:
        yield running
    bound_allocations()


def drained(source: Source) -> None:
    source.open()
    for _ in source.packets():
        pass


@pytest.mark.parametrize("path", ["/endless-picture", "/then-endless-picture"])
def test_a_picture_without_an_end_is_no_video(camera: SlowHttp, path: str) -> None:
    """Long before the time-outs, and with the reason that no picture comes: in the first picture as in a later one."""
    source = open_source(camera.url(path), "http", timeout_s=60)
    with pytest.raises(SourceFailed) as failed:
        drained(source)
    source.close()
    assert failed.value.code == "no_video"
    assert camera.sent < 300 * MEGABYTE


def test_a_stream_without_an_end_stays_small(camera: SlowHttp, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where FFmpeg looks for the end of a picture in what it has, it drops what grows too large and reads on."""
    monkeypatch.setattr("server.media.source.bound_allocations", lambda: bound_allocations(8 * MEGABYTE))
    process = psutil.Process()
    source = open_source(camera.url("/endless-motion"), "http", timeout_s=5)
    before = process.memory_info().rss
    with pytest.raises(SourceFailed) as failed:
        drained(source)
    grown = process.memory_info().rss - before
    source.close()
    assert failed.value.code == "timed_out"
    assert camera.sent > 80 * MEGABYTE
    assert grown < 60 * MEGABYTE


def test_a_large_picture_fits() -> None:
    """What cameras send today, 8K among it, is far from the bound."""
    bound_allocations()
    picture = av.VideoFrame(7680, 4320, "yuv420p10le")
    assert sum(plane.buffer_size for plane in picture.planes) > 90 * MEGABYTE
