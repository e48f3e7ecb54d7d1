"""Rollcall under test: `rollcall serve` on a data folder of its own, with a camera or more of a benchmark's."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from bench.parts.child import Child
from tests.journeys.client import Api
from tests.journeys.server import RollcallServer

LIVE_WITHIN_S = 30.0
# The one analysis comes at the start: its bursts would drown what a viewer costs.
HARDLY_ANALYSED = {"ROLLCALL_INFERENCE__FRAMES_PER_SECOND": "0.002"}


@dataclass(frozen=True, slots=True)
class Site:
    server: RollcallServer
    api: Api

    def add_camera(self, name: str, url: str, **more: Any) -> str:
        """Its id, when its video is there."""
        camera_id = self.api.add_camera(name, url, kind="rtsp", **more)
        until = time.monotonic() + LIVE_WITHIN_S
        while self.api.get(f"cameras/{camera_id}/status")["state"] != "online":
            if time.monotonic() > until:
                raise RuntimeError(f"{name} is not online after {LIVE_WITHIN_S:.0f} s.\n{self.server.last_lines()}")
            time.sleep(0.2)
        return camera_id

    def whep(self, camera_id: str, *, annotated: bool = False) -> str:
        return f"{self.server.url}/api/v1/cameras/{camera_id}/whep" + ("?annotated=true" if annotated else "")


@contextmanager
def running_site(folder: Path, settings: Mapping[str, str]) -> Iterator[Site]:
    """The server, signed in to as admin."""
    with RollcallServer(folder, settings=settings) as server, server.login() as api:
        yield Site(server, api)


@dataclass(frozen=True, slots=True)
class Window:
    """Some seconds of a server with viewers. `cpu` is a part of one core; `frames` a second, of the worst viewer."""

    cpu: float
    frames: float
    lost: int
    resident_mb: float


def spent(pid: int, seconds: float) -> float:
    """CPU of the process and its children in so many seconds, in parts of one core."""
    family = _family(pid)
    before, began = _cpu_s(family), time.monotonic()
    time.sleep(seconds)
    return (_cpu_s(family) - before) / (time.monotonic() - began)


def watched(pid: int, crowd: Child, seconds: float) -> Window:
    """What the process and its children spend meanwhile, and what its viewers get."""
    family = _family(pid)
    before, earlier_s, began = crowd.ask("count"), _cpu_s(family), time.monotonic()
    time.sleep(seconds)
    cpu_s, lasted = _cpu_s(family) - earlier_s, time.monotonic() - began
    after = crowd.ask("count")
    got = [later - earlier for earlier, later in zip(before["frames"], after["frames"], strict=True)]
    return Window(
        cpu_s / lasted,
        min(got) / (after["at"] - before["at"]),
        sum(after["lost"]) - sum(before["lost"]),
        sum(one.memory_info().rss for one in family) / 1e6,
    )


def _family(pid: int) -> list[psutil.Process]:
    return [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]


def _cpu_s(family: Sequence[psutil.Process]) -> float:
    times = [one.cpu_times() for one in family]
    return float(sum(one.user + one.system for one in times))
