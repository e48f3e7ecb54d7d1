"""server/media/probe.py: what a source is, or why it cannot be opened."""

import time
from pathlib import Path

import pytest

from server.address import AddressRules
from server.errors import Invalid, SourceFailed
from server.media.probe import ProbeResult, probe
from server.media.source import SourceSpec
from tests.media.conftest import MakeFilm
from tests.media.rtsp_server import RtspCamera


async def test_file(make_film: MakeFilm, rules: AddressRules) -> None:
    """A film is told by codec, size, rate, B-frames and sound."""
    film = make_film("film.mp4", b_frames=1, fps=10, sound=True)
    assert await probe(SourceSpec("", "file", str(film)), rules) == ProbeResult("h264", 160, 96, 10.0, True, "aac")


async def test_rtsp(make_film: MakeFilm, rules: AddressRules) -> None:
    """A camera is asked over its own protocol."""
    with RtspCamera(make_film()) as camera:
        result = await probe(SourceSpec("", "rtsp", camera.url), rules)
    assert (result.codec, result.width, result.height) == ("h264", 160, 96)


async def test_a_look(make_film: MakeFilm, rules: AddressRules) -> None:
    """With a look there is a picture and a bit rate, of a film as of a camera; without one it is not read."""
    film = make_film(frames=50)
    with RtspCamera(film) as camera:
        for spec in (SourceSpec("", "file", str(film)), SourceSpec("", "rtsp", camera.url)):
            found = await probe(spec, rules, look=True)
            assert found.frame is not None
            assert (found.frame.width, found.frame.height) == (160, 96)
            assert found.bitrate_kbps
            assert found.bitrate_kbps > 1
            assert (await probe(spec, rules)).frame is None


async def test_within_ten_seconds(make_film: MakeFilm, rules: AddressRules) -> None:
    """A camera that accepts and says nothing, or plays along and never sends a picture, is given up in time."""
    for silent, paused in ((True, False), (False, True)):
        began_s = time.monotonic()
        with RtspCamera(make_film(), silent=silent, paused=paused) as camera, pytest.raises(SourceFailed) as failure:
            await probe(SourceSpec("", "rtsp", camera.url), rules, look=True)
        assert failure.value.code == "timed_out"
        assert time.monotonic() - began_s < 10


async def test_refused(tmp_path: Path, rules: AddressRules) -> None:
    """What is not allowed is not opened; what is not there has its reason."""
    with pytest.raises(Invalid):
        await probe(SourceSpec("", "file", "/etc/passwd"), rules)
    with pytest.raises(Invalid):
        await probe(SourceSpec("", "http", "http://10.0.0.5/"), rules)
    with pytest.raises(SourceFailed) as failure:
        await probe(SourceSpec("", "file", str(tmp_path / "missing.mp4")), rules)
    assert failure.value.code == "not_found"
