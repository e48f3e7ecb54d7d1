"""Codes and badges on a person's sheet."""

import pytest
from playwright.sync_api import expect

from tests.browser.chromium import NARROW, Visit, overflow_px, unnamed_controls
from tests.journeys.client import Api
from tests.journeys.server import PASSWORD, RollcallServer

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
OPERATOR, VIEWER = "codes-operator@site.example", "codes-viewer@site.example"


def test_a_pin_and_a_badge(visitor: Visit, site: RollcallServer, api: Api) -> None:
    """An operator sets a PIN, has one drawn, which is shown once, and adds and removes a badge; all by the keyboard."""
    person = api.add_person("Ada Lovelace")
    site.add_user(OPERATOR, "Operator")
    page = visitor.sign_in(OPERATOR, PASSWORD).open(f"/people?person={person}")
    block = page.get_by_role("region", name="Codes and badges")
    expect(block).to_contain_text("None yet")
    block.get_by_role("button", name="Set a PIN").click()
    form = page.get_by_role("form", name="Set a PIN")
    expect(form.get_by_label("PIN")).to_be_focused()
    page.keyboard.type("123456")
    page.keyboard.press("Enter")
    expect(form.get_by_label("PIN")).to_have_attribute("aria-invalid", "true")
    expect(form).to_contain_text("easy to guess")
    form.get_by_label("PIN").fill("48291375")
    page.keyboard.press("Enter")
    expect(block.get_by_role("button", name="Change the PIN")).to_be_focused()
    expect(block.get_by_role("listitem")).to_contain_text("not used yet")

    block.get_by_role("button", name="Draw a PIN").click()
    drawn = block.locator("code")
    expect(drawn).to_be_visible()
    pin = drawn.inner_text()
    assert pin.isdecimal()
    assert pin != "48291375"

    block.get_by_role("button", name="Add a badge").click()
    page.keyboard.type("04:A2:2B:9C:51:80")
    page.keyboard.press("Enter")
    expect(block.get_by_role("listitem")).to_have_count(2)
    expect(block).to_contain_text("ends in 1:80")
    expect(drawn).to_have_count(0)
    assert pin not in page.content()
    assert [one["kind"] for one in api.get(f"people/{person}/credentials", sort="kind")] == ["badge", "pin"]
    assert unnamed_controls(page) == []

    remove = block.get_by_role("button", name="Remove: Badge")
    remove.click()
    block.get_by_role("button", name="Remove for good: Badge?").click()
    expect(block.get_by_role("listitem")).to_have_count(1)
    assert [one["kind"] for one in api.get(f"people/{person}/credentials")] == ["pin"]
    page.set_viewport_size({"width": NARROW[0], "height": NARROW[1]})
    assert overflow_px(page) <= 0
    assert block.evaluate("block => block.scrollWidth - block.clientWidth") <= 0


def test_a_badge_is_drawn_and_printed(visitor: Visit, site: RollcallServer, api: Api) -> None:
    """An empty field draws one; its QR code is there to print and to save, until the sheet is opened again."""
    person = api.add_person("Ada Lovelace")
    site.add_user("codes-printing@site.example", "Operator")
    page = visitor.sign_in("codes-printing@site.example", PASSWORD).open(f"/people?person={person}")
    block = page.get_by_role("region", name="Codes and badges")
    block.get_by_role("button", name="Add a badge").click()
    block.locator("#code-label").fill("Blue card")
    page.keyboard.press("Enter")
    picture = block.get_by_role("img", name="QR code of the badge of Ada Lovelace")
    expect(picture).to_be_visible()
    badge = block.locator("figure code").inner_text()
    assert len(badge) == 16
    assert picture.evaluate("image => image.naturalWidth") > 100
    assert block.get_by_role("link", name="Save as SVG").get_attribute("download") == "badge.svg"
    said = "window.printed = document.querySelector('.print-sheet').innerText"
    page.evaluate(f"() => {{ window.print = () => {{ {said}; }}; }}")
    block.get_by_role("button", name="Print").click()
    page.wait_for_function("window.printed")
    page.emulate_media(media="print")
    expect(page.locator(".print-sheet")).to_be_visible()
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.emulate_media(media="screen")
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    expect(page.locator(".print-sheet")).to_have_count(0)
    page.set_viewport_size({"width": NARROW[0], "height": NARROW[1]})
    assert overflow_px(page) <= 0
    assert unnamed_controls(page) == []
    page.reload()
    expect(block.get_by_role("listitem")).to_contain_text("Blue card")
    assert badge not in page.content()


def test_a_viewer_sees_none_of_it(visitor: Visit, site: RollcallServer, api: Api) -> None:
    """What a badge ends in is for those who manage them."""
    person = api.add_person("Ada Lovelace")
    site.add_user(VIEWER, "Viewer")
    page = visitor.sign_in(VIEWER, PASSWORD).open(f"/people?person={person}")
    expect(page.get_by_role("region", name="Consent and privacy")).to_be_visible()
    expect(page.get_by_role("region", name="Codes and badges")).to_have_count(0)
