"""server/media/source.py: one open input, read in real time on a continuous time line."""

import errno
import sys
import threading
import time
from fractions import Fraction
from itertools import islice
from pathlib import Path

import av
import numpy as np
import pytest

from server.clock import SystemClock
from server.errors import SourceFailed
from server.media.decoder import Decoder
from server.media.devices import Device
from server.media.source import Kind, Source, SourceSpec
from server.media.timeline import Timeline
from tests.media.conftest import MakeFilm
from tests.media.http_server import HttpCamera


def open_source(url: str | Path, kind: Kind = "file", timeout_s: float = 2) -> Source:
    clock = SystemClock()
    return Source(
        SourceSpec("c1", kind, str(url), timeout_s, timeout_s),
        clock=clock,
        timeline=Timeline(clock.monotonic()),
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


@pytest.mark.parametrize(
    ("name", "options", "profile", "pixels"),
    [
        ("high.mp4", {"pixel_format": "yuv444p"}, "High 4:4:4 Predictive", "yuv444p"),
        ("plain.mp4", {}, "Constrained Baseline", "yuv420p"),
        ("pictures.avi", {"codec": "mjpeg"}, "Baseline", "yuvj420p"),
    ],
)
def test_profile(make_film: MakeFilm, name: str, options: dict[str, object], profile: str, pixels: str) -> None:
    """Opening tells in which profile and pixel format the video comes."""
    source = open_source(make_film(name, **options))
    facts = source.open()
    source.close()
    assert (facts.profile, facts.pixel_format) == (profile, pixels)


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
    assert 0.2 < took_s < 15
    assert all(bytes(packet.encoded)[:3] in (b"\x00\x00\x00", b"\x00\x00\x01") for packet in packets)
    assert all(bytes(packet.encoded).find(b"\x67", 0, 8) > 0 for packet in packets if packet.keyframe)


def test_stop_ends_the_wait(make_film: MakeFilm) -> None:
    """A stop ends the wait for the next picture at once, also when a film has one picture in four seconds."""
    source = open_source(make_film("slow.mkv", frames=4, fps=Fraction(1, 4)))
    source.open()
    packets = source.packets()
    next(packets)
    threading.Timer(0.1, source.stop).start()
    began_s = time.monotonic()
    assert list(packets) == []
    assert time.monotonic() - began_s < 3
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


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="devices have names here")
def test_missing_device() -> None:
    """A camera that is not plugged in is not found; so is a number that is none."""
    for number in ("97", "x", "-1", "", "../null", "0;1"):
        with pytest.raises(SourceFailed) as failure:
            open_source(number, "usb").open()
        assert failure.value.code == "not_found"


def as_device(monkeypatch: pytest.MonkeyPatch, *found: Device) -> None:
    monkeypatch.setattr("server.media.source.device", lambda number: found[int(number)])


def test_usb(make_film: MakeFilm, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a camera cannot do is asked for in another way; its pictures may come without any encoding."""
    raw = make_film("raw.nut", codec="rawvideo", pixel_format="yuyv422")
    as_device(monkeypatch, Device(str(raw), "nut", ({"video_size": "1280x720", "f_list": "x"}, {})))
    source = open_source("0", "usb")
    facts = source.open()
    packets = list(islice(source.packets(), 3))
    source.close()
    assert (facts.codec, facts.width, facts.height, facts.pixel_format) == ("rawvideo", 160, 96, "yuyv422")
    decoder = Decoder.of("c1", facts)
    (frame,) = decoder.decode(packets[0])
    assert frame.to_bgr().shape == (96, 160, 3)


def test_usb_wishes(make_film: MakeFilm, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Only a refused wish leads to the next; that somebody else has the camera, or that it is not ours, is final."""
    tried: list[dict[str, str]] = []
    errors = [av.error.ArgumentError(errno.EINVAL, "x"), OSError(errno.EBUSY, "x"), None]

    def opening(address: str, mode: str, **options: object) -> object:
        tried.append(options["container_options"])  # type: ignore[arg-type]
        raise errors[len(tried) - 1] or AssertionError("tried too often")

    monkeypatch.setattr(av, "open", opening)
    as_device(monkeypatch, Device("/dev/video0", "v4l2", ({"a": "1"}, {"b": "2"}, {})))
    with pytest.raises(SourceFailed) as failure:
        open_source("0", "usb").open()
    assert failure.value.code == "busy"
    assert tried == [{"a": "1"}, {"b": "2"}]
    errors[:] = [PermissionError(errno.EACCES, "x")]
    tried.clear()
    with pytest.raises(SourceFailed) as failure:
        open_source("0", "usb").open()
    assert failure.value.code == "no_permission"
    assert failure.value.__context__ is None
