"""The kiosk without a network, in Chromium: says so, keeps codes over a reload, and sends them exactly once."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser.chromium import Visit
from tests.browser.doors import big, entries_of, heard, pair, read_badge, root, type_pin, with_pin
from tests.journeys.client import Api
from tests.journeys.server import ADMIN, PASSWORD, RollcallServer

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]

MINUTE = 60_000
KEPT_AFTER = timedelta(seconds=31)  # what arrives sooner is taken for one that was typed just now

# All that IndexedDB holds, as text: what somebody finds who reads the disk of the device.
EVERYTHING = """async () => {
  const database = await new Promise((resolve, reject) => {
    const request = indexedDB.open("rollcall-kiosk");
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  const rows = await new Promise((resolve) => {
    const request = database.transaction("waiting").objectStore("waiting").getAll();
    request.onsuccess = () => resolve(request.result);
  });
  const text = (row) => Object.entries(row).map(([name, value]) => {
    const bytes = value instanceof ArrayBuffer ? new Uint8Array(value) : value;
    return `${name}=${bytes instanceof Uint8Array ? new TextDecoder("latin1").decode(bytes) : JSON.stringify(value)}`;
  }).join(" ");
  database.close();
  return rows.map(text);
}"""


# As many as are asked for, of a kiosk and from days ago; sealed by what is gone, so nothing of them is read again.
SEED = """async ({ kiosk, days, count }) => {
  const database = await new Promise((resolve, reject) => {
    const request = indexedDB.open("rollcall-kiosk");
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  const transaction = database.transaction("waiting", "readwrite");
  const deviceTime = new Date(Date.now() - days * 86_400_000).toISOString();
  for (let number = 0; number < count; number += 1) {
    const key = `${kiosk} ${days} ${number}`;
    const [iv, sealed] = [new Uint8Array(12), new ArrayBuffer(24)];
    transaction.objectStore("waiting").add({ key, kioskId: kiosk, deviceTime, means: "pin", iv, sealed });
  }
  await new Promise((resolve) => { transaction.oncomplete = resolve; });
  database.close();
}"""


@pytest.fixture
def visit(site: RollcallServer, browser: Browser) -> Iterator[Visit]:
    """A network that is cut makes a console complain."""
    with Visit.of(browser, site.url, quiet=False) as visiting:
        yield visiting


def cut(visit: Visit, page: Page) -> None:
    visit.context.set_offline(True)
    expect(root(page)).to_have_attribute("data-state", "offline")


def keep(page: Page, pin: str, waiting: int) -> None:
    """Types it; the screen says that it is kept, and how many are."""
    type_pin(page, pin)
    expect(big(page)).to_have_text("Kept")
    expect(root(page)).to_have_attribute("data-waiting", str(waiting))


def test_codes_wait_for_the_network_and_arrive_once(visit: Visit, api: Api) -> None:
    """Cut, two codes, reloaded without a network, restored: two entries, at the times at which they were typed."""
    (ada, first), (grace, second) = with_pin(api, "Ada Lovelace"), with_pin(api, "Grace Hopper")
    page = pair(visit, api, api.add_kiosk("Front door"))
    cut(visit, page)
    expect(big(page)).to_have_text("No connection")
    expect(page.locator("[data-kiosk-line]")).to_contain_text("Use your code or your badge. It is kept here")
    expect(heard(page)).to_contain_text("No connection")
    started = datetime.now(UTC)
    keep(page, first, 1)
    assert "Ada" not in page.locator("body").inner_text()  # nobody knows yet whose it is
    keep(page, second, 2)
    stored = page.evaluate(EVERYTHING)
    assert len(stored) == 2
    assert not [row for row in stored if first in row or second in row]
    page.reload()
    expect(page.locator("[data-kiosk-name]")).to_have_text("Front door")
    expect(root(page)).to_have_attribute("data-state", "offline")
    expect(page.locator("[data-kiosk-news]")).to_have_text("2 check-ins wait to be sent")
    page.wait_for_timeout(KEPT_AFTER / timedelta(milliseconds=1))
    assert entries_of(api, ada) == entries_of(api, grace) == []
    back = datetime.now(UTC)
    visit.context.set_offline(False)
    expect(page.locator("[data-kiosk-news]")).to_have_text("2 check-ins were sent.", timeout=MINUTE)
    expect(root(page)).to_have_attribute("data-state", "idle")
    expect(root(page)).to_have_attribute("data-waiting", "0")
    for person in (ada, grace):
        [entry] = entries_of(api, person)
        # By the server's clock and how long ago it was, so the way of the request is in it; not when it arrived.
        assert started <= datetime.fromisoformat(entry["at"]) <= back - KEPT_AFTER / 2
    assert page.evaluate(EVERYTHING) == []
    assert heard(page).get_by_text("Ada").count() == 0  # whoever it was has left


def test_an_answer_that_is_lost_makes_no_second_entry(visit: Visit, api: Api) -> None:
    """The server has entered it, the screen cannot know: it sends the same again, under the same key."""
    person, pin = with_pin(api, "Ada Lovelace")
    kiosk = api.add_kiosk("Front door")
    page = pair(visit, api, kiosk)
    sent: list[tuple[str, str]] = []

    def lose(route: Route) -> None:
        request = route.request
        sent.append((request.headers["idempotency-key"], json.loads(request.post_data or "{}")["deviceTime"]))
        if len(sent) > 1:
            route.continue_()
            return
        assert route.fetch().status == 201
        route.abort("connectionreset")

    page.route("**/check-ins", lose)
    type_pin(page, pin)
    expect(page.locator("[data-kiosk-news]")).to_have_text("1 check-in was sent.", timeout=MINUTE)
    assert len(sent) == 2
    assert sent[0] == sent[1]
    assert len(entries_of(api, person)) == 1


def test_one_that_is_refused_is_told_and_holds_up_nothing(visit: Visit, api: Api) -> None:
    """A wrong code typed without a network is refused later; the badge after it arrives."""
    person = api.add_person("Katherine Johnson")
    api.post(f"people/{person}/badges", {"badge": "04:A2:2B:9C"})
    page = pair(visit, api, api.add_kiosk("Front door"))
    cut(visit, page)
    keep(page, "90817263", 1)
    read_badge(page, "04:A2:2B:9C")
    expect(root(page)).to_have_attribute("data-waiting", "2")
    visit.context.set_offline(False)
    news = page.locator("[data-kiosk-news]")
    expect(news).to_have_text("1 check-in was sent. 1 check-in was refused. Tell the desk.", timeout=MINUTE)
    expect(news).to_have_attribute("data-tone", "red")
    assert len(entries_of(api, person)) == 1
    assert page.evaluate(EVERYTHING) == []


@pytest.fixture
def own_server(tmp_path: Path, chromium_path: str) -> Iterator[RollcallServer]:
    with RollcallServer(tmp_path) as running:
        yield running


def test_a_screen_starts_while_the_server_is_away(own_server: RollcallServer, browser: Browser) -> None:
    """From what its browser keeps: in the language that was chosen, and codes are kept until the server is back."""
    with own_server.login() as api, Visit.of(browser, own_server.url, quiet=False) as visit:
        person, pin = with_pin(api, "Ada Lovelace")
        page = pair(visit, api, api.add_kiosk("Front door"))
        page.get_by_role("button", name="Language").click()
        page.get_by_role("button", name="Deutsch").click()
        expect(big(page)).to_have_text("Schauen Sie in die Kamera")
        own_server.stop()
        expect(big(page)).to_have_text("Keine Verbindung")
        page.reload()
        expect(big(page)).to_have_text("Keine Verbindung")
        page.locator("[data-kiosk-code]").click()
        for digit in pin:
            page.get_by_role("button", name=digit, exact=True).click()
        page.get_by_role("button", name="Fertig").click()
        expect(big(page)).to_have_text("Aufbewahrt")
        own_server.start()
        expect(page.locator("[data-kiosk-news]")).to_have_text("1 Buchung wurde gesendet.", timeout=2 * MINUTE)
    with own_server.login() as api:
        assert len(entries_of(api, person)) == 1


def test_a_revoked_screen_keeps_what_waits(visit: Visit, api: Api) -> None:
    """It goes back to pairing, and nothing of what was typed is lost or sent for another kiosk."""
    _, pin = with_pin(api, "Ada Lovelace")
    kiosk = api.add_kiosk("Front door")
    page = pair(visit, api, kiosk)
    cut(visit, page)
    keep(page, pin, 1)
    api.call("DELETE", f"kiosks/{kiosk}", 204)
    visit.context.set_offline(False)
    expect(page.get_by_role("heading", name="Pair this screen")).to_be_visible(timeout=MINUTE)
    assert len(page.evaluate(EVERYTHING)) == 1


def test_what_waits_for_another_kiosk_takes_no_room(visit: Visit, api: Api) -> None:
    """A device that was another kiosk before keeps 500 of its own all the same, and not one more."""
    _, pin = with_pin(api, "Ada Lovelace")
    kiosk = api.add_kiosk("Front door")
    page = pair(visit, api, kiosk)
    page.evaluate(SEED, {"kiosk": "another", "days": 1, "count": 500})
    cut(visit, page)
    keep(page, pin, 1)
    page.evaluate(SEED, {"kiosk": kiosk, "days": 1, "count": 499})
    type_pin(page, pin)
    expect(page.locator("[data-pad-told]")).to_contain_text("No more can be kept here")


def test_what_is_too_old_goes_when_the_screen_starts(visit: Visit, api: Api) -> None:
    """The server takes nothing of more than seven days: neither of this kiosk, which is told, nor of one before it."""
    kiosk = api.add_kiosk("Front door")
    page = pair(visit, api, kiosk)
    page.evaluate(SEED, {"kiosk": "another", "days": 8, "count": 3})
    page.evaluate(SEED, {"kiosk": "another", "days": 6, "count": 1})
    page.evaluate(SEED, {"kiosk": kiosk, "days": 8, "count": 2})
    page.reload()
    expect(page.locator("[data-kiosk-news]")).to_have_text("2 check-ins were refused. Tell the desk.")
    expect(root(page)).to_have_attribute("data-waiting", "0")
    [left] = page.evaluate(EVERYTHING)
    assert 'key="another 6 0"' in left


def test_the_kept_page_holds_nothing_of_anybody(visit: Visit, api: Api, browser: Browser) -> None:
    """The page is asked for without cookies: no name and no token of who is signed in on the device."""
    visit.sign_in(ADMIN, PASSWORD)
    with Visit.of(browser, visit.url, quiet=False) as other:
        place = pair(other, api, api.add_kiosk("Front door")).evaluate("localStorage.getItem('rollcall.kiosk')")
    page = visit.open("/kiosk")
    page.evaluate("(place) => localStorage.setItem('rollcall.kiosk', place)", place)
    page.reload()
    expect(root(page)).to_have_attribute("data-kept", "yes")
    kept = page.evaluate("async () => (await (await caches.open('rollcall-kiosk-1')).match('/kiosk')).text()")
    assert "data-kiosk" in kept
    assert "csrf-token" not in kept
    assert "data-signed-in" not in kept
    assert "csrf-token" in page.content()
