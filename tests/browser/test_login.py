"""Signing in as a person does it."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.chromium import Visit
from tests.journeys.server import ADMIN, PASSWORD

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


def test_a_wrong_password_is_told_beside_the_field(visitor: Visit) -> None:
    """The sentence stands at the password, the field is marked and has the focus; the right one lets in."""
    page = visitor.open("/")
    expect(page).to_have_url(re.compile(r"/login\?next="))
    email, password = page.get_by_label("Email"), page.get_by_label("Password", exact=True)
    expect(email).to_be_focused()
    email.fill(ADMIN)
    password.fill("not my password")
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("#password-error")).to_be_visible()
    expect(page.locator("#password-error")).to_contain_text("do not match")
    expect(password).to_have_attribute("aria-invalid", "true")
    expect(password).to_be_focused()
    password.fill(PASSWORD)
    password.press("Enter")
    expect(page).to_have_url(re.compile(r":\d+/$"))
    expect(page.get_by_role("heading", name="Live", exact=True)).to_be_visible()


def test_empty_fields_are_told_without_asking_the_server(visitor: Visit) -> None:
    """Each missing field has its own sentence."""
    page = visitor.open("/login")
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("#username-error")).to_have_text("Enter your email.")
    expect(page.locator("#password-error")).to_have_text("Enter your password.")


def test_the_password_can_be_shown(visitor: Visit) -> None:
    """The button says what it will do next."""
    page = visitor.open("/login")
    password = page.locator("#password")
    password.fill("visible")
    page.get_by_role("button", name="Show the password").click()
    expect(password).to_have_attribute("type", "text")
    page.get_by_role("button", name="Hide the password").click()
    expect(password).to_have_attribute("type", "password")


def test_signing_out_closes_the_pages(admin: Visit) -> None:
    """After it every page asks to sign in again."""
    page = admin.open("/people")
    page.get_by_role("button", name="Your account").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(re.compile(r"/login$"))
    page.goto("/people")
    expect(page).to_have_url(re.compile(r"/login\?next=/people$"))


def test_signing_in_leads_on_to_this_site_only(admin: Visit) -> None:
    """A link that names another site as the next page leads to the wall."""
    page = admin.open("/login?next=//elsewhere.example/")
    expect(page).to_have_url(re.compile(r"127\.0\.0\.1:\d+/$"))
