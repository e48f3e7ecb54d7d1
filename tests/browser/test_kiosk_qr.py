"""QR badges at a kiosk. Chromium on Linux has no BarcodeDetector, so the wiring is tried with one that reads what the
test holds up; the camera is Chromium's own made-up one."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.chromium import Visit, chromium, overflow_px, unnamed_controls
from tests.browser.doors import big, entries_of, pair, root
from tests.journeys.client import Api
from tests.journeys.server import RollcallServer

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

CAMERA = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
READS = """
  window.heldUp = [];
  window.looks = 0;
  window.BarcodeDetector = class {
    static async getSupportedFormats() { return ["ean_13", "qr_code"]; }
    async detect(video) {
      if (!(video instanceof HTMLVideoElement) || !video.videoWidth) throw new Error("no picture");
      window.looks += 1;
      return window.heldUp.map((rawValue) => ({ rawValue, format: "qr_code" }));
    }
  };
"""


@pytest.fixture(scope="module")
def browser(chromium_path: str) -> Iterator[Browser]:
    """One with a camera that it may use without asking."""
    with chromium(chromium_path, CAMERA) as started:
        yield started


@pytest.fixture
def reading(visitor: Visit) -> Visit:
    """A browser that reads QR codes."""
    visitor.context.add_init_script(READS)
    return visitor


def with_badge(api: Api, full_name: str) -> tuple[str, str]:
    """A new person: the id, and the badge that the server drew."""
    person = api.add_person(full_name)
    return person, api.post(f"people/{person}/badges", {"label": "Card"})["badge"]


def hold_up(page: Page, *codes: str) -> None:
    """Before the camera, and looked at more than once."""
    looks = page.evaluate("codes => { window.heldUp = codes; return window.looks; }", list(codes))
    page.wait_for_function("before => window.looks > before + 1", arg=looks)


def test_a_browser_that_reads_none_says_so(visitor: Visit, api: Api) -> None:
    """No button that does nothing, but a sentence where another way is looked for; none where no badge is taken."""
    kiosk = api.add_kiosk("Front door")
    page = pair(visitor, api, kiosk)
    expect(root(page)).to_have_attribute("data-qr", "missing")
    expect(page.get_by_role("button", name="Scan a QR badge")).to_have_count(0)
    page.get_by_role("button", name="Use your code").click()
    expect(page.get_by_text("This screen cannot read QR codes.")).to_be_visible()
    api.call("PUT", f"kiosks/{kiosk}", 200, json={"name": "Front door", "means": ["pin"]})
    page.reload()
    page.get_by_role("button", name="Use your code").click()
    expect(page.get_by_text("This screen cannot read QR codes.")).to_be_hidden()


def test_a_badge_before_the_camera(reading: Visit, api: Api) -> None:
    """The camera is opened for it, reads it once as a reader would, and is closed; nothing of it is sent."""
    person, badge = with_badge(api, "Ada Lovelace")
    page = pair(reading, api, api.add_kiosk("Front door"))
    button = page.get_by_role("button", name="Scan a QR badge")
    button.click()
    expect(root(page)).to_have_attribute("data-qr", "on")
    expect(page.get_by_text("Hold the QR code of your badge")).to_be_visible()
    expect(page.locator("[data-kiosk-own-video]")).to_be_visible()
    assert unnamed_controls(page) == []
    page.set_viewport_size({"width": 390, "height": 844})
    assert overflow_px(page) <= 0
    page.set_viewport_size({"width": 1440, "height": 900})
    page.evaluate("badge => { window.heldUp = ['short', ` ${badge} `]; }", badge)
    expect(big(page)).to_have_text("Ada Lovelace")
    expect(root(page)).to_have_attribute("data-qr", "off")
    expect(page.locator("[data-kiosk-own-video]")).to_be_hidden()
    assert page.evaluate("document.querySelector('[data-kiosk-own-video]').srcObject") is None
    assert len(entries_of(api, person)) == 1

    page.evaluate("window.heldUp = []")
    button.click()
    expect(root(page)).to_have_attribute("data-qr", "on")
    page.get_by_role("button", name="Stop scanning").click()
    expect(root(page)).to_have_attribute("data-qr", "off")


def test_the_kiosks_own_camera_looks_all_the_time(reading: Visit, api: Api) -> None:
    """What it sends for faces is looked at for codes too: what stays there counts once, an unknown one is refused."""
    _, badge = with_badge(api, "Grace Hopper")
    camera = api.post("cameras", {"name": "Tablet", "kind": "push"})["id"]
    page = pair(reading, api, api.add_kiosk("Front door", camera))
    asked: list[str] = []
    page.on("request", lambda one: asked.append(one.url) if one.url.endswith("/check-ins") else None)
    page.get_by_role("button", name="Use this device's camera").click()
    expect(root(page)).to_have_attribute("data-qr", "following")
    expect(page.get_by_role("button", name="Scan a QR badge")).to_have_count(0)
    hold_up(page, badge)
    expect(big(page)).to_have_text("Grace Hopper")
    hold_up(page, badge)
    expect(root(page)).to_have_attribute("data-state", "idle")  # a greeting is not cut short
    hold_up(page, badge, "NOBODYS-BADGE")
    expect(page.locator("[data-kiosk-sound]")).to_have_attribute("data-played", "refused")
    hold_up(page, "NOBODYS-BADGE", badge)
    hold_up(page)
    page.wait_for_timeout(3500)  # long gone
    hold_up(page, "NOBODYS-BADGE")  # a poster that comes into view again is no guess
    assert len(asked) == 2


def test_the_screen_and_the_server_agree(reading: Visit, api: Api, site: RollcallServer) -> None:
    """A kiosk that takes no badges opens no camera for them, and closes one that is open when that changes."""
    kiosk = api.add_kiosk("Front door")
    page = pair(reading, api, kiosk)
    expect(root(page)).to_have_attribute("data-qr", "off")
    api.call("PUT", f"kiosks/{kiosk}", 200, json={"name": "Front door", "means": ["face", "pin"]})
    page.reload()
    expect(root(page)).to_have_attribute("data-state", "idle")
    expect(page.get_by_role("button", name="Use your code")).to_be_visible()
    expect(page.get_by_role("button", name="Scan a QR badge")).to_have_count(0)
