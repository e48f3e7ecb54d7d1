"""Visitors on the page of people: a face without a name is named and enrolled in one click."""

import pytest
from playwright.sync_api import expect

from tests.browser.chromium import Visit
from tests.journeys.client import Api
from tests.sources import DemoSources

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


def test_a_visitor_is_named_and_enrolled(admin: Visit, api: Api, demo: DemoSources) -> None:
    """Seen by a camera, listed with the face, named as somebody new, known from then on."""
    camera = api.add_camera("Door", demo.entrance)
    page = admin.open("/people")
    card = page.locator("[data-visitor]").first
    expect(card).to_be_visible(timeout=120_000)
    api.post(f"cameras/{camera}/stop", {}, status=200)
    card.click()
    sheet = page.get_by_role("dialog", name="Visitor")
    sheet.get_by_role("combobox").fill("Eileen Collins")
    sheet.get_by_role("button", name="Add Eileen Collins").click()
    expect(sheet.locator(".notice").first).to_contain_text("Eileen Collins")
    [person] = api.get("people")
    assert person["fullName"] == "Eileen Collins"
    page.keyboard.press("Escape")
    expect(page.get_by_role("listitem").filter(has_text="Eileen Collins")).to_be_visible()
