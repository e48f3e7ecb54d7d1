"""Cameras on the network that die and come back: the server says so, says why, and opens them again by itself."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journeys.client import Api, Subscriber, about
from tests.journeys.films import decoded
from tests.journeys.server import RollcallServer
from tests.media.films import write_film
from tests.media.http_server import HttpCamera
from tests.media.rtsp_server import RtspCamera
from tests.servers import free_port

pytestmark = [pytest.mark.journey, pytest.mark.timeout(300)]

SILENT_FOR_S = "2"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RollcallServer]:
    """Less patient with silence than by default, so that the tests need not wait so long."""
    settings = {
        "ROLLCALL_MEDIA__STALL_AFTER_S": SILENT_FOR_S,
        "ROLLCALL_MEDIA__READ_TIMEOUT_S": SILENT_FOR_S,
        "ROLLCALL_MEDIA__ALERT_AFTER_S": "1",
    }
    with RollcallServer(tmp_path_factory.mktemp("cameras"), settings=settings) as running:
        yield running


@pytest.fixture
def film(tmp_path: Path) -> Path:
    write_film(tmp_path / "film.avi", codec="mjpeg", size=(320, 192))
    return write_film(tmp_path / "film.mp4", size=(320, 192))


def came_back(hears: Subscriber) -> None:
    """Waits until a camera has been told to be online for the second time."""
    hears.message(lambda _: len(hears.events("camera.online")) == 2)


def test_an_http_camera_that_dies_and_returns_is_online_again(server: RollcallServer, api: Api, film: Path) -> None:
    """MJPEG over HTTP: the connection is cut and refused, later it is there again."""
    with HttpCamera(film.parent, film) as device, server.subscriber(api.token) as hears:
        hears.subscribe("cameras")
        camera = api.add_camera("Gate", device.url("/mjpeg"), kind="http", role="monitor")
        online = hears.event("camera.online", about(id=camera))["data"]
        assert online["status"]["state"] == "online"
        assert decoded(api.picture(f"cameras/{camera}/snapshot.jpg")).shape == (192, 320, 3)
        device.stop()
        offline = hears.event("camera.offline", about(id=camera))["data"]
        assert offline["status"]["state"] in ("offline", "stalled")
        assert offline["status"]["reason"]
        assert offline["status"]["explanation"]
        assert api.refusal("GET", f"cameras/{camera}/snapshot.jpg", 503)["code"] == "camera_offline"
        device.start()
        came_back(hears)
        status = api.get(f"cameras/{camera}/status")
        assert (status["state"], status["width"], status["codec"]) == ("online", 320, "mjpeg")
        kinds = [event["type"] for event in hears.events()]
    assert kinds == ["camera.added", "camera.online", "camera.offline", "camera.online"]


def test_somebody_is_told_of_a_camera_that_stays_away(server: RollcallServer, api: Api, film: Path) -> None:
    """An alert after the grace, with the reason in words, and its end when the camera is back."""
    with HttpCamera(film.parent, film) as device, server.subscriber(api.token) as hears:
        hears.subscribe("alerts")
        camera = api.add_camera("Gate", device.url("/mjpeg"), kind="http", role="monitor")
        device.stop()
        raised = hears.event("alert.raised", about(kind="camera_offline"))["data"]
        assert raised["subject"] == f"cameras/{camera}"
        assert raised["message"].startswith("Gate has been offline since")
        assert [one["id"] for one in api.get("alerts", state="open")] == [raised["id"]]
        device.start()
        assert hears.event("alert.cleared", about(id=raised["id"]))
        assert api.get("alerts", state="open") == []


def test_an_rtsp_camera_that_loses_its_power_is_online_again(server: RollcallServer, api: Api, film: Path) -> None:
    """RTSP with a login: the password is in no answer, no event and no line of the log."""
    with RtspCamera(film, login="guard:s3cretive") as device, server.subscriber(api.token) as hears:
        hears.subscribe("cameras")
        source = device.url.replace("rtsp://", "rtsp://guard:s3cretive@")
        camera = api.add_camera("Yard", source, kind="rtsp", role="monitor")
        hears.event("camera.online", about(id=camera))
        device.stop()
        offline = hears.event("camera.offline", about(id=camera))["data"]
        assert offline["status"]["reason"]
        device.start()
        came_back(hears)
        assert api.get(f"cameras/{camera}/status")["state"] == "online"
        told = f"{hears.messages()} {api.get('cameras')} {api.get(f'cameras/{camera}')}"
    assert "s3cretive" not in told
    assert "guard@" in told
    assert "s3cretive" not in server.log.read_text()


def test_a_camera_that_falls_silent_is_opened_again(server: RollcallServer, api: Api, film: Path) -> None:
    """The connection stays, but no picture comes: stalled, restarted, and online when pictures come again."""
    with RtspCamera(film) as device, server.subscriber(api.token) as hears:
        hears.subscribe("cameras")
        camera = api.add_camera("Hall", device.url, kind="rtsp", role="monitor")
        hears.event("camera.online", about(id=camera))
        device.paused = True
        offline = hears.event("camera.offline", about(id=camera))["data"]
        assert offline["status"]["reason"] in ("stalled", "timed_out", "no_frames", "ended")
        device.paused = False
        came_back(hears)


def test_a_camera_that_is_not_there_says_why(server: RollcallServer, api: Api, film: Path) -> None:
    """Nobody listens, a wrong path, a wrong password: each has its own reason, on the camera and in a probe."""
    with HttpCamera(film.parent, film) as device, server.subscriber(api.token) as hears:
        hears.subscribe("cameras")
        sources = {
            "refused": f"http://127.0.0.1:{free_port()}/mjpeg",
            "not_found": device.url("/nowhere"),
            "unauthorized": device.url("/locked"),
        }
        for reason, source in sources.items():
            camera = api.add_camera(reason, source, kind="http", role="monitor")
            offline = hears.event("camera.offline", about(id=camera))["data"]
            assert offline["status"]["reason"] == reason
            probed = api.refusal("POST", "cameras/probe", 503, json={"source": source, "kind": "http"})
            assert probed["code"] == reason


def test_a_camera_elsewhere_is_not_allowed(server: RollcallServer, api: Api, film: Path) -> None:
    """Only the configured networks and folders: not a file beside them, not a public address, not the metadata."""
    refused = {
        str(film): "file",
        "/etc/passwd": "file",
        "http://169.254.169.254/latest": "http",
        "rtsp://192.0.2.1/live": "rtsp",
        "file:///etc/passwd": "http",
    }
    for source, kind in refused.items():
        body = {"name": "x", "source": source, "kind": kind, "enabled": False}
        error = api.refusal("POST", "cameras", 422, json=body)
        assert error["details"][0]["field"] == "source"
