"""The first account, one's own account, the second factor and a password that has to be changed, as people do them."""

import re
from collections.abc import Iterator
from pathlib import Path

import pyotp
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.chromium import Visit
from tests.journeys.client import Api
from tests.journeys.server import PASSWORD, RollcallServer

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

EMAIL = "vera@site.example"
SET = "set by somebody else 1"
NEW = "chosen by myself alone"
WALL = re.compile(r":\d+/$")


@pytest.fixture
def vera(site: RollcallServer) -> Iterator[str]:
    """A Viewer of this test's own; gives the id."""
    with site.login() as admin:
        form = {"email": EMAIL, "fullName": "Vera Viewer", "role": "Viewer", "password": PASSWORD}
        user = admin.post("users", form)
        yield user["id"]
        admin.call("DELETE", f"users/{user['id']}", 204)


def sign_in(page: Page, password: str = PASSWORD) -> None:
    page.get_by_label("Email").fill(EMAIL)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Sign in").click()


def test_the_first_account(tmp_path: Path, browser: Browser) -> None:
    """The address that the server prints makes the first administrator, once, and signs them in."""
    server = RollcallServer(tmp_path)
    server.start()
    try:
        found = re.search(r"/setup\?code=(\S+)", server.log.read_text())
        assert found is not None
        with Visit.of(browser, server.url) as visit:
            page = visit.open("/login")
            expect(page.get_by_text("Nobody can sign in yet")).to_be_visible()
            page = visit.open(f"/setup?code={found[1]}")
            expect(page).to_have_url(re.compile(r"/setup$"))  # the code does not stay in the history
            page.get_by_label("Your name").fill("Ada Lovelace")
            page.get_by_label("Email").fill("ada@site.example")
            page.get_by_label("Password", exact=True).fill("short")
            page.get_by_role("button", name="Make the account").click()
            expect(page.locator("#password-error")).to_contain_text("12 characters")
            page.get_by_label("Password", exact=True).fill(PASSWORD)
            page.get_by_role("button", name="Make the account").click()
            expect(page).to_have_url(WALL)
            page.goto(f"{server.url}/setup?code={found[1]}")
            expect(page).to_have_url(WALL)  # by way of signing in, where somebody is signed in already
    finally:
        server.stop()


def test_a_second_factor(visitor: Visit, vera: str) -> None:
    """Set up with the app's code; signing in asks for one from then on, and a recovery code will do."""
    page = visitor.open("/login?next=/account")
    sign_in(page)
    expect(page).to_have_url(re.compile(r"/account$"))
    two = page.get_by_role("region", name="Two-step sign-in")
    two.locator("#begin-currentPassword").fill("not this one at all")
    two.get_by_role("button", name="Set it up").click()
    expect(two.get_by_text("The current password is wrong.")).to_be_visible()
    two.locator("#begin-currentPassword").fill(PASSWORD)
    two.get_by_role("button", name="Set it up").click()
    qr = two.get_by_role("img", name="QR code for the authenticator app")
    expect(qr).to_be_visible()
    assert qr.evaluate("image => image.decode().then(() => image.naturalWidth)") > 100
    key = (two.locator("[data-key]").text_content() or "").replace(" ", "")
    two.get_by_label("Code", exact=True).fill(pyotp.TOTP(key).now())
    two.get_by_role("button", name="Switch it on").click()
    codes = two.get_by_role("listitem")
    expect(codes).to_have_count(10)
    recovery = codes.first.text_content() or ""
    two.get_by_role("button", name="I have kept them").click()
    expect(two.get_by_text("On. Signing in asks for a code")).to_be_visible()

    page.get_by_role("button", name="Your account").click()
    page.get_by_role("button", name="Sign out", exact=True).last.click()
    expect(page).to_have_url(re.compile(r"/login"))
    sign_in(page)
    otp = page.get_by_label("Code from your authenticator app")
    expect(otp).to_be_focused()
    otp.fill("000000")
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("#otp-error")).to_contain_text("That code is not right")
    otp.fill(recovery)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(WALL)


def test_a_password_that_has_to_be_changed(site: RollcallServer, visitor: Visit, vera: str) -> None:
    """Every page leads to the new password; once it is chosen, on to where one wanted to go."""
    with site.login() as admin:
        admin.call("PATCH", f"users/{vera}/password", 204, json={"newPassword": SET})
    page = visitor.open("/people")
    sign_in(page, SET)
    expect(page.get_by_text("An administrator has set your password")).to_be_visible()
    page.goto(f"{site.url}/")
    expect(page).to_have_url(re.compile(r"/password\?next=/$"))
    page.get_by_label("Current password").fill(SET)
    page.get_by_label("New password").fill("123456789012")
    page.get_by_role("button", name="Change the password").click()
    expect(page.locator("#newPassword-error")).to_contain_text("first that are guessed")
    page.get_by_label("New password").fill(NEW)
    page.get_by_role("button", name="Change the password").click()
    expect(page).to_have_url(WALL)


def test_a_session_is_ended_from_another_device(site: RollcallServer, visitor: Visit, vera: str) -> None:
    """The list shows both; the other one is out at once."""
    with Api.signed_in(site.url, EMAIL, PASSWORD) as other:
        page = visitor.open("/login?next=/account")
        sign_in(page)
        here = page.get_by_role("region", name="Where you are signed in")
        expect(here.get_by_text("This device")).to_be_visible()
        here.get_by_role("button", name=re.compile("^Sign out python-httpx")).click()
        expect(here.get_by_role("listitem")).to_have_count(1)
        assert other.raw("GET", "auth/me").status_code == 401
