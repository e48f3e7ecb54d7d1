"""Fifty viewers come and go, half of them without a word: nothing of them stays."""

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import pytest

from tests.journeys.client import Api
from tests.journeys.server import RollcallServer
from tests.sources import DemoSources

pytestmark = [pytest.mark.journey, pytest.mark.slow, pytest.mark.timeout(400)]

ROOT = Path(__file__).parents[2]
GONE_WITHIN_S = 10.0
# Coarse: the heaps of threads grow to their size over the first hundreds of viewers. tests/webrtc counts objects.
MEMORY_MB = 45.0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, demo: DemoSources) -> Iterator[RollcallServer]:
    folder = tmp_path_factory.mktemp("viewers")
    settings = {"ROLLCALL_INFERENCE__FRAMES_PER_SECOND": "0.5"}
    with RollcallServer(folder, roots=[demo.folder], settings=settings) as running:
        yield running


class Crowd:
    """Viewers in a process of their own: they receive and never decode."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "bench.parts.light_viewers"]
        self._process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        self.answer()

    def answer(self) -> dict[str, object]:
        assert self._process.stdout is not None
        answer: dict[str, object] = json.loads(self._process.stdout.readline())
        assert "error" not in answer, answer
        return answer

    def tell(self, *words: object) -> dict[str, object]:
        assert self._process.stdin is not None
        self._process.stdin.write(" ".join(str(word) for word in words) + "\n")
        return self.answer()

    def vanish(self) -> None:
        """`kill -9`: no goodbye to anybody."""
        self._process.kill()
        self._close()

    def leave(self) -> None:
        """With a DELETE for each, and the end of the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(60)
        self._close()

    def _close(self) -> None:
        self._process.wait(10)
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            with suppress(BrokenPipeError):
                pipe.close()


@contextmanager
def crowd(count: int, url: str, token: str | None) -> Iterator[Crowd]:
    viewers = Crowd()
    try:
        assert viewers.tell("watch", count, url, token) == {"viewers": count}
        yield viewers
    finally:
        viewers.vanish()


@dataclass(frozen=True, slots=True)
class Held:
    """What the server holds at a moment."""

    viewers: int
    tasks: int
    threads: int
    files: int
    memory_mb: float

    @classmethod
    def of(cls, server: RollcallServer) -> "Held":
        text = httpx.get(f"{server.url}/metrics", timeout=30).text
        viewers = sum(float(found) for found in re.findall(r"^rollcall_camera_viewers\S* (\S+)$", text, re.MULTILINE))
        [tasks] = re.findall(r"^rollcall_tasks (\S+)$", text, re.MULTILINE)
        process = psutil.Process(server.pid)
        return cls(
            round(viewers), round(float(tasks)), process.num_threads(), process.num_fds(),
            process.memory_info().rss / 2**20,
        )  # fmt: skip


def settled(server: RollcallServer, wanted: Callable[[Held], bool], within_s: float) -> Held:
    """What it holds as soon as that is so, or at the end of the time."""
    until = time.monotonic() + within_s
    while not wanted(held := Held.of(server)) and time.monotonic() < until:
        time.sleep(0.25)
    return held


def test_fifty_viewers_come_and_go(server: RollcallServer, demo: DemoSources) -> None:
    """Plain and annotated, politely and by vanishing: no task, thread, socket or memory of theirs stays."""
    with server.login() as api:
        camera = api.add_camera("Entrance", demo.entrance)
        wait_online(api, camera)
        whep = f"{server.url}/api/v1/cameras/{camera}/whep"
        for annotated in ("false", "true"):  # what stays after the first ones is kept for the next
            with crowd(25, f"{whep}?annotated={annotated}", api.token) as first:
                first.leave()
        before = settled(server, lambda held: held.viewers == 0, GONE_WITHIN_S)
        time.sleep(2)
        before = Held.of(server)
        for annotated in ("false", "true"):
            address = f"{whep}?annotated={annotated}"
            with crowd(13, address, api.token) as polite, crowd(12, address, api.token) as rude:
                assert Held.of(server).viewers == 25
                polite.leave()
                assert settled(server, lambda held: held.viewers == 12, GONE_WITHIN_S).viewers == 12
                rude.vanish()
                assert settled(server, lambda held: held.viewers == 0, GONE_WITHIN_S).viewers == 0
        after = settled(server, lambda held: held.tasks <= before.tasks and held.files <= before.files, GONE_WITHIN_S)
        api.call("DELETE", f"cameras/{camera}", 204)
    assert after.viewers == 0
    assert after.tasks <= before.tasks
    assert after.files <= before.files
    assert after.threads <= before.threads + 2  # the pool of the event loop grows to its size once
    assert after.memory_mb <= before.memory_mb + MEMORY_MB


def wait_online(api: Api, camera: str) -> None:
    until = time.monotonic() + 20
    while api.call("GET", f"cameras/{camera}/status", 200)["state"] != "online":
        assert time.monotonic() < until
        time.sleep(0.1)
