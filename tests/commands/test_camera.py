"""`rollcall camera probe`: what a stream is, or why it cannot be opened."""

import json
from pathlib import Path

from tests.commands.conftest import Run
from tests.media.films import write_film


def test_a_film_is_described(rollcall: Run, tmp_path: Path) -> None:
    """Codec, size and rate on one line."""
    path = write_film(tmp_path / "film.mp4", b_frames=2)
    result = rollcall("camera", "probe", str(path), ROLLCALL_MEDIA__ROOTS=json.dumps([str(tmp_path)]))
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == "h264 160x96, 25 frames a second, B-frames"


def test_what_is_not_allowed_or_not_there_says_so(rollcall: Run, tmp_path: Path) -> None:
    """Outside of the roots, missing, and on an address that is not allowed."""
    roots = json.dumps([str(tmp_path)])
    for url in ("/etc/passwd", str(tmp_path / "none.mp4"), "rtsp://127.0.0.1:9/live"):
        result = rollcall("camera", "probe", url, ROLLCALL_MEDIA__ROOTS=roots)
        assert result.returncode == 1, url
        assert len(result.stderr.strip().splitlines()) == 1, result.stderr
