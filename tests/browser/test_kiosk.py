"""The screen at the door: greets within two seconds, says what to do otherwise, and comes back by itself."""

import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.chromium import Visit
from tests.journeys.client import Api
from tests.journeys.server import ADMIN, PASSWORD, RollcallServer
from tests.sources import DemoSources

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]

GREETED_WITHIN_S = 10.0
MINUTE = 60_000


def words(page: Page) -> Locator:
    """What the screen says in large letters."""
    return page.locator("[data-kiosk-big]")


def wait_until_connected(page: Page) -> None:
    expect(page.locator("[data-kiosk]")).to_have_attribute("data-state", "idle")
    page.wait_for_timeout(1000)


def test_the_kiosk_greets_within_two_seconds(
    admin: Visit, api: Api, site: RollcallServer, demo: DemoSources, capsys: pytest.CaptureFixture[str]
) -> None:
    """From the event at a subscriber to the name on the screen, with photo, direction and time."""
    api.enrol("Eileen Collins", demo.collins)
    camera = api.add_camera("Entrance", demo.entrance, enabled=False)
    kiosk = api.add_kiosk("Front door", camera)
    page = admin.open("/kiosk")
    expect(page.locator("[data-kiosk-name]")).to_have_text("Front door")
    wait_until_connected(page)
    with site.subscriber(api.token) as hears:
        hears.subscribe("attendance")
        hears.subscribe(f"kiosks/{kiosk}")
        api.post(f"cameras/{camera}/start", status=200)
        expect(words(page)).to_have_text("Eileen Collins", timeout=MINUTE)
        shown_at = time.monotonic()
        told_at, greeting = hears.timed_event("kiosk.greeting")
        entered_at, _ = hears.timed_event("attendance.checked_in")
    took_s = shown_at - min(told_at, entered_at)
    with capsys.disabled():
        sys.stdout.write(f"\nkiosk: greeted {took_s:.2f} s after the event\n")
    assert took_s < GREETED_WITHIN_S, "a screen that lags; how much it takes is what the benchmark says"
    expect(page.locator("[data-kiosk]")).to_have_attribute("data-state", "greeting")
    expect(page.locator("[data-kiosk-line]")).to_have_text("Checked in")
    expect(page.locator("[data-kiosk-time]")).to_have_text(greeting["data"]["at"][11:16])
    expect(page.locator("[data-kiosk-face]")).to_be_visible()
    assert page.locator("[data-kiosk-face]").evaluate("img => img.complete && img.naturalWidth") >= 100
    letters = words(page).evaluate("element => parseFloat(getComputedStyle(element).fontSize)")
    assert letters >= 72
    expect(page.locator("[data-kiosk-strip]")).to_contain_text("Eileen Collins", timeout=MINUTE)
    expect(page.get_by_role("navigation")).to_have_count(0)


def test_who_is_not_recognised_is_told_what_to_do(admin: Visit, api: Api, demo: DemoSources) -> None:
    """No name and no guess, but a sentence for people."""
    camera = api.add_camera("Workshop", demo.workshop, enabled=False)
    api.add_kiosk("Back door", camera)
    page = admin.open("/kiosk")
    wait_until_connected(page)
    api.post(f"cameras/{camera}/start", status=200)
    expect(words(page)).to_have_text("Not recognised", timeout=MINUTE)
    expect(page.locator("[data-kiosk]")).to_have_attribute("data-state", "unknown")
    said = page.locator("[data-kiosk-line]").inner_text()
    assert len(said.split()) >= 4, said
    assert "_" not in said
    expect(page.locator("[data-kiosk-line]")).to_contain_text("Take off the mask", timeout=MINUTE)  # it comes by again


def test_a_screen_is_paired_by_its_code(visitor: Visit, api: Api, site: RollcallServer, demo: DemoSources) -> None:
    """Without a login: six digits, and it is the kiosk, also after it was switched off and on."""
    api.enrol("Eileen Collins", demo.collins)
    camera = api.add_camera("Entrance", demo.entrance, enabled=False)
    kiosk = api.add_kiosk("Front door", camera)
    page = visitor.open("/kiosk")
    code = page.get_by_label("Pairing code")
    code.fill("12")
    page.get_by_role("button", name="Pair").click()
    expect(page.get_by_role("alert")).to_have_text("A code has six digits.")
    code.fill("000000")
    page.get_by_role("button", name="Pair").click()
    expect(page.get_by_role("alert")).to_contain_text("not valid")
    code.fill(api.post(f"kiosks/{kiosk}/pairing-code")["code"])
    page.get_by_role("button", name="Pair").click()
    expect(page.locator("[data-kiosk-name]")).to_have_text("Front door")
    page.reload()
    expect(page.locator("[data-kiosk-name]")).to_have_text("Front door")
    wait_until_connected(page)
    api.post(f"cameras/{camera}/start", status=200)
    expect(words(page)).to_have_text("Eileen Collins", timeout=MINUTE)
    expect(page.locator("[data-kiosk-face]")).to_be_visible()
    api.call("DELETE", f"kiosks/{kiosk}", 204)
    expect(page.get_by_role("heading", name="Pair this screen")).to_be_visible(timeout=MINUTE)


@pytest.fixture
def own_server(tmp_path: Path, chromium_path: str) -> Iterator[RollcallServer]:
    with RollcallServer(tmp_path) as running:
        yield running


def test_pages_tell_when_the_server_is_away_and_come_back(own_server: RollcallServer, browser: Browser) -> None:
    """The kiosk says that it has no connection, the wall that it shows what was known; both go on by themselves."""
    with own_server.login() as api:
        api.add_kiosk("Front door")
    with Visit.of(browser, own_server.url, quiet=False) as visit:
        visit.sign_in(ADMIN, PASSWORD)
        kiosk, wall = visit.open("/kiosk"), visit.open("/")
        wait_until_connected(kiosk)
        expect(wall.locator("[data-socket]")).to_have_attribute("data-socket", "connected")
        own_server.stop()
        expect(words(kiosk)).to_have_text("No connection")
        expect(kiosk.locator("[data-kiosk]")).to_have_attribute("data-state", "offline")
        expect(kiosk.locator("[data-kiosk-line]")).to_contain_text("lost its connection")
        expect(kiosk.locator("[data-kiosk-offline]")).to_contain_text("No connection since")
        expect(wall.locator("[data-banner]")).to_contain_text("Connection lost since")
        own_server.start()
        expect(words(kiosk)).to_have_text("Look at the camera", timeout=MINUTE)
        expect(kiosk.locator("[data-kiosk-offline]")).to_be_hidden()
        expect(wall.locator("[data-banner]")).to_be_hidden(timeout=MINUTE)
        expect(wall.locator("[data-socket]")).to_have_attribute("data-socket", "connected")


def test_who_must_show_to_live_is_told_how(admin: Visit, api: Api, demo: DemoSources) -> None:
    """In large letters: what to do now; a picture that does nothing of it gets no entry."""
    person = api.enrol("Eileen Collins", demo.collins)
    camera = api.add_camera("Entrance", demo.entrance, enabled=False)
    api.call("PUT", f"cameras/{camera}", 200, json={"liveness": "refuse"})
    api.add_kiosk("Guarded door", camera)
    page = admin.open("/kiosk")
    wait_until_connected(page)
    api.post(f"cameras/{camera}/start", status=200)
    expect(page.locator("[data-kiosk]")).to_have_attribute("data-state", "challenge", timeout=MINUTE)
    asked = re.compile("Turn your head to the left|Turn your head to the right|Come closer")
    expect(words(page)).to_have_text(asked, timeout=MINUTE)
    assert words(page).evaluate("element => parseFloat(getComputedStyle(element).fontSize)") >= 48
    expect(page.locator("[data-kiosk-lead]")).to_have_text(re.compile(r"^Is it you\? \d of 3$"))
    kiosk = page.locator("[data-kiosk]")
    expect(kiosk).to_have_attribute("data-limited", "")
    assert 1 <= kiosk.evaluate("element => parseFloat(element.style.getPropertyValue('--left'))") / 1000 <= 8
    line = page.locator("[data-kiosk-line]")
    expect(line).not_to_be_empty()
    assert "_" not in line.inner_text()
    assert api.get("attendance/entries", personId=person) == []
