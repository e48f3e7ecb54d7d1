"""One camera whose connection is cut again and again: nothing of the lost sessions stays, and then it is online."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from tests.journeys.client import Subscriber, about
from tests.journeys.server import RollcallServer
from tests.media.films import write_film
from tests.media.rtsp_server import RtspCamera

pytestmark = [pytest.mark.journey, pytest.mark.slow, pytest.mark.timeout(900)]

DROPS = 24
WARM_UP = 4
# Measured: 1.2 MB over 24 drops. A decoder of this size that stayed would be 5 MB a drop, the heap of a thread 0.5.
MEMORY_MB = 12.0


@dataclass(frozen=True, slots=True)
class Held:
    """What the process holds at a moment, as the system counts it."""

    threads: int
    files: int
    sockets: int
    memory_mb: float

    @classmethod
    def of(cls, pid: int) -> "Held":
        process, here = psutil.Process(pid), Path(f"/proc/{pid}")
        files = [link.readlink() for link in (here / "fd").iterdir() if link.is_symlink()]
        return cls(
            len(list((here / "task").iterdir())),
            len(files),
            sum(str(one).startswith("socket:") for one in files),
            process.memory_info().rss / 2**20,
        )


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RollcallServer]:
    settings = {"ROLLCALL_MEDIA__LONGEST_PAUSE_S": "0.5"}
    with RollcallServer(tmp_path_factory.mktemp("drops"), settings=settings) as running:
        yield running


def drop(device: RtspCamera, hears: Subscriber, times: int) -> None:
    """Each time waits until it was noticed and the camera is online again."""
    for _ in range(times):
        times_online = len(hears.events("camera.online")) + 1
        device.drop()
        online_again(hears, times_online)


def online_again(hears: Subscriber, times: int) -> None:
    hears.message(lambda _: len(hears.events("camera.online")) == times)


def fill_pools(server: RollcallServer, camera: str) -> None:
    """Connections to the database and threads for pictures come when they are first needed, and stay: all of them."""
    with server.login() as crowd, ThreadPoolExecutor(24) as many:
        for width in range(100, 220):
            many.submit(crowd.picture, f"/api/v1/cameras/{camera}/snapshot.jpg?width={width}")


def test_a_camera_that_is_dropped_again_and_again(server: RollcallServer, tmp_path: Path) -> None:
    """24 times in a row, while it is analysed: no thread, socket, file or memory is left behind."""
    film = write_film(tmp_path / "film.mp4", size=(1280, 720))
    with server.login() as api, RtspCamera(film) as device, server.subscriber(api.token) as hears:
        hears.subscribe("cameras")
        camera = api.add_camera("Yard", device.url, kind="rtsp", role="monitor")
        hears.event("camera.online", about(id=camera))
        drop(device, hears, WARM_UP)
        fill_pools(server, camera)
        time.sleep(3)
        before = Held.of(server.pid)
        drop(device, hears, DROPS)
        time.sleep(3)
        after = Held.of(server.pid)
        assert api.get(f"cameras/{camera}/status")["state"] == "online"
        assert device.requests.count("PLAY") == 1 + WARM_UP + DROPS
        api.call("DELETE", f"cameras/{camera}", 204)
    assert after.threads <= before.threads + 1, (before, after)
    assert (after.files, after.sockets) == (before.files, before.sockets)
    assert after.memory_mb <= before.memory_mb + MEMORY_MB, (before, after)
