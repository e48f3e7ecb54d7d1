"""WCAG 2.2 AA as far as axe can tell: every page of the console and every state of the kiosk, light and dark."""

from collections.abc import Iterator
from contextlib import suppress

import pytest
from playwright.sync_api import Browser, Page, TimeoutError, expect

from tests.browser.axe import violations
from tests.browser.chromium import NARROW, WIDE, Visit
from tests.browser.doors import big, by_hand, check_in, pair, root, token_of, type_pin, with_pin
from tests.journeys.client import Api
from tests.journeys.server import ADMIN, PASSWORD, RollcallServer
from tests.sources import DemoSources

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]

OPEN = ("/login", "/kiosk", "/docs", "/docs/events")
PAGES = (
    "/", "/cameras", "/people", "/attendance", "/attendance?tab=today", "/attendance?tab=month",
    "/attendance?tab=charts", "/attendance/working-time", "/events", "/settings", "/jobs", "/account", "/password",
    "/kiosk", "/docs", "/docs/events", "/no-such-page",
)  # fmt: skip
Look = tuple[tuple[int, int], bool]  # the window, and whether it is dark
APPEARANCES = [
    pytest.param((WIDE, False), id="light"),
    pytest.param((WIDE, True), id="dark"),
    pytest.param((NARROW, True), id="phone"),
]


def settled(page: Page) -> None:
    """What is loaded after the page is there as well; a page that goes on loading is looked at as it is."""
    with suppress(TimeoutError):
        page.wait_for_load_state("networkidle", timeout=4_000)
    if page.url.endswith("/docs"):
        page.locator(".opblock-tag").nth(1).click()
        page.locator(".opblock-summary-control").first.click()
        expect(page.locator(".opblock-body").first).to_be_visible()
    if page.url.endswith("/docs/events"):
        for message in ("event-sighting-recognized", "subscribe"):
            page.locator(f"#{message} > summary").click()
            expect(page.locator(f"#{message} figure").first).to_be_visible()


@pytest.mark.parametrize("look", APPEARANCES)
def test_no_page_keeps_anybody_out(
    browser: Browser, site: RollcallServer, api: Api, demo: DemoSources, look: Look
) -> None:
    """With a camera and people on them, signed in and not."""
    person = api.enrol("Eileen Collins", demo.collins)
    api.add_person("Grace Hopper")
    api.add_kiosk("Front door", api.add_camera("Entrance", demo.entrance))
    found: dict[str, list[str]] = {}
    with Visit.of(browser, site.url, size=look[0], dark=look[1], quiet=False) as visit:
        for path in (*OPEN, ADMIN, *PAGES, f"/people?person={person}"):
            if path == ADMIN:
                visit.sign_in(ADMIN, PASSWORD)
                continue
            page = visit.open(path)
            settled(page)
            if broken := violations(page):
                found[path] = broken
            page.close()
    assert found == {}


@pytest.fixture
def kiosk(api: Api) -> str:
    return api.add_kiosk("Front door")


@pytest.fixture(params=APPEARANCES)
def screen(
    request: pytest.FixtureRequest, browser: Browser, site: RollcallServer, api: Api, kiosk: str
) -> Iterator[Page]:
    """A paired screen."""
    size, dark = request.param
    with Visit.of(browser, site.url, size=size, dark=dark, quiet=False) as visit:
        yield pair(visit, api, kiosk)


def test_the_kiosk_in_each_of_its_states(screen: Page, api: Api, site: RollcallServer, kiosk: str) -> None:
    """At rest, languages, keypad, refused, greeting, several, without a network and kept; and in Arabic."""
    found = {"rest": violations(screen)}
    names = ("Ada Lovelace", "Grace Hopper", "Mary Jackson", "Dorothy Vaughan")
    ada, grace, mary, dorothy = (with_pin(api, name)[1] for name in names)
    screen.clock.install()  # greetings stay until they have been looked at
    screen.get_by_role("button", name="Language").click()
    found["languages"] = violations(screen)
    screen.keyboard.press("Escape")
    screen.get_by_role("button", name="Use your code").click()
    by_hand(screen, "12")
    screen.keyboard.press("Enter")
    found["keypad"] = violations(screen)
    screen.keyboard.press("Escape")
    type_pin(screen, ada)
    expect(big(screen)).to_have_text("Ada Lovelace")
    found["greeting"] = violations(screen)
    check_in(site.url, kiosk, token_of(screen), grace)
    check_in(site.url, kiosk, token_of(screen), mary)
    expect(screen.locator(".greeting-card")).to_have_count(3)
    found["several"] = violations(screen)
    screen.clock.run_for(8000)
    expect(root(screen)).to_have_attribute("data-state", "idle")
    screen.context.set_offline(True)
    expect(root(screen)).to_have_attribute("data-state", "offline")
    found["offline"] = violations(screen)
    type_pin(screen, dorothy)
    expect(big(screen)).to_have_text("Kept")
    found["kept"] = violations(screen)
    screen.clock.run_for(8000)
    screen.get_by_role("button", name="Language").click()
    screen.get_by_role("button", name="العربية").click()
    expect(screen.locator("html")).to_have_attribute("dir", "rtl")
    found["Arabic"] = violations(screen)
    assert {state: broken for state, broken in found.items() if broken} == {}
