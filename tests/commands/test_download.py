"""A download goes on where it was cut off, and says in one line why it cannot."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.commands.download import download
from server.errors import PackRefused
from tests.commands.file_server import Served, serve

CONTENT = os.urandom(700_000)


@pytest.fixture
def served() -> Iterator[Served]:
    with serve(CONTENT) as found:
        yield found


def quiet(have: int, total: int | None) -> None:
    """No progress."""


def test_the_whole_file_and_its_progress(served: Served, tmp_path: Path) -> None:
    """From nothing to all, and how much that is."""
    seen: list[tuple[int, int | None]] = []
    download(served.url, tmp_path / "part", lambda have, total: seen.append((have, total)))
    assert (tmp_path / "part").read_bytes() == CONTENT
    assert seen[0] == (0, len(CONTENT))
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert [have for have, _ in seen] == sorted(have for have, _ in seen)


def test_connections_that_end_early_are_gone_on_from(served: Served, tmp_path: Path) -> None:
    """Each request asks for what is missing, and no byte comes twice."""
    served.cuts = [300_000, 100_000]
    download(served.url, tmp_path / "part", quiet)
    assert (tmp_path / "part").read_bytes() == CONTENT
    assert served.asked == ["", "bytes=300000-", "bytes=400000-"]


def test_what_another_run_left_is_the_beginning(served: Served, tmp_path: Path) -> None:
    """A run that gave up keeps what had come; the next one takes the rest."""
    served.cuts = [250_000]
    with pytest.raises(PackRefused, match="What has come is kept") as caught:
        download(served.url, tmp_path / "part", quiet, attempts=1)
    assert caught.value.code == "not_fetched"
    download(served.url, tmp_path / "part", quiet)
    assert (tmp_path / "part").read_bytes() == CONTENT
    assert served.asked[-1] == "bytes=250000-"


def test_a_server_without_ranges_begins_anew(served: Served, tmp_path: Path) -> None:
    """The beginning is not kept twice."""
    (tmp_path / "part").write_bytes(CONTENT[:1000])
    served.ranges = False
    download(served.url, tmp_path / "part", quiet)
    assert (tmp_path / "part").read_bytes() == CONTENT


def test_a_longer_left_over_is_thrown_away(served: Served, tmp_path: Path) -> None:
    """It cannot be the beginning of this file."""
    (tmp_path / "part").write_bytes(CONTENT + b"more")
    download(served.url, tmp_path / "part", quiet)
    assert (tmp_path / "part").read_bytes() == CONTENT


def test_what_cannot_be_fetched_is_one_line(served: Served, tmp_path: Path) -> None:
    """Not there, nobody there, and not https from another machine."""
    for url, says in (
        (served.url.replace("network.onnx", "nothing"), "answered 404"),
        ("http://127.0.0.1:9/network.onnx", "cannot be fetched"),
        ("http://models.example/network.onnx", "is not https"),
    ):
        with pytest.raises(PackRefused, match=says) as caught:
            download(url, tmp_path / "part", quiet)
        assert "\n" not in caught.value.message
