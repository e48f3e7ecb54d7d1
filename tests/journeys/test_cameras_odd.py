"""Cameras that misbehave: each has a state and a reason, the server lives on, and no other camera notices."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

from tests.journeys.client import Api, about
from tests.journeys.server import RollcallServer
from tests.journeys.whep_player import WhepPlayer
from tests.media.films import write_film
from tests.media.odd_camera import OddCamera
from tests.media.rtsp_server import RtspCamera
from tests.media.slow_http import SlowHttp

pytestmark = [pytest.mark.journey, pytest.mark.timeout(300)]

SILENT_FOR_S = "2"
# One packet that grows is copied when it does, so twice FFmpeg's bound; what else the server takes meanwhile is less.
MEMORY_MB = 400.0
MUCH_MB = 800

REASONS = {
    "/nothing": {"timed_out"},
    "/dribbled-head": {"timed_out"},
    "/endless-head": {"timed_out"},
    "/endless-part": {"timed_out"},
    "/noise": {"no_video"},
    "/truncated.mp4": {"no_video"},
    "/truncated.ts": {"ended"},
    "/then-nothing": {"stalled"},
    "/then-dribbled": {"stalled"},
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RollcallServer]:
    settings = {
        "ROLLCALL_MEDIA__STALL_AFTER_S": SILENT_FOR_S,
        "ROLLCALL_MEDIA__READ_TIMEOUT_S": SILENT_FOR_S,
        "ROLLCALL_MEDIA__OPEN_TIMEOUT_S": SILENT_FOR_S,
    }
    with RollcallServer(tmp_path_factory.mktemp("odd"), settings=settings) as running:
        yield running


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The films of a folder, by their names."""
    folder = tmp_path_factory.mktemp("films")
    write_film(folder / "film.mp4", size=(320, 192))
    write_film(folder / "film.ts", size=(320, 192))
    write_film(folder / "film.avi", size=(320, 192), codec="mjpeg")
    write_film(folder / "other.avi", size=(480, 272), codec="mjpeg")
    write_film(folder / "other.mp4", size=(480, 272))
    return folder


@pytest.fixture
def good(server: RollcallServer, api: Api, films: Path) -> Iterator[WhepPlayer]:
    """A camera that does as it should, and its viewer: both go on, whatever the others do."""
    with RtspCamera(films / "film.mp4") as device, server.subscriber(api.token) as hears:
        hears.subscribe("cameras")
        camera = api.add_camera("Good", device.url, kind="rtsp", role="monitor")
        hears.event("camera.online", about(id=camera))
        with WhepPlayer(server.url, camera, api.token) as viewer:
            viewer.decodes(10)
            yield viewer
            viewer.decodes(25)
        assert [one for one in hears.events("camera.offline") if one["data"]["id"] == camera] == []
        assert device.requests.count("PLAY") == 1


def analysed(api: Api, camera: str, more: int, within_s: float = 30.0) -> None:
    """Waits until so many further frames of it are analysed."""
    before, until = api.get(f"cameras/{camera}/stats")["framesAnalysed"], time.monotonic() + within_s
    while api.get(f"cameras/{camera}/stats")["framesAnalysed"] < before + more:
        assert time.monotonic() < until, api.get(f"cameras/{camera}/status")
        time.sleep(0.1)


@pytest.mark.usefixtures("good")
def test_each_has_its_reason(server: RollcallServer, api: Api, films: Path) -> None:
    """Silent, slower than anybody waits, endless, cut off, noise, all at once: each says what is wrong with it."""
    with SlowHttp(films, films / "film.mp4") as device, server.subscriber(api.token) as hears, ExitStack() as silent:
        hears.subscribe("cameras")
        mute = silent.enter_context(RtspCamera(films / "film.mp4", silent=True))
        added = {api.add_camera(path, device.url(path), kind="http", role="monitor"): REASONS[path] for path in REASONS}
        added[api.add_camera("Mute", mute.url, kind="rtsp", role="monitor")] = {"timed_out"}
        for camera, reasons in added.items():
            status = hears.event("camera.offline", about(id=camera))["data"]["status"]
            assert status["reason"] in reasons, (api.get(f"cameras/{camera}")["name"], status)
            assert status["explanation"]
        for camera in added:
            assert api.get(f"cameras/{camera}/status")["state"] in ("online", "offline", "stalled")


@pytest.mark.slow
def test_a_picture_without_an_end(films: Path, tmp_path: Path) -> None:
    """It is refused or given up, and the memory of the server stays within bounds, however much is sent."""
    with RollcallServer(tmp_path) as patient, patient.login() as api, patient.subscriber(api.token) as hears:
        hears.subscribe("cameras")
        memory, before = psutil.Process(patient.pid).memory_info, psutil.Process(patient.pid).memory_info().rss
        for path, reasons in {"/endless-picture": {"no_video"}, "/endless-motion": {"stalled", "timed_out"}}.items():
            with SlowHttp(films, films / "film.mp4") as device:
                camera = api.add_camera("Endless", device.url(path), kind="http", role="monitor")
                most, until = 0, time.monotonic() + 60
                while device.sent < MUCH_MB * 2**20 and time.monotonic() < until:
                    most = max(most, memory().rss)
                    time.sleep(0.02)
                status = hears.event("camera.offline", about(id=camera))["data"]["status"]
                assert status["reason"] in reasons
                api.call("DELETE", f"cameras/{camera}", 204)
            assert device.sent > 200 * 2**20
            assert (most - before) / 2**20 < MEMORY_MB, f"{device.sent / 2**20:.0f} MB sent"


@pytest.mark.usefixtures("good")
def test_damage_is_borne(server: RollcallServer, api: Api, films: Path) -> None:
    """Wrong bytes and lost packets, over HTTP and RTSP: the camera stays online and is analysed."""
    broken = OddCamera(films / "film.mp4", damage=0.02, loss=0.02)
    with SlowHttp(films, films / "film.mp4") as device, broken, server.subscriber(api.token) as hears:
        hears.subscribe("cameras")
        sources = {device.url("/damaged.ts"): "http", broken.url: "rtsp"}
        for source, kind in sources.items():
            camera = api.add_camera(kind, source, kind=kind, role="monitor")
            hears.event("camera.online", about(id=camera))
            analysed(api, camera, 8)
            assert api.get(f"cameras/{camera}/status")["state"] == "online"


def test_another_size_in_mid_stream(server: RollcallServer, api: Api, films: Path) -> None:
    """H.264 that is passed on: the size and the parameter sets change, there and back; the viewer just goes on."""
    with OddCamera(films / "film.mp4") as device, server.subscriber(api.token) as hears:
        hears.subscribe("cameras")
        camera = api.add_camera("Turning", device.url, kind="rtsp", role="monitor")
        hears.event("camera.online", about(id=camera))
        with WhepPlayer(server.url, camera, api.token) as viewer:
            viewer.decodes(10, size=(320, 192))
            device.show(films / "other.mp4")
            viewer.decodes(25, size=(480, 272))
            analysed(api, camera, 3)
            assert api.get(f"cameras/{camera}/status")["width"] == 480
            device.show(films / "film.mp4")
            viewer.decodes(25, size=(320, 192))
        assert hears.events("camera.offline") == []
        assert device.requests.count("PLAY") == 1


def test_another_size_of_what_is_encoded(server: RollcallServer, api: Api, films: Path) -> None:
    """Motion JPEG, encoded for its viewer: another size in mid-stream is encoded on, in the same session."""
    with SlowHttp(films, films / "film.mp4") as device, server.subscriber(api.token) as hears:
        hears.subscribe("cameras")
        camera = api.add_camera("Turning", device.url("/turning"), kind="http", role="monitor")
        hears.event("camera.online", about(id=camera))
        with WhepPlayer(server.url, camera, api.token) as viewer:
            viewer.decodes(10, size=(320, 192))
            device.turned = True
            viewer.decodes(25, size=(480, 272))
            device.turned = False
            viewer.decodes(25, size=(320, 192))
        assert hears.events("camera.offline") == []
