"""Every page, wide and narrow, light and dark: no error, no violated policy, names everywhere, no sideways scroll."""

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.chromium import NARROW, WIDE, Visit, overflow_px, unnamed_controls
from tests.journeys.client import Api
from tests.journeys.server import ADMIN, PASSWORD, RollcallServer
from tests.sources import DemoSources

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

PAGES = ("/", "/cameras", "/people", "/attendance", "/account", "/password", "/docs", "/kiosk", "/no-such-page")


def check(page: Page) -> None:
    page.wait_for_timeout(1000)
    assert unnamed_controls(page) == []
    assert overflow_px(page) <= 0
    assert page.title()
    assert page.locator("html").get_attribute("lang") == "en"


@pytest.mark.parametrize(
    ("size", "dark"),
    [
        (WIDE, True),
        (NARROW, False),
        (WIDE, False),
        (NARROW, True),
    ],
)
def test_pages_are_clean(
    browser: Browser, site: RollcallServer, api: Api, demo: DemoSources, size: tuple[int, int], dark: bool
) -> None:
    """With a camera and people on them; and the login and the pairing of somebody who is not signed in."""
    person = api.enrol("Eileen Collins", demo.collins)
    camera = api.add_camera("Entrance", demo.entrance)
    api.add_kiosk("Front door", camera)
    with Visit.of(browser, site.url, size=size, dark=dark) as visit:
        for path in ("/login", "/kiosk"):
            check(visit.open(path))
        visit.sign_in(ADMIN, PASSWORD)
        for path in (*PAGES, f"/people?person={person}"):
            page = visit.open(path)
            check(page)
            page.close()


def test_pages_come_with_a_strict_policy(visitor: Visit) -> None:
    """No inline script or style, no other host, no frame around; nothing of it is cached."""
    answer = visitor.context.request.get("/login")
    policy = answer.headers["content-security-policy"]
    assert "unsafe-inline" not in policy
    assert "unsafe-eval" not in policy
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
