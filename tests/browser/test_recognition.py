"""How sure recognition is here, as the page tells an operator."""

import pytest
from playwright.sync_api import expect

from tests.browser.chromium import NARROW, Visit, overflow_px
from tests.journeys.client import Api
from tests.journeys.server import PASSWORD, RollcallServer
from tests.sources import DemoSources

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
VIEWER = "onlooker@site.example"


def test_what_was_measured_here(admin: Visit, site: RollcallServer, api: Api, demo: DemoSources) -> None:
    """Before: how it is measured. After: rates by gallery and the curve, also on a narrow screen."""
    page = admin.open("/people")
    page.get_by_role("button", name="Accuracy").click()
    sheet = page.get_by_role("dialog", name="How sure is recognition here?")
    expect(sheet).to_contain_text("CenterFace")
    expect(sheet).to_contain_text("Nothing has been measured here yet")
    expect(sheet).to_contain_text("rollcall models eval --site")
    page.keyboard.press("Escape")
    expect(sheet).to_be_hidden()

    for name, portrait in (("Eileen Collins", demo.collins), ("Grace Hopper", demo.hopper)):
        api.add_photo(api.enrol(name, portrait), portrait)
    measured = site.command("models", "eval", "--site", "--photos", "1")
    assert measured.returncode == 0, measured.stderr
    page.get_by_role("button", name="Accuracy").click()
    expect(sheet).to_contain_text("2 people, 4 pictures")
    row = sheet.get_by_role("row").filter(has=page.get_by_role("rowheader", name="1", exact=True))
    expect(row.get_by_role("cell")).to_have_text(["0%", "0%"])
    curve = sheet.get_by_role("img", name="as a curve")
    expect(curve).to_be_visible()
    page.wait_for_function("image => image.complete && image.naturalWidth > 0", arg=curve.element_handle())
    page.set_viewport_size({"width": NARROW[0], "height": NARROW[1]})
    assert overflow_px(page) <= 0


def test_not_for_everybody(visitor: Visit, site: RollcallServer) -> None:
    """A viewer sees people, not the system."""
    site.add_user(VIEWER, "Viewer")
    page = visitor.sign_in(VIEWER, PASSWORD).open("/people")
    expect(page.get_by_role("heading", name="People")).to_be_visible()
    expect(page.get_by_role("button", name="Accuracy")).to_have_count(0)
