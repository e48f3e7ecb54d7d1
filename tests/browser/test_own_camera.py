"""This device's camera as one of Rollcall's: Chromium plays a clip of the demo's visitor as if it were one."""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from playwright.sync_api import Browser, expect

from server.demo.clips import SCENES, compose
from tests.browser.chromium import Visit, camera_that_shows, chromium
from tests.browser.visits import tile, wait_for_video
from tests.journeys.client import Api
from tests.journeys.films import jpeg
from tests.journeys.server import RollcallServer
from tests.sources import DemoSources

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

MINUTE = 60_000
DENIED = """
  navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException("no", "NotAllowedError"));
"""


@pytest.fixture(scope="module")
def visitor_film(tmp_path_factory: pytest.TempPathFactory, portraits: None) -> Path:
    """What the device sees: Eileen Collins before the entrance's counter, seconds 3 to 9 of the demo's clip."""
    [scene] = [scene for scene in SCENES if scene.name == "Entrance"]
    path = tmp_path_factory.mktemp("device") / "visitor.mjpeg"
    with path.open("wb") as film:
        for number, pixels in enumerate(compose(scene, 9)):
            if number >= 75 and number % 2:
                film.write(jpeg(np.asarray(cv2.resize(pixels, (1280, 720)), np.uint8), 85))
    return path


@pytest.fixture(scope="module")
def browser(chromium_path: str, visitor_film: Path) -> Iterator[Browser]:
    """One with a camera that it may use without asking."""
    with chromium(chromium_path, camera_that_shows(visitor_film)) as started:
        yield started


def test_this_devices_camera_checks_people_in(admin: Visit, api: Api, site: RollcallServer, demo: DemoSources) -> None:
    """From the wall: a name and a role, and whoever passes the device is on the list; Stop gives it back."""
    person = api.enrol("Eileen Collins", demo.collins)
    page = admin.open("/")
    with site.subscriber(api.token) as hears:
        hears.subscribe("attendance")
        page.get_by_role("button", name="Use this device's camera").click()
        dialog = page.get_by_role("dialog", name="Use this device's camera")
        dialog.get_by_role("button", name="Start the camera").click()
        expect(dialog).to_contain_text("Enter a name")
        dialog.get_by_label("Name").fill("Reception desk")
        dialog.get_by_label("Who passes this camera").select_option("in")
        dialog.get_by_role("button", name="Start the camera").click()
        expect(page.get_by_text("This device's camera is live as “Reception desk”.")).to_be_visible(timeout=MINUTE)
        entry = hears.event("attendance.checked_in", lambda data: data["person"]["id"] == person)["data"]
    [camera] = api.get("cameras")
    assert (camera["kind"], camera["role"], entry["cameraId"]) == ("push", "in", camera["id"])
    wait_for_video(page, "Reception desk")
    expect(page.locator("[data-door-list]")).to_contain_text("Eileen Collins")
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(tile(page, "Reception desk")).to_contain_text("Nobody publishes to this camera", timeout=MINUTE)
    # The camera that waits now is offered first.
    page.get_by_role("button", name="Use this device's camera").click()
    dialog.get_by_label("Publish to").select_option("Reception desk")
    expect(dialog.get_by_label("Name")).to_be_hidden()
    dialog.get_by_role("button", name="Start the camera").click()
    expect(page.get_by_text("This device's camera is live as “Reception desk”.")).to_be_visible(timeout=MINUTE)
    assert len(api.get("cameras")) == 1


def test_a_camera_that_is_not_allowed_is_said_in_words(admin: Visit, api: Api) -> None:
    """Nothing is added, and the sentence says what to do."""
    admin.context.add_init_script(DENIED)
    page = admin.open("/")
    page.get_by_role("button", name="Use this device's camera").click()
    dialog = page.get_by_role("dialog", name="Use this device's camera")
    dialog.get_by_label("Name").fill("Reception desk")
    dialog.get_by_role("button", name="Start the camera").click()
    expect(dialog.get_by_role("alert")).to_contain_text("Allow it in the address bar")
    assert api.get("cameras") == []


def test_a_kiosk_is_its_own_camera(visitor: Visit, api: Api, demo: DemoSources) -> None:
    """A paired tablet publishes what it sees, shows it as a mirror, greets, and goes on by itself after a restart."""
    api.enrol("Eileen Collins", demo.collins)
    camera = api.post("cameras", {"name": "Tablet", "kind": "push", "role": "in"})["id"]
    kiosk = api.add_kiosk("Front door", camera)
    visitor.context.grant_permissions(["camera"])
    page = visitor.open("/kiosk")
    page.get_by_label("Pairing code").fill(api.post(f"kiosks/{kiosk}/pairing-code")["code"])
    page.get_by_role("button", name="Pair").click()
    page.get_by_role("button", name="Use this device's camera").click()
    own = page.locator("[data-kiosk-own-video]")
    expect(own).to_be_visible()
    assert own.evaluate("video => getComputedStyle(video).transform").startswith("matrix(-1")
    expect(page.locator("[data-kiosk-big]")).to_have_text("Eileen Collins", timeout=MINUTE)
    page.reload()
    expect(page.locator("[data-kiosk-own]")).to_have_attribute("data-own", "live", timeout=MINUTE)
    expect(own).to_be_visible()
    assert api.get(f"cameras/{camera}/status")["state"] == "online"
    page.get_by_role("button", name="Stop this device's camera").click()
    expect(own).to_be_hidden()
