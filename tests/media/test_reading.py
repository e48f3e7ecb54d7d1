"""server/media/reading.py: the one thread of a camera."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.clock import SystemClock
from server.errors import SourceFailed
from server.media.outlets import Outlets
from server.media.packet import Packet
from server.media.reading import Reading
from server.media.reasons import failure
from server.media.source import Source, SourceSpec, VideoFacts
from server.media.status import Meter
from server.media.timeline import Timeline
from tests.media.conftest import MakeFilm


def reading(path: Path, first: list[str], silent_after_s: float | None = None) -> Reading:
    clock = SystemClock()
    outlets = Outlets("c2", clock, Meter())
    source = Source(SourceSpec("c2", "file", str(path)), clock=clock, timeline=Timeline(clock.monotonic()))
    return Reading(
        source,
        camera_id="c2",
        outlets=outlets,
        on_first=lambda: first.append(outlets.facts.codec if outlets.facts else ""),
        silent_after_s=silent_after_s,
    )


def threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "camera-c2"]


async def test_cancelled(make_film: MakeFilm) -> None:
    """The first packet is told on the loop; cancelling ends the thread before it returns."""
    first: list[str] = []
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await reading(make_film(), first).run()
    assert first == ["h264"]
    assert not threads()


async def test_failed(tmp_path: Path) -> None:
    """A source that fails ends it with the reason, and the thread is gone."""
    first: list[str] = []
    with pytest.raises(SourceFailed) as failed:
        await reading(tmp_path / "missing.mp4", first).run()
    assert failed.value.code == "not_found"
    assert not first
    assert not threads()


class Silent:
    """A device whose driver does not return."""

    def __init__(self, ends: bool) -> None:
        self._ends = ends
        self.go = threading.Event()

    def open(self) -> VideoFacts:
        self.go.wait(10)
        raise failure("ended")

    def packets(self) -> Iterator[Packet]:
        raise NotImplementedError

    def close(self) -> None:
        pass

    def stop(self) -> None:
        if self._ends:
            self.go.set()


@pytest.mark.parametrize("ends", [True, False])
async def test_silent(ends: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """An input without a time-out of its own is given up; a thread that does not even stop is left behind, and said."""
    monkeypatch.setattr("server.media.reading._STUCK_AFTER_S", 0.1)
    outlets = Outlets("c2", SystemClock(), Meter())
    device = Silent(ends)
    one = Reading(device, camera_id="c2", outlets=outlets, on_first=lambda: None, silent_after_s=0.1)
    with pytest.raises(SourceFailed) as failed:
        await one.run()
    assert failed.value.code == "timed_out"
    assert ("left_behind" in capsys.readouterr().out) is not ends
    device.go.set()
    for thread in threads():
        await asyncio.to_thread(thread.join, 5)


async def test_not_silent(make_film: MakeFilm) -> None:
    """While packets arrive, nothing is given up."""
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.6):
            await reading(make_film(), [], silent_after_s=0.15).run()


async def test_a_fault_of_ours_is_a_failure(make_film: MakeFilm, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error nobody thought of ends the reading like any failure, instead of a thread that died unseen."""

    def broken(self: Outlets, packet: object) -> None:
        raise KeyError("rtsp://admin:hush@10.0.0.5/")

    monkeypatch.setattr(Outlets, "publish", broken)
    with pytest.raises(SourceFailed) as failed:
        await reading(make_film(), []).run()
    assert failed.value.code == "failed"
    assert "hush" not in str(failed.value)
