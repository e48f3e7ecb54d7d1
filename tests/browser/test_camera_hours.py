"""When a camera is analysed, set on its sheet."""

import pytest
from playwright.sync_api import expect

from tests.browser.chromium import Visit, overflow_px, unnamed_controls
from tests.journeys.client import Api

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


def test_hours_are_set(admin: Visit, phone: Visit, api: Api, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Office hours are offered, more can be added and removed, and what is wrong with them is said."""
    camera = api.post("cameras", {"name": "Gate", "kind": "push", "enabled": False})["id"]
    page = admin.open("/cameras")
    page.get_by_role("button", name="Edit Gate").click()
    sheet = page.get_by_role("dialog", name="Gate")
    expect(sheet.get_by_label("Look for faces")).to_have_value("always")
    expect(sheet.get_by_role("group", name="Hours, in the time of the site")).to_be_hidden()
    sheet.get_by_label("Look for faces").select_option("schedule")
    rows = sheet.get_by_role("group", name="Days and times")
    expect(rows).to_have_count(1)
    rows.get_by_label("Friday").uncheck()
    sheet.get_by_role("button", name="Add hours").click()
    for day in ("Monday", "Tuesday", "Wednesday", "Thursday"):
        rows.nth(1).get_by_label(day).uncheck()
    rows.nth(1).get_by_label("from").fill("22:00")
    rows.nth(1).get_by_label("until").fill("06:30")
    sheet.get_by_role("button", name="Add hours").click()
    for box in rows.nth(2).get_by_role("checkbox").all():
        box.uncheck()
    sheet.get_by_role("button", name="Save").click()
    expect(sheet).to_contain_text("Choose at least one day and both times")
    rows.nth(2).get_by_role("button", name="Remove").click()
    expect(sheet.get_by_role("button", name="Add hours")).to_be_focused()
    assert unnamed_controls(page) == []
    sheet.get_by_role("button", name="Save").click()
    expect(sheet).to_be_hidden()
    stored = api.get(f"cameras/{camera}")
    assert stored["analysis"] == "schedule"
    assert stored["analysisHours"] == [
        {"days": [1, 2, 3, 4], "start": "07:00", "end": "19:00"},
        {"days": [5], "start": "22:00", "end": "06:30"},
    ]
    folder = tmp_path_factory.mktemp("hours")
    for name, visit in (("wide", admin), ("narrow", phone)):
        seen = visit.open("/cameras")
        seen.get_by_role("button", name="Edit Gate").click()
        expect(seen.get_by_role("group", name="Days and times")).to_have_count(2)
        seen.get_by_role("group", name="Days and times").nth(1).scroll_into_view_if_needed()
        assert overflow_px(seen) == 0
        seen.screenshot(path=folder / f"{name}.png")
