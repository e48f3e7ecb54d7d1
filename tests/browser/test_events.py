"""The page of events: what happens as it happens, what has happened, and each as programs get it."""

import re

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.browser.axe import look
from tests.browser.chromium import Visit
from tests.journeys.client import Api
from tests.sources import DemoSources

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
SPAN = 60  # so many offsets back at once


def listed(page: Page) -> Locator:
    return page.get_by_role("list", name="Newest first")


def row(page: Page, words: str) -> Locator:
    return listed(page).get_by_role("button", name=re.compile(words))


def few_shown(route: Route) -> None:
    """The page as it is where more has happened than it shows."""
    script = route.fetch().text()
    assert "MOST_SHOWN = 1000;" in script
    route.fulfill(body=script.replace("MOST_SHOWN = 1000;", "MOST_SHOWN = 30;"), content_type="text/javascript")


def test_what_happens_and_what_has_happened(admin: Visit, api: Api, demo: DemoSources) -> None:
    """Newest first as it happens; held back while it is paused; only what is asked for; older ones on request."""
    page = admin.open("/events?topic=cameras")
    expect(page.get_by_label("Topic")).to_have_value("cameras")
    camera = api.add_camera("Postern", demo.entrance, enabled=False)
    expect(row(page, "Camera added.*Postern")).to_be_visible()
    page.get_by_role("button", name="Pause").click()
    for number in range(SPAN + 5):
        api.call("PUT", f"cameras/{camera}", 200, json={"name": f"Postern {number}"})
    expect(page.get_by_role("status").filter(has_text="65 new events wait")).to_be_visible()
    expect(listed(page).get_by_role("button")).to_have_count(1)
    assert page.get_by_role("button", name="Go on").get_attribute("aria-pressed") is None, "its name says it already"
    page.get_by_role("button", name="Go on").click()
    expect(listed(page).get_by_role("button").first).to_contain_text("Postern 64")
    look(page)
    page.reload()
    expect(listed(page).get_by_role("button")).to_have_count(SPAN)
    page.get_by_role("button", name="Show older").click()
    expect(row(page, "Camera added.*Postern")).to_be_visible()
    expect(page.get_by_text("The list ends here")).to_be_hidden()
    page.get_by_label("What happened").select_option("camera.added")
    expect(listed(page).get_by_role("button").first).to_contain_text("Camera added")
    expect(row(page, "Camera changed")).to_have_count(0)
    expect(page).to_have_url(re.compile("type=camera.added"))
    api.call("DELETE", f"cameras/{camera}", 204)
    page.get_by_label("What happened").select_option("camera.removed")
    row(page, "Camera removed.*Postern 64").click()
    sheet = page.get_by_role("dialog", name="Camera removed")
    expect(sheet.get_by_label("The event as programs get it")).to_contain_text(f'"id": "{camera}"')
    look(page)
    page.route("**/js/pages/events.js*", few_shown)
    page.goto(page.url.split("?")[0] + "?topic=cameras")
    expect(page.get_by_text("The list ends here, with the newest 30.")).to_be_visible()
    expect(listed(page).get_by_role("button")).to_have_count(30)
    expect(page.get_by_role("button", name="Show older")).to_be_hidden()


def test_only_what_one_may_read(visitor: Visit, api: Api) -> None:
    """A viewer has no jobs to choose, and nothing is asked for that they may not have."""
    email, password = "vera@site.example", "seven green umbrellas"
    user = api.post(
        "users", {"email": email, "fullName": "Vera", "role": "Viewer", "active": True, "password": password}
    )
    page = visitor.sign_in(email, password).open("/events")
    topic = page.get_by_label("Topic")
    expect(topic.locator("option[value=attendance]")).to_have_count(1)
    expect(topic.locator("option[value=jobs]")).to_have_count(0)
    expect(page.get_by_role("combobox", name="Person")).to_be_visible()
    expect(listed(page).locator("[aria-hidden]").first).not_to_be_visible()
    api.call("DELETE", f"users/{user['id']}", 204)
