"""Live video as the standard has it, for players of others: a page written from the RFCs, and TURN alone."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.chromium import chromium, find_chromium
from tests.journeys.client import Api, about
from tests.journeys.server import RollcallServer
from tests.journeys.turn_server import NAME, PASSWORD, turn_server
from tests.journeys.whep_page import WhepPage
from tests.media.films import write_film
from tests.media.rtsp_server import RtspCamera

pytestmark = [pytest.mark.journey, pytest.mark.browser, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def turn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with turn_server(tmp_path_factory.mktemp("turn")) as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    found = find_chromium()
    if found is None:
        pytest.skip("no Chromium here: apt-get install chromium")
    with chromium(found) as started:
        yield started


@pytest.fixture(scope="module")
def server(turn: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RollcallServer]:
    relays = [{"urls": [turn], "username": NAME, "credential": PASSWORD}]
    settings = {"ROLLCALL_WEBRTC__ICE_SERVERS": json.dumps(relays)}
    with RollcallServer(tmp_path_factory.mktemp("whep"), settings=settings) as running:
        yield running


@pytest.fixture
def camera(server: RollcallServer, api: Api, tmp_path: Path) -> Iterator[str]:
    """The path of one that is online."""
    film = write_film(tmp_path / "film.mp4", size=(320, 192))
    with RtspCamera(film) as device, server.subscriber(api.token) as hears:
        hears.subscribe("cameras")
        camera_id = api.add_camera("Door", device.url, kind="rtsp", role="monitor")
        hears.event("camera.online", about(id=camera_id))
        yield f"cameras/{camera_id}"


@pytest.fixture
def page(server: RollcallServer, browser: Browser, api: Api) -> Iterator[WhepPage]:
    opened = WhepPage(browser, server.url, api.token)
    yield opened
    opened.close()


def test_a_standard_player(page: WhepPage, camera: str, turn: str, api: Api) -> None:
    """ICE servers by Link, a session with its place and tag, candidates by PATCH, and a DELETE that ends it."""
    told = page.begin(f"{camera}/whep")
    assert told["accepts"] == "application/sdp"
    assert told["iceServers"] == [{"urls": turn, "username": NAME, "credential": PASSWORD}]
    assert turn in told["link"]
    assert told["tag"].startswith('"')
    assert page.until(lambda found: found["decoded"] > 25)["width"] == 320
    assert page.patched()
    assert set(page.patched()) == {204}
    assert api.get(f"{camera}/stats")["viewers"] == 1
    assert page.leave() == 204
    assert page.leave() == 404


def test_no_restart_of_ice(page: WhepPage, camera: str) -> None:
    """A tag of another session is a 412, a new ICE login a 422; whoever watches goes on."""
    page.begin(f"{camera}/whep")
    decoded = page.until(lambda found: found["decoded"] > 5)["decoded"]
    restart = ("a=ice-ufrag:EsAw", "a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1")
    assert page.patch(*restart, If_Match="*") == 422
    assert page.patch(*restart) == 422
    assert page.patch("a=end-of-candidates", If_Match='"another"') == 412
    assert page.patch("a=end-of-candidates") == 204
    page.until(lambda found: found["decoded"] > decoded + 10)


def test_a_relay_alone(page: WhepPage, camera: str) -> None:
    """Where only a relay is allowed, the picture comes by it."""
    page.begin(f"{camera}/whep", policy="relay")
    assert page.until(lambda found: found["decoded"] > 25)["local"] == "relay"
