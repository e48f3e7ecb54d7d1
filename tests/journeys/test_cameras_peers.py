"""Cameras of somebody else's: GStreamer's RTSP server and FFmpeg, in every codec that cameras send, seen to the end."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.journeys.client import Api, about
from tests.journeys.server import RollcallServer
from tests.journeys.whep_player import WhepPlayer
from tests.media.gstreamer import GstreamerCameras, gstreamer_cameras
from tests.servers import free_port

pytestmark = [pytest.mark.journey, pytest.mark.timeout(300)]

LOGIN = "guard:s3cretive"
CODECS = {"baseline": "h264", "main": "h264", "h265": "hevc", "mjpeg": "mjpeg"}
TRANSCODED = {"baseline": None, "main": "b_frames", "h265": "codec", "mjpeg": "codec"}


@pytest.fixture(scope="module")
def peer() -> Iterator[GstreamerCameras]:
    with gstreamer_cameras() as running:
        yield running


@pytest.fixture(scope="module")
def server(peer: GstreamerCameras, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RollcallServer]:
    with RollcallServer(tmp_path_factory.mktemp("peers")) as running:
        yield running


def seen_to_the_end(server: RollcallServer, api: Api, camera: str, codec: str, size: tuple[int, int]) -> None:
    """Online with its codec and size, analysed, and decoded by a viewer in the form that browsers take."""
    with WhepPlayer(server.url, camera, api.token) as viewer:
        viewer.decodes(25, size=size)
        assert viewer.codec == "video/H264"
    until = time.monotonic() + 30
    while api.get(f"cameras/{camera}/stats")["framesAnalysed"] < 5:
        assert time.monotonic() < until
        time.sleep(0.1)
    status = api.get(f"cameras/{camera}/status")
    assert (status["state"], status["codec"], status["width"], status["height"]) == ("online", codec, *size)


@pytest.mark.parametrize("name", list(CODECS))
def test_gstreamer(server: RollcallServer, api: Api, peer: GstreamerCameras, name: str) -> None:
    """H.264 with and without B-frames, H.265 and Motion JPEG: what browsers cannot take is encoded for them."""
    with server.subscriber(api.token) as hears:
        hears.subscribe("cameras")
        camera = api.add_camera(name, peer.url(name), kind="rtsp", role="monitor")
        hears.event("camera.online", about(id=camera))
        seen_to_the_end(server, api, camera, CODECS[name], peer.sizes[name])
        assert api.get(f"cameras/{camera}/stats")["transcoded"] == TRANSCODED[name]
        assert hears.events("camera.offline") == []


@pytest.mark.parametrize("kind", ["--basic", "--digest"])
def test_a_wrong_password(server: RollcallServer, api: Api, kind: str) -> None:
    """Its reason is that it was refused; with the right one it is online; no password is in any answer or log."""
    with gstreamer_cameras(kind, LOGIN) as locked, server.subscriber(api.token) as hears:
        hears.subscribe("cameras")
        for login, event in (("guard:wr0ngly", "camera.offline"), (LOGIN, "camera.online")):
            camera = api.add_camera(login[6:9], locked.url("baseline", login), kind="rtsp", role="monitor")
            status = hears.event(event, about(id=camera))["data"]["status"]
            assert status["reason"] == ("unauthorized" if event == "camera.offline" else None)
        told = f"{hears.messages()} {api.get('cameras')} {api.get(f'cameras/{camera}/status')}"
    for password in ("wr0ngly", "s3cretive"):
        assert password not in told
        assert password not in server.log.read_text()


@contextmanager
def ffmpeg_serves(codec: list[str]) -> Iterator[str]:
    """FFmpeg as a camera over HTTP: a transport stream of its test picture, to one client after the other."""
    url = f"http://127.0.0.1:{free_port()}/live.ts"
    picture = ["-re", "-f", "lavfi", "-i", "testsrc2=size=384x288:rate=25", "-pix_fmt", "yuv420p", "-g", "25", *codec]
    command = ["ffmpeg", "-loglevel", "error", *picture, "-f", "mpegts", "-listen", "1", url]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield url
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize(("encoder", "codec"), [("libx264", "h264"), ("libx265", "hevc")])
def test_ffmpeg(server: RollcallServer, api: Api, encoder: str, codec: str) -> None:
    """A transport stream over HTTP, with the B-frames that the encoder makes by itself."""
    options = ["-c:v", encoder, "-preset", "ultrafast", "-bf", "2"]
    with ffmpeg_serves(options) as url, server.subscriber(api.token) as hears:
        hears.subscribe("cameras")
        camera = api.add_camera(encoder, url, kind="http", role="monitor")
        hears.event("camera.online", about(id=camera))
        seen_to_the_end(server, api, camera, codec, (384, 288))
