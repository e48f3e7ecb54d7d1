"""Search by photo: whose face it is, when it was seen, and what is said where neither is known."""

from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, FilePayload, Locator, Page, expect

from server.demo.pictures import grace_hopper
from tests.browser.chromium import NARROW, Visit, overflow_px, unnamed_controls
from tests.journeys.client import Api
from tests.journeys.films import jpeg
from tests.journeys.server import ADMIN, PASSWORD, RollcallServer
from tests.sources import DemoSources

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


def photo(content: bytes) -> FilePayload:
    return {"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": content}


def opened(page: Page) -> Locator:
    page.get_by_role("button", name="Search by photo").click()
    return page.get_by_role("dialog", name="Who is this?")


def test_who_it_is_and_when_the_face_was_seen(admin: Visit, api: Api, demo: DemoSources) -> None:
    """The person in words, with the numbers behind them, and the sightings, each of which opens its evidence."""
    api.enrol("Eileen Collins", demo.collins)
    api.enrol("Grace Hopper", demo.hopper)
    camera = api.add_camera("Door", demo.entrance)
    page = admin.open("/people")
    expect(page.locator("[data-list] time").first).not_to_have_text("Not seen yet", timeout=120_000)
    api.post(f"cameras/{camera}/stop", {}, status=200)

    sheet = opened(page)
    expect(sheet).to_contain_text("You see whose face it is, and when cameras have seen it.")
    sheet.get_by_label("Choose a photo").set_input_files(photo(demo.collins))
    expect(sheet.get_by_role("heading", name="This is Eileen Collins")).to_be_visible()
    person = sheet.locator(".found-person").first
    expect(person.locator(".certainty-word")).to_have_text("Sure")
    expect(person.get_by_text("needed")).to_be_hidden()
    person.get_by_text("Numbers").click()
    expect(person.locator("dl")).to_contain_text("needed")
    expect(person.locator("dl")).to_contain_text("Ahead of the next person")
    expect(sheet.get_by_text("1 person who is not like enough")).to_be_visible()
    assert unnamed_controls(page) == []

    sheet.get_by_role("button", name="Door").first.click()
    evidence = page.get_by_role("dialog", name="Recognised")
    expect(evidence).to_contain_text("Why this name")
    page.keyboard.press("Escape")
    expect(evidence).to_be_hidden()
    sheet.get_by_role("button", name="Eileen Collins, Sure").click()
    person_sheet = page.get_by_role("dialog", name="Person")
    person_sheet.get_by_role("button", name="Eileen Collins, Door").first.click()
    expect(evidence).to_contain_text("Why this name")
    for closed in (evidence, person_sheet, sheet):
        page.keyboard.press("Escape")
        expect(closed).to_be_hidden()


def test_by_keyboard_on_a_narrow_screen(tmp_path: Path, browser: Browser, demo: DemoSources) -> None:
    """The file is chosen with Space; a face that nobody has, and that no camera saw, is said to be that."""
    with RollcallServer(tmp_path) as server, Visit.of(browser, server.url, size=NARROW, dark=True) as visit:
        with server.login() as api:
            api.enrol("Eileen Collins", demo.collins)
        page = visit.sign_in(ADMIN, PASSWORD).open("/people")
        page.get_by_role("button", name="Search by photo").focus()
        page.keyboard.press("Enter")
        sheet = page.get_by_role("dialog", name="Who is this?")
        chosen = sheet.get_by_label("Choose a photo")
        page.keyboard.press("Tab")
        expect(chosen).to_be_focused()
        with page.expect_file_chooser() as chooser:
            page.keyboard.press("Space")
        (tmp_path / "hopper.jpg").write_bytes(demo.hopper)
        chooser.value.set_files(tmp_path / "hopper.jpg")
        expect(sheet.get_by_role("heading", name="Nobody who is enrolled")).to_be_visible()
        expect(sheet).to_contain_text("No camera has seen this face")
        assert overflow_px(page) <= 0
        assert unnamed_controls(page) == []


def test_a_photo_that_cannot_be_searched_with(admin: Visit, api: Api, demo: DemoSources, two_faces: bytes) -> None:
    """The reason in words; another photo may follow. A server that is away is another thing, and is tried again."""
    api.enrol("Eileen Collins", demo.collins)
    page = admin.open("/people")
    sheet = opened(page)
    choose = sheet.get_by_label("Choose a photo")
    choose.set_input_files(photo(two_faces))
    expect(sheet.get_by_role("alert")).to_contain_text("There is more than one face.")
    choose.set_input_files(photo(jpeg(np.full((480, 640, 3), 127, np.uint8))))
    expect(sheet.get_by_role("alert")).to_contain_text("No face was found.")

    page.route("**/api/v1/people/search", lambda route: route.fulfill(status=503, json={"error": {"message": "Busy."}}))
    choose.set_input_files(photo(demo.collins))
    expect(sheet.get_by_role("alert")).to_contain_text("Busy.")
    page.unroute("**/api/v1/people/search")
    sheet.get_by_role("button", name="Try again").click()
    expect(sheet.get_by_role("heading", name="This is Eileen Collins")).to_be_visible()


def test_what_was_found_before_the_connection_was_lost(tmp_path: Path, browser: Browser, portraits: None) -> None:
    """It stays, and says since when it is old; afterwards it is not old any more."""
    with RollcallServer(tmp_path) as server, Visit.of(browser, server.url, quiet=False) as visit:
        with server.login() as api:
            api.enrol("Grace Hopper", grace_hopper().read_bytes())
        page = visit.sign_in(ADMIN, PASSWORD).open("/people")
        sheet = opened(page)
        sheet.get_by_label("Choose a photo").set_input_files(photo(grace_hopper().read_bytes()))
        expect(sheet.get_by_role("heading", name="This is Grace Hopper")).to_be_visible()
        server.stop()
        expect(sheet.locator(".stale-line")).to_contain_text("Connection lost since")
        expect(sheet.get_by_role("heading", name="This is Grace Hopper")).to_be_visible()
        server.start()
        expect(sheet.locator(".stale-line")).to_be_hidden(timeout=60_000)
