"""Kiosks in the settings: added, paired by a code, changed, and deleted."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.axe import look
from tests.browser.chromium import Visit
from tests.browser.doors import root
from tests.journeys.client import Api
from tests.journeys.server import RollcallServer
from tests.sources import DemoSources

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


def kiosks(page: Page) -> Locator:
    return page.get_by_role("region", name="Kiosks")


@pytest.fixture
def plant(api: Api) -> Iterator[str]:
    site: str = api.post("sites", {"name": "Plant", "timezone": "Europe/Berlin"})["id"]
    yield site
    for kiosk in api.get("kiosks"):
        api.call("DELETE", f"kiosks/{kiosk['id']}", 204)
    api.call("DELETE", f"sites/{site}", 204)


def test_a_kiosk_from_its_form_to_its_screen(
    admin: Visit, api: Api, site: RollcallServer, browser: Browser, demo: DemoSources, plant: str
) -> None:
    """By keyboard: what is missing is told at its field; the code is shown once, and pairs a screen; then it goes."""
    camera = api.add_camera("Entrance", demo.entrance, enabled=False)
    page = admin.open("/settings")
    expect(kiosks(page).get_by_text("No screen stands at a door yet")).to_be_visible()
    kiosks(page).get_by_role("button", name="Add a kiosk").press("Enter")
    form = page.get_by_role("form", name="Add a kiosk")
    expect(form.get_by_label("Name", exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    expect(form.get_by_text("Give it a name.")).to_be_visible()
    form.get_by_label("Name", exact=True).fill("Front door")
    for means in ("Face", "Code", "Badge"):
        form.get_by_label(means, exact=True).uncheck()
    form.get_by_role("button", name="Add it").press("Enter")
    expect(form.get_by_role("alert")).to_have_text("Choose at least one way to check in.")
    form.get_by_label("Code", exact=True).check()
    form.get_by_label("Entrance", exact=True).check()
    form.get_by_label("Which way it leads").select_option("in")
    form.get_by_label("Site").select_option(plant)
    look(page)
    form.get_by_role("button", name="Add it").press("Enter")
    sheet = page.get_by_role("dialog", name="Front door")
    shown = sheet.get_by_label("Pairing code")
    expect(shown).to_be_focused()
    code = shown.input_value()
    assert re.fullmatch(r"\d{3} \d{3}", code)
    expect(sheet.get_by_text(re.compile(r"good once, until \d\d:\d\d"))).to_be_visible()
    look(page)
    sheet.get_by_role("button", name="Done").press("Enter")
    expect(page.get_by_label("Pairing code")).to_have_count(0)
    assert code not in page.content()
    [made] = api.get("kiosks")
    assert (made["role"], made["means"], made["cameraIds"], made["siteId"]) == ("in", ["pin"], [camera], plant)
    row = kiosks(page).get_by_role("listitem", name="Front door")
    expect(row).to_contain_text("In · Code · Plant")
    expect(row).to_contain_text("Entrance")
    look(page)
    with Visit.of(browser, site.url) as visit:
        screen = visit.open("/kiosk")
        screen.get_by_label("Pairing code").fill(code)
        screen.get_by_role("button", name="Pair").click()
        expect(root(screen)).to_have_attribute("data-section", "door")
        expect(row).to_contain_text(re.compile(r"Screen connected since \d\d:\d\d"), timeout=20_000)
        connected = page.get_by_role("region", name="Connections").get_by_role("listitem", name="Front door")
        expect(connected).to_contain_text("Kiosk", timeout=20_000)
        look(page)
    expect(row).to_contain_text("No screen is connected", timeout=20_000)
    row.get_by_role("button", name="Pair a screen with Front door").click()
    expect(sheet.get_by_label("Pairing code")).not_to_have_value(code)
    page.keyboard.press("Escape")
    row.get_by_role("button", name="Delete Front door").click()
    page.get_by_role("dialog", name="Delete Front door?").get_by_role("button", name="Delete").click()
    expect(kiosks(page).get_by_text("No screen stands at a door yet")).to_be_visible()
    expect(kiosks(page).get_by_role("button", name="Add a kiosk")).to_be_focused()
    assert api.get("kiosks") == []


def test_what_somebody_else_changed_meanwhile_is_not_lost(admin: Visit, api: Api) -> None:
    """The form says so, and loads it; a name that is taken is told at its field."""
    api.add_kiosk("Back door")
    kiosk = api.add_kiosk("Front door")
    page = admin.open("/settings")
    kiosks(page).get_by_role("button", name="Edit Front door").click()
    form = page.get_by_role("form", name="Front door")
    form.get_by_label("Which way it leads").select_option("out")
    api.call("PUT", f"kiosks/{kiosk}", 200, json={"name": "Front door", "means": ["badge"]})
    form.get_by_role("button", name="Save").click()
    expect(form.get_by_text("Somebody else changed this kiosk meanwhile.")).to_be_visible()
    form.get_by_role("button", name="Load again").click()
    expect(form.get_by_label("Face", exact=True)).not_to_be_checked()
    form.get_by_label("Which way it leads").select_option("out")
    form.get_by_label("Name", exact=True).fill("Back door")
    form.get_by_role("button", name="Save").click()
    expect(form.get_by_label("Name", exact=True)).to_have_attribute("aria-invalid", "true")
    form.get_by_label("Name", exact=True).fill("Side door")
    form.get_by_role("button", name="Save").click()
    expect(kiosks(page).get_by_role("listitem", name="Side door")).to_contain_text("Out · Badge")
    changed = api.get(f"kiosks/{kiosk}")
    assert (changed["role"], changed["means"]) == ("out", ["badge"])
