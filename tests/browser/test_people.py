"""Enrolling people in the browser: by upload and by this device's camera, with the reason of every refusal."""

import numpy as np
import pytest
from playwright.sync_api import FilePayload, expect

from server.demo.pictures import astronaut, read_picture
from tests.browser.chromium import Visit
from tests.browser.visits import add_person
from tests.journeys.client import Api
from tests.journeys.films import jpeg
from tests.sources import DemoSources

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


def picture(name: str, content: bytes) -> FilePayload:
    return {"name": name, "mimeType": "image/jpeg", "buffer": content}


def test_a_person_is_enrolled_by_upload(admin: Visit, api: Api, demo: DemoSources, two_faces: bytes) -> None:
    """The good photo is accepted and shown; the bad ones say why, each beside its picture."""
    page = admin.open("/people")
    expect(page.get_by_text("Nobody is enrolled yet")).to_be_visible()
    add_person(page, "Eileen Collins")
    sheet = page.get_by_role("dialog", name="Person")
    upload = page.get_by_label("Upload photos").first
    upload.set_input_files(picture("portrait.jpg", demo.collins))
    expect(sheet.locator(".photo .tone-green")).to_have_text("Accepted")
    expect(sheet.get_by_text("1 of 3 photos")).to_be_visible()
    nothing = jpeg(np.full((480, 640, 3), 127, np.uint8))
    upload.set_input_files([picture("two.jpg", two_faces), picture("wall.jpg", nothing), picture("letter.jpg", b"no")])
    refused = sheet.locator(".photo-refused")
    expect(refused).to_have_count(3)
    expect(refused.nth(0)).to_contain_text("There is more than one face.")
    expect(refused.nth(1)).to_contain_text("No face was found.")
    expect(refused.nth(2)).to_contain_text("not a picture that can be read")
    refused.nth(2).get_by_role("button").click()
    expect(refused).to_have_count(2)
    [person] = api.get("people")
    assert (person["fullName"], person["photoCount"]) == ("Eileen Collins", 1)
    page.keyboard.press("Escape")
    expect(sheet).to_be_hidden()
    expect(page.get_by_role("listitem").filter(has_text="Eileen Collins")).to_contain_text("1 of 3 photos")


def test_a_face_that_resembles_another_person_is_warned_of(admin: Visit, api: Api, demo: DemoSources) -> None:
    """Accepted, with the name of whom it resembles."""
    api.enrol("Eileen Collins", demo.collins)
    page = admin.open("/people")
    add_person(page, "Somebody Else")
    page.get_by_label("Upload photos").first.set_input_files(picture("a.jpg", jpeg(read_picture(astronaut()))))
    sheet = page.get_by_role("dialog", name="Person")
    expect(sheet.locator(".verdict")).to_contain_text("Eileen Collins")
    expect(sheet.locator(".verdict")).to_contain_text("Accepted, look again")


def test_people_are_found_edited_and_removed(admin: Visit, api: Api) -> None:
    """Search as one types; a removal asks first."""
    for name in ("Ada Lovelace", "Grace Hopper", "Eileen Collins"):
        api.add_person(name)
    page = admin.open("/people")
    rows = page.locator("[data-list] button")
    expect(rows).to_have_count(3)
    page.get_by_role("searchbox").fill("lovel")
    expect(rows).to_have_count(1)
    rows.first.click()
    sheet = page.get_by_role("dialog", name="Person")
    sheet.get_by_role("button", name="Edit").click()
    sheet.get_by_label("Full name").fill("Ada King")
    sheet.get_by_role("button", name="Save").click()
    expect(sheet.locator(".who-name")).to_have_text("Ada King")
    sheet.get_by_role("button", name="Remove this person").click()
    sheet.get_by_role("button", name="Remove", exact=True).click()
    expect(sheet).to_be_hidden()
    page.get_by_role("searchbox").fill("")
    expect(rows).to_have_count(2)
    assert {person["fullName"] for person in api.get("people")} == {"Grace Hopper", "Eileen Collins"}
