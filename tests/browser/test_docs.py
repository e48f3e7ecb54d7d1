"""The description of the API is a page to use: an operation is tried out with the keyboard's names for everything."""

import re

import pytest
from playwright.sync_api import expect

from server.events.topics import TOPIC_KINDS
from tests.browser.axe import look
from tests.browser.chromium import Visit, unnamed_controls
from tests.journeys.client import Api

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]


def test_an_operation_is_tried_out(admin: Visit) -> None:
    """Opened, filled in, sent with the browser's session and answered; every control that appears has a name."""
    page = admin.open("/docs")
    page.locator("#operations-tag-users").click()
    operation = page.locator("#operations-users-list_users")
    operation.locator(".opblock-summary").click()
    operation.get_by_role("button", name="Try it out").click()
    operation.get_by_label("sort").select_option("email")
    operation.get_by_role("button", name="Execute").click()
    expect(operation.locator(".live-responses-table tbody .response-col_status")).to_contain_text("200")
    page.locator("#operations-users-create_user .opblock-summary").click()
    page.locator("#operations-users-create_user").get_by_role("button", name="Try it out").click()
    expect(page.get_by_label("Request body")).to_contain_text("fullName")
    page.get_by_role("button", name="Authorize").click()
    expect(page.get_by_role("button", name="Close").first).to_be_visible()
    assert unnamed_controls(page) == []


def test_a_change_is_tried_out(admin: Visit) -> None:
    """What changes something carries the page's token, so that the cookie is enough."""
    page = admin.open("/docs")
    page.locator("#operations-tag-auth").click()
    operation = page.locator("#operations-auth-ticket")
    operation.locator(".opblock-summary").click()
    operation.get_by_role("button", name="Try it out").click()
    operation.get_by_role("button", name="Execute").click()
    expect(operation.locator(".live-responses-table tbody .response-col_status")).to_contain_text("200")


def test_events_are_listened_to_on_their_page(admin: Visit, api: Api) -> None:
    """As they happen, by the session; a link to a message opens it, and a program is copied."""
    page = admin.open("/docs/events#event-camera-added")
    expect(page.locator("#event-camera-added figure")).to_be_visible()
    listening = page.locator("[data-listen]")
    expect(listening.locator("option")).to_have_count(len([kind for kind in TOPIC_KINDS if "{" not in kind.address]))
    listening.get_by_label("Topic").select_option("cameras")
    listening.get_by_role("button", name="Listen").click()
    expect(listening.get_by_role("status")).to_contain_text("Listening.")
    api.add_camera("Listened", "http://127.0.0.1:9/none", kind="http", enabled=False)
    expect(listening.get_by_role("log")).to_contain_text("camera.added")
    expect(listening.get_by_role("log")).to_contain_text('"name":"Listened')
    look(page)
    listening.get_by_role("button", name="Stop").click()
    expect(listening.get_by_role("status")).to_contain_text("Not listening.")
    page.get_by_role("button", name="Copy the program: Python").click()
    expect(page.locator("[data-toasts]")).to_contain_text(re.compile("Copied|selected"))
    expect(listening.locator("[role=log]")).to_have_attribute("aria-live", "off")  # its status says enough
    assert unnamed_controls(page) == []
    page = admin.open("/docs/events#%E0%A4%A")  # which is no name
    page.locator("[data-listen]").get_by_role("button", name="Listen").click()
    expect(page.locator("[data-listen]").get_by_role("status")).to_contain_text("Listening.")
