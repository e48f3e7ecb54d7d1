"""Consent and erasure on a person's sheet."""

import json
from io import BytesIO
from zipfile import ZipFile

import pytest
from playwright.sync_api import expect

from tests.browser.chromium import NARROW, Visit, overflow_px
from tests.journeys.client import Api
from tests.journeys.server import PASSWORD, RollcallServer
from tests.sources import DemoSources

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
OPERATOR = "privacy-operator@site.example"


def test_from_consent_to_erasure(admin: Visit, api: Api, demo: DemoSources) -> None:
    """What somebody says is noted; all that is held is one file; a face that is erased leaves a receipt."""
    person = api.enrol("Eileen Collins", demo.collins)
    page = admin.open(f"/people?person={person}")
    block = page.get_by_role("region", name="Consent and privacy")
    expect(block).to_contain_text("Nothing has been noted")
    block.get_by_role("button", name="Note what they say").click()
    form = page.get_by_role("form", name="Note what they say")
    form.get_by_role("button", name="Save").click()
    expect(form.get_by_label("Version of the text")).to_have_attribute("aria-invalid", "true")
    form.get_by_label("Version of the text").fill("2026-1")
    form.get_by_label("How").select_option("screen")
    form.get_by_role("button", name="Save").click()
    expect(block).to_contain_text("Agreed")
    expect(block).to_contain_text("On a screen, text 2026-1")

    with page.expect_download() as started:
        block.get_by_role("link", name="Download all that is held").click()
    with ZipFile(BytesIO(started.value.path().read_bytes())) as archive:
        assert json.loads(archive.read("person.json"))["fullName"] == "Eileen Collins"
        assert len([name for name in archive.namelist() if name.startswith("pictures/")]) == 2

    block.get_by_role("button", name="Erase the face").click()
    expect(block).to_contain_text("Attendance stays")
    block.get_by_role("button", name="Erase", exact=True).click()
    expect(block).to_contain_text("Erased: 1 photos, 1 templates")
    expect(page.get_by_text("0 of 3 photos").first).to_be_visible()
    assert api.get(f"people/{person}/photos") == []
    page.set_viewport_size({"width": NARROW[0], "height": NARROW[1]})
    assert overflow_px(page) <= 0
    assert block.evaluate("block => block.scrollWidth - block.clientWidth") <= 0


def test_a_refusal_takes_the_face_away(visitor: Visit, site: RollcallServer, api: Api, demo: DemoSources) -> None:
    """It says so before it is saved; an operator may note it, and has neither the archive nor the erasure."""
    person = api.enrol("Eileen Collins", demo.collins)
    site.add_user(OPERATOR, "Operator")
    page = visitor.sign_in(OPERATOR, PASSWORD).open(f"/people?person={person}")
    block = page.get_by_role("region", name="Consent and privacy")
    expect(block.get_by_role("button", name="Erase the face")).to_have_count(0)
    expect(block.get_by_role("link", name="Download all that is held")).to_have_count(0)
    block.get_by_role("button", name="Note what they say").click()
    form = page.get_by_role("form", name="Note what they say")
    form.get_by_label("What they said").select_option("refused")
    expect(form.get_by_role("alert")).to_contain_text("erased at once")
    form.get_by_label("Version of the text").fill("2026-1")
    form.get_by_role("button", name="Save").click()
    expect(block).to_contain_text("Refused")
    expect(page.get_by_text("0 of 3 photos").first).to_be_visible()
    assert api.get(f"people/{person}/photos") == []
