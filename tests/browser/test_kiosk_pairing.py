"""A paired screen stays paired, whatever the network and those on the way say: only the server ends it."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, Page, Route, WebSocketRoute, expect

from tests.browser.chromium import Visit
from tests.browser.doors import big, entries_of, pair, root, token_of, type_pin, with_pin
from tests.journeys.client import Api
from tests.journeys.server import RollcallServer

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]

MINUTE = 60_000
PAIRING = "Pair this screen"


@pytest.fixture
def visit(site: RollcallServer, browser: Browser) -> Iterator[Visit]:
    """A refusal makes a console complain."""
    with Visit.of(browser, site.url, quiet=False) as visiting:
        yield visiting


class Wires:
    """The sockets of a screen on their way to the real server, and with which codes it closed them."""

    def __init__(self, visit: Visit) -> None:
        self.stalls = False
        self.closes_with: int | None = None
        self.opened = 0
        self.codes: list[int | None] = []
        visit.context.route_web_socket("**/ws", self._open)

    def _open(self, wire: WebSocketRoute) -> None:
        self.opened += 1
        server = wire.connect_to_server()
        server.on_close(lambda code, reason: self._close(wire, code, reason))
        if self.stalls:
            self.stalls = False
            wire.on_message(lambda message: None)  # what the screen says does not arrive
        if self.closes_with is not None:
            code, self.closes_with = self.closes_with, None
            self._close(wire, code, "")

    def _close(self, wire: WebSocketRoute, code: int | None, reason: str | None) -> None:
        self.codes.append(code)
        wire.close(code=code, reason=reason)


def wait_for(page: Page, wires: Wires, code: int) -> None:
    """Until a socket was closed with it; nothing on the page tells."""
    for _ in range(MINUTE // 100):
        if code in wires.codes:
            return
        page.wait_for_timeout(100)
    pytest.fail(f"no socket was closed with {code}: {wires.codes}")


def test_a_network_that_stalls_for_seconds_ends_no_pairing(visit: Visit, api: Api) -> None:
    """The server hears nothing within its five seconds and closes with 4501; the screen comes back as it was."""
    wires = Wires(visit)
    page = pair(visit, api, api.add_kiosk("Front door"))
    token = token_of(page)
    wires.stalls = True
    page.reload()
    wait_for(page, wires, 4501)
    expect(root(page)).to_have_attribute("data-kept", "yes", timeout=MINUTE)  # once it is connected
    expect(root(page)).to_have_attribute("data-state", "idle", timeout=MINUTE)
    expect(root(page)).to_have_attribute("data-section", "door")
    assert token_of(page) == token


def test_one_that_was_removed_meanwhile_ends(visit: Visit, api: Api) -> None:
    """The same 4501, but the server does not know it any more either."""
    wires = Wires(visit)
    kiosk = api.add_kiosk("Front door")
    page = pair(visit, api, kiosk)
    wires.stalls = True
    page.reload()
    expect(root(page)).to_have_attribute("data-section", "door")
    api.call("DELETE", f"kiosks/{kiosk}", 204)
    expect(page.get_by_role("heading", name=PAIRING)).to_be_visible(timeout=MINUTE)
    assert page.evaluate("localStorage.getItem('rollcall.kiosk')") is None


def test_a_code_that_tells_to_stay_away_ends_no_pairing(visit: Visit, api: Api) -> None:
    """4520 is about a conversation, not about the screen: it rests, and listens again. No server of ours sends it to
    this page, so it is said by the way."""
    wires = Wires(visit)
    page = pair(visit, api, api.add_kiosk("Front door"))
    token = token_of(page)
    wires.closes_with = 4520
    page.reload()
    wait_for(page, wires, 4520)
    expect(big(page)).to_have_text("No connection")
    expect(root(page)).to_have_attribute("data-state", "idle", timeout=3 * MINUTE)
    assert token_of(page) == token


@pytest.mark.parametrize("status", [401, 403])
def test_a_proxy_that_refuses_a_code_ends_no_pairing(visit: Visit, api: Api, status: int) -> None:
    """What it refuses is kept, and sent once it lets through again: one entry."""
    person, pin = with_pin(api, "Ada Lovelace")
    page = pair(visit, api, api.add_kiosk("Front door"))
    refused = 0

    def refuse(route: Route) -> None:
        nonlocal refused
        refused += 1
        route.fulfill(status=status, content_type="text/html", body="<h1>Sign in to the network</h1>")

    page.route("**/api/v1/**", refuse)
    type_pin(page, pin)
    expect(big(page)).to_have_text("Kept")
    for _ in range(int(timedelta(minutes=1) / timedelta(milliseconds=100))):
        if refused >= 4:  # the entry and the question after it, twice: what waited was refused as well
            break
        page.wait_for_timeout(100)
    expect(root(page)).to_have_attribute("data-section", "door")
    expect(root(page)).to_have_attribute("data-waiting", "1")
    page.unroute("**/api/v1/**")
    expect(page.locator("[data-kiosk-news]")).to_have_text("1 check-in was sent.", timeout=MINUTE)
    assert len(entries_of(api, person)) == 1
