"""server/media/source.py: one open input, read in real time on a continuous time line."""

import threading
import time
from itertools import islice
from pathlib import Path

import av
import numpy as np
import pytest

from server.clock import SystemClock
from server.errors import SourceFailed
from server.media.source import Kind, Source, SourceSpec
from server.media.timeline import Timeline
from tests.media.conftest import MakeFilm
from tests.media.http_server import HttpCamera


def open_source(
    url: str | Path, kind: Kind = "file", stop: threading.Event | None = None, timeout_s: float = 2
) -> Source:
    clock = SystemClock()
    return Source(
        SourceSpec("c1", kind, str(url), timeout_s, timeout_s),
        clock=clock,
        timeline=Timeline(clock.monotonic()),
        stop=stop or threading.Event(),
    )


def test_facts(make_film: MakeFilm) -> None:
    """Opening tells codec, size, rate, B-frames and sound."""
    source = open_source(make_film("film.mp4", b_frames=2, sound=True))
    facts = source.open()
    source.close()
    source.close()
    assert (facts.codec, facts.width, facts.height, facts.fps) == ("h264", 160, 96, 25)
    assert facts.has_b_frames
    assert facts.audio == "aac"


@pytest.mark.parametrize("name", ["film.mp4", "film.ts", "film.mkv", "film.avi", "film.flv", "film.h264"])
def test_every_container_loops(make_film: MakeFilm, name: str) -> None:
    """Whatever the container, it loops at its rate, its time line rises steadily, and H.264 is in Annex B form."""
    source = open_source(make_film(name, frames=8, fps=50, sound=name == "film.mp4"))
    source.open()
    began_s = time.monotonic()
    packets = list(islice(source.packets(), 20))
    took_s = time.monotonic() - began_s
    source.close()
    steps = [after.dts - before.dts for before, after in zip(packets, packets[1:], strict=False)]
    assert all(900 <= step <= 5400 for step in steps)
    assert 0.2 < took_s < 1.5
    assert all(bytes(packet.encoded)[:3] in (b"\x00\x00\x00", b"\x00\x00\x01") for packet in packets)
    assert all(bytes(packet.encoded).find(b"\x67", 0, 8) > 0 for packet in packets if packet.keyframe)


def test_stop_ends_the_wait(make_film: MakeFilm) -> None:
    """A stop ends the wait for the next picture at once, also when a film has one picture in two seconds."""
    stop = threading.Event()
    source = open_source(make_film("slow.mkv", frames=4, fps=1), stop=stop)
    source.open()
    packets = source.packets()
    next(packets)
    threading.Timer(0.1, stop.set).start()
    began_s = time.monotonic()
    assert list(packets) == []
    assert time.monotonic() - began_s < 0.8
    source.close()


@pytest.mark.parametrize("content", [b"", b"no video at all" * 50, b"#EXTM3U\n#EXTINF:1,\nother.ts\n"])
def test_not_video(tmp_path: Path, content: bytes) -> None:
    """An empty file, text and a playlist are no video, whatever they are called."""
    (tmp_path / "film.mp4").write_bytes(content)
    with pytest.raises(SourceFailed) as failure:
        open_source(tmp_path / "film.mp4").open()
    assert failure.value.code in ("no_video", "ended")


def test_only_sound(make_film: MakeFilm, tmp_path: Path) -> None:
    """A file with sound and without video says so; a folder and a device are not files."""
    with av.open(str(tmp_path / "voice.mp4"), "w") as container:
        voice = container.add_stream("aac", rate=8000)
        assert isinstance(voice, av.AudioStream)
        quiet = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        quiet.sample_rate = 8000
        container.mux(voice.encode(quiet))
        container.mux(voice.encode(None))
    for path, code in ((tmp_path / "voice.mp4", "no_video"), (tmp_path, "not_found"), ("/dev/zero", "not_found")):
        with pytest.raises(SourceFailed) as failure:
            open_source(path).open()
        assert failure.value.code == code


def test_nothing_of_the_address_in_the_error(tmp_path: Path, make_film: MakeFilm) -> None:
    """The error of a camera that cannot be opened holds nothing of FFmpeg's, whose message has the password."""
    with HttpCamera(tmp_path, make_film()) as camera, pytest.raises(SourceFailed) as failure:
        open_source(camera.url("/locked").replace("//", "//admin:hush@"), "http").open()
    assert failure.value.code == "unauthorized"
    assert failure.value.__context__ is None
    assert "hush" not in repr(failure.value)
    assert "hush" not in repr(SourceSpec("c1", "rtsp", "rtsp://admin:hush@10.0.0.5/"))
