"""server/media/probe.py: what a source is, or why it cannot be opened."""

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


async def test_refused(tmp_path: Path, rules: AddressRules) -> None:
    """What is not allowed is not opened; what is not there has its reason."""
    with pytest.raises(Invalid):
        await probe(SourceSpec("", "file", "/etc/passwd"), rules)
    with pytest.raises(Invalid):
        await probe(SourceSpec("", "http", "http://10.0.0.5/"), rules)
    with pytest.raises(SourceFailed) as failure:
        await probe(SourceSpec("", "file", str(tmp_path / "missing.mp4")), rules)
    assert failure.value.code == "not_found"
