"""The snapshots that are kept of a camera, on the page of the cameras: looked at, taken, removed."""

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.chromium import Visit, overflow_px, unnamed_controls
from tests.journeys.client import Api
from tests.journeys.server import PASSWORD, RollcallServer
from tests.sources import DemoSources

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

MINUTE = 60_000
VIEWER = "snapshots-viewer@site.example"


@pytest.fixture(scope="module")
def viewer_email(site: RollcallServer) -> str:
    site.add_user(VIEWER, "Viewer")
    return VIEWER


def opened(page: Page) -> Locator:
    row = page.get_by_role("row").filter(has=page.get_by_text("Entrance", exact=True))
    expect(row).to_contain_text("Online", timeout=MINUTE)
    page.get_by_role("button", name="Snapshots of Entrance").click()
    return page.get_by_role("dialog", name="Snapshots of “Entrance”")


def test_taken_looked_at_and_removed(admin: Visit, api: Api, demo: DemoSources) -> None:
    """None at first; one by a press, with its picture and the link to the whole of it; gone by two."""
    camera = api.add_camera("Entrance", demo.entrance)
    page = admin.open("/cameras")
    dialog = opened(page)
    expect(dialog).to_contain_text("None is kept")
    dialog.get_by_role("button", name="Take one now").click()
    picture = dialog.get_by_role("img")
    expect(picture).to_have_count(1)
    expect(picture).not_to_have_js_property("naturalWidth", 0)
    expect(dialog).to_contain_text("1 is kept")
    expect(dialog).not_to_contain_text("None is kept")
    expect(dialog).to_contain_text("taken by hand")
    with page.expect_download() as download:
        dialog.get_by_role("link").click()
    content = download.value.path().read_bytes()
    assert content[:2] == b"\xff\xd8"
    dialog.get_by_role("button", name="Take one now").click()
    expect(dialog.get_by_role("img")).to_have_count(2)
    assert unnamed_controls(page) == []
    dialog.get_by_role("button", name="Delete the snapshot of").first.click()
    assert len(api.get(f"cameras/{camera}/snapshots")) == 2
    dialog.get_by_role("button", name="for good").click()
    expect(dialog.get_by_role("img")).to_have_count(1)
    expect(dialog).to_contain_text("1 is kept")
    assert len(api.get(f"cameras/{camera}/snapshots")) == 1


def test_a_camera_that_shows_nothing(admin: Visit, api: Api, demo: DemoSources) -> None:
    """Says so in words, beside what there is."""
    camera = api.add_camera("Entrance", demo.entrance)
    page = admin.open("/cameras")
    dialog = opened(page)
    expect(dialog).to_contain_text("None is kept")
    api.post(f"cameras/{camera}/stop", status=200)
    admin.complaints.clear()
    dialog.get_by_role("button", name="Take one now").click()
    expect(dialog.get_by_role("alert")).to_contain_text("The camera is not running")
    admin.complaints.clear()  # Chromium writes each refusal into the console


def test_who_only_looks_neither_takes_nor_removes(
    visitor: Visit, api: Api, demo: DemoSources, viewer_email: str
) -> None:
    api.add_camera("Entrance", demo.entrance)
    page = visitor.sign_in(viewer_email, PASSWORD).open("/cameras")
    dialog = opened(page)
    expect(dialog).to_contain_text("None is kept")
    expect(dialog.get_by_role("button", name="Take one now")).to_have_count(0)


def test_on_a_phone(phone: Visit, api: Api, demo: DemoSources) -> None:
    """It fits, and many are shown some at a time."""
    camera = api.add_camera("Entrance", demo.entrance)
    page = phone.open("/cameras")
    dialog = opened(page)
    expect(dialog).to_contain_text("None is kept")
    dialog.get_by_role("button", name="Close").click()
    for _ in range(26):
        api.post(f"cameras/{camera}/snapshots")
    dialog = opened(page)
    expect(dialog).to_contain_text("26 are kept")
    expect(dialog.get_by_role("listitem")).to_have_count(24)
    assert overflow_px(page) == 0
    dialog.get_by_role("button", name="Show older ones").click()
    expect(dialog.get_by_role("listitem")).to_have_count(26)
    expect(dialog.get_by_role("button", name="Show older ones")).to_be_hidden()
