"""server/media/source.py against cameras that misbehave: each ends with its reason, none later than it may."""

import threading
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from server.errors import SourceFailed
from server.media.source import Source
from tests.media.films import write_film
from tests.media.rtsp_server import RtspCamera
from tests.media.slow_http import SlowHttp
from tests.media.test_source import open_source

SILENT_FOR_S = 2.0


@pytest.fixture
def camera(tmp_path: Path) -> Iterator[SlowHttp]:
    write_film(tmp_path / "film.avi", codec="mjpeg")
    write_film(tmp_path / "film.ts")
    with SlowHttp(tmp_path, write_film(tmp_path / "film.mp4")) as running:
        yield running


def end_of(source: Source) -> tuple[str, int]:
    """Why it ended, and how many packets came before."""
    arrivals: list[float] = []
    with pytest.raises(SourceFailed) as failed:
        drained(source, arrivals)
    source.close()
    return failed.value.code, len(arrivals)


def drained(source: Source, arrivals: list[float]) -> None:
    """Notes when each packet came."""
    source.open()
    for _ in source.packets():
        arrivals.append(time.monotonic())


@pytest.mark.parametrize(
    ("path", "code", "seen"),
    [
        ("/nothing", "timed_out", False),
        ("/dribbled-head", "timed_out", False),
        ("/endless-head", "timed_out", False),
        ("/endless-part", "timed_out", False),
        ("/noise", "no_video", False),
        ("/truncated.mp4", "no_video", False),
        ("/truncated.ts", "failed", True),
        ("/then-nothing", "timed_out", True),
        ("/then-dribbled", "timed_out", True),
    ],
)
def test_reasons(camera: SlowHttp, path: str, code: str, seen: bool) -> None:
    """Silent, slower than anybody waits, endless, cut off: what has come is given, and then it ends."""
    ended, count = end_of(open_source(camera.url(path), "http", timeout_s=SILENT_FOR_S))
    assert (ended, count > 0) == (code, seen)


def test_damage_is_skipped(camera: SlowHttp) -> None:
    """A stream with wrong bytes everywhere goes on."""
    source = open_source(camera.url("/damaged.ts"), "http", timeout_s=SILENT_FOR_S)
    source.open()
    assert len(list(islice(source.packets(), 60))) == 60
    source.close()


def test_silence_is_noticed_once(tmp_path: Path) -> None:
    """FFmpeg gives what it still held when its wait is over; nothing is waited for after that."""
    with RtspCamera(write_film(tmp_path / "film.mp4")) as camera:
        source = open_source(camera.url, "rtsp", timeout_s=SILENT_FOR_S)
        arrivals: list[float] = []
        threading.Timer(1.0, setattr, (camera, "paused", True)).start()
        with pytest.raises(SourceFailed) as failed:
            drained(source, arrivals)
        silent_s = time.monotonic() - arrivals[-2]
        source.close()
    assert failed.value.code == "timed_out"
    assert silent_s < 2 * SILENT_FOR_S
