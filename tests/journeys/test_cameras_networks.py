"""Live video over a network that loses and delays: a viewer still decodes, and a publisher is still online."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.chromium import chromium, find_chromium
from tests.journeys.client import Api, about
from tests.journeys.lossy_relay import LossyRelay
from tests.journeys.server import RollcallServer
from tests.journeys.whep_page import WhepPage
from tests.media.films import write_film
from tests.media.rtsp_server import RtspCamera

pytestmark = [pytest.mark.journey, pytest.mark.browser, pytest.mark.timeout(400)]

LOSS, DELAY_S = 0.05, 0.08
INSIDE = "ROLLCALL_TEST_BEHIND_NETEM"
FAKE_CAMERA = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    found = find_chromium()
    if found is None:
        pytest.skip("no Chromium here: apt-get install chromium")
    with chromium(found, FAKE_CAMERA) as started:
        yield started


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RollcallServer]:
    with RollcallServer(tmp_path_factory.mktemp("networks")) as running:
        yield running


@pytest.fixture
def page(server: RollcallServer, browser: Browser, api: Api) -> Iterator[WhepPage]:
    opened = WhepPage(browser, server.url, api.token)
    yield opened
    opened.close()


@pytest.fixture
def relay() -> Iterator[LossyRelay | None]:
    """None inside of the namespace, whose kernel does it."""
    if os.environ.get(INSIDE):
        yield None
        return
    with LossyRelay(loss=LOSS, delay_s=DELAY_S) as running:
        yield running


def test_a_viewer(server: RollcallServer, api: Api, page: WhepPage, relay: LossyRelay | None, tmp_path: Path) -> None:
    """With 5 % lost and 80 ms each way: what is missing is asked for again, and pictures are decoded."""
    film = write_film(tmp_path / "film.mp4", size=(640, 368), gop=25)
    with RtspCamera(film) as device, server.subscriber(api.token) as hears:
        hears.subscribe("cameras")
        camera = api.add_camera("Door", device.url, kind="rtsp", role="monitor")
        hears.event("camera.online", about(id=camera))
        page.begin(f"cameras/{camera}/whep", through=relay.through if relay else None)
        page.until(lambda found: found["decoded"] > 100)
        assert api.get(f"cameras/{camera}/stats")["viewers"] == 1
        assert page.leave() == 204
    assert relay is None or relay.lost > 10


def test_a_publisher(server: RollcallServer, api: Api, page: WhepPage, relay: LossyRelay | None) -> None:
    """The camera of a browser behind such a network comes online, is analysed and stays online."""
    with server.subscriber(api.token) as hears:
        hears.subscribe("cameras")
        camera: str = api.post("cameras", {"name": "Tablet", "kind": "push", "role": "monitor"})["id"]
        page.begin(f"cameras/{camera}/whip", publish=True, through=relay.through if relay else None)
        hears.event("camera.online", about(id=camera))
        sent = page.figures()["sent"]
        page.until(lambda found: found["sent"] > sent + 150)
        assert api.get(f"cameras/{camera}/status")["state"] == "online"
        assert api.get(f"cameras/{camera}/stats")["framesAnalysed"] > 5
        assert page.leave() == 204
    assert relay is None or relay.lost > 10


@pytest.mark.slow
@pytest.mark.skipif(bool(os.environ.get(INSIDE)), reason="this is the inside")
def test_the_same_behind_netem() -> None:
    """Both once more in a network namespace whose loopback itself loses and delays, where the kernel can do that."""
    if os.geteuid() != 0 or not (shutil.which("ip") and shutil.which("tc")):
        pytest.skip("needs root, ip and tc")
    name = f"rollcall-{os.getpid()}"
    within = ["ip", "netns", "exec", name]
    netem = [
        "tc",
        "qdisc",
        "add",
        "dev",
        "lo",
        "root",
        "netem",
        "loss",
        f"{LOSS:.0%}",
        "delay",
        f"{DELAY_S * 1000:.0f}ms",
    ]
    if subprocess.run(["ip", "netns", "add", name], capture_output=True, check=False).returncode != 0:
        pytest.skip("no network namespaces here")
    try:
        subprocess.run([*within, "ip", "link", "set", "lo", "up"], check=True)
        added = subprocess.run([*within, *netem], capture_output=True, text=True, check=False)
        if added.returncode != 0:
            pytest.skip(f"no netem in this kernel: {added.stderr.strip()}")
        again = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", __file__]
        ran = subprocess.run(
            [*within, *again], env={**os.environ, INSIDE: "1"}, capture_output=True, text=True, timeout=350, check=False
        )
        assert ran.returncode == 0, ran.stdout[-4000:]
    finally:
        subprocess.run(["ip", "netns", "delete", name], check=False)
