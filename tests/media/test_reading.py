"""server/media/reading.py: the one thread of a camera."""

import asyncio
import threading
from pathlib import Path

import pytest

from server.clock import SystemClock
from server.errors import SourceFailed
from server.media.outlets import Outlets
from server.media.reading import Reading
from server.media.source import SourceSpec, VideoFacts
from server.media.status import Meter
from server.media.timeline import Timeline
from tests.media.conftest import MakeFilm


def reading(path: Path, first: list[VideoFacts]) -> Reading:
    clock = SystemClock()
    outlets = Outlets("c2", clock, Meter())
    spec = SourceSpec("c2", "file", str(path))
    return Reading(spec, clock=clock, timeline=Timeline(clock.monotonic()), outlets=outlets, on_first=first.append)


def threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "camera-c2"]


async def test_cancelled(make_film: MakeFilm) -> None:
    """The first packet is told on the loop; cancelling ends the thread before it returns."""
    first: list[VideoFacts] = []
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await reading(make_film(), first).run()
    assert [facts.codec for facts in first] == ["h264"]
    assert not threads()


async def test_failed(tmp_path: Path) -> None:
    """A source that fails ends it with the reason, and the thread is gone."""
    first: list[VideoFacts] = []
    with pytest.raises(SourceFailed) as failure:
        await reading(tmp_path / "missing.mp4", first).run()
    assert failure.value.code == "not_found"
    assert not first
    assert not threads()


async def test_a_fault_of_ours_is_a_failure(make_film: MakeFilm, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error nobody thought of ends the reading like any failure, instead of a thread that died unseen."""

    def broken(self: Outlets, packet: object) -> None:
        raise KeyError("rtsp://admin:hush@10.0.0.5/")

    monkeypatch.setattr(Outlets, "publish", broken)
    with pytest.raises(SourceFailed) as failure:
        await reading(make_film(), []).run()
    assert failure.value.code == "failed"
    assert "hush" not in str(failure.value)
