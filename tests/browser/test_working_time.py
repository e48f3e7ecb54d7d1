"""The page of working time: shifts, schedules, leave, holidays, sites and locked days, with errors at their fields."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.chromium import Visit, overflow_px, unnamed_controls
from tests.journeys.client import Api
from tests.journeys.server import PASSWORD, RollcallServer

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

CALENDAR = b"""BEGIN:VCALENDAR\r
VERSION:2.0\r
PRODID:-//x//y//EN\r
BEGIN:VEVENT\r
UID:1\r
DTSTART;VALUE=DATE:20260501\r
SUMMARY:Labour Day\r
END:VEVENT\r
BEGIN:VEVENT\r
UID:2\r
DTSTART:20260502T100000Z\r
SUMMARY:A meeting\r
END:VEVENT\r
END:VCALENDAR\r
"""


@pytest.fixture
def works(api: Api) -> Iterator[Api]:
    """Takes away what a test has made."""
    yield api
    for lock in api.get("attendance/locks", pageSize=200):
        api.call("DELETE", f"attendance/locks/{lock['id']}", 204)
    for area in ("schedules", "shifts", "leave", "holidays", "departments", "sites"):
        for one in api.get(area, pageSize=200):
            api.call("DELETE", f"{area}/{one['id']}", 204)


def opened(visit: Visit, show: str) -> tuple[Page, Locator]:
    page = visit.open(f"/attendance/working-time?show={show}")
    expect(page.locator("[data-view]")).not_to_have_attribute("aria-busy", "true")
    return page, page.locator("[data-work-sheet]")


def add(page: Page, name: str) -> None:
    page.locator(".work-tools").get_by_role("button", name=name, exact=True).click()


def words_only(page: Page) -> None:
    """No key of the catalogue is shown in place of its sentence, and everything that can be used has a name."""
    assert not re.search(r"\bwork\.[a-z]+\.[\w.]+", page.locator("body").inner_text())
    assert unnamed_controls(page) == []
    assert overflow_px(page) <= 0


def test_a_shift_from_empty_to_gone(admin: Visit, works: Api) -> None:
    """The empty list says what to do; a shift over midnight is made, changed, removed; what is wrong stands there."""
    page, sheet = opened(admin, "shifts")
    expect(page.get_by_text("There are no shifts yet")).to_be_visible()
    page.locator(".state").get_by_role("button", name="Add a shift").click()
    submit = sheet.get_by_role("button", name="Add a shift")
    submit.click()
    expect(sheet.get_by_text("Enter a name.")).to_be_visible()
    expect(sheet.get_by_label("Name", exact=True)).to_be_focused()
    sheet.get_by_label("Name", exact=True).fill("Night")
    sheet.get_by_label("Start", exact=True).fill("22:00")
    sheet.get_by_label("End", exact=True).fill("06:00")
    sheet.get_by_label("Time zone").fill("Europe/Nowhere")
    submit.click()
    expect(sheet.get_by_label("Time zone")).to_have_attribute("aria-invalid", "true")
    expect(sheet.get_by_text("is no IANA time zone")).to_be_visible()
    sheet.get_by_label("Time zone").fill("Europe/Berlin")
    sheet.get_by_text("More rules").click()
    sheet.get_by_label("to minutes").first.fill("7")
    sheet.get_by_label("Round check-ins").select_option("nearest")
    submit.click()
    expect(sheet.get_by_text("Minutes must divide an hour.")).to_be_visible()
    sheet.get_by_label("to minutes").first.fill("15")
    sheet.get_by_role("button", name="Add a break").click()
    submit.click()
    expect(sheet.get_by_text("Enter both times, or remove the row.")).to_be_visible()
    sheet.get_by_role("group", name="Breaks at fixed times").get_by_label("from").fill("02:00")
    sheet.get_by_role("group", name="Breaks at fixed times").get_by_label("until").fill("02:30")
    words_only(page)
    submit.click()
    row = page.locator("[data-list] button")
    expect(row).to_contain_text("22:00–06:00, over midnight, break 30 min")
    expect(row).to_contain_text("Mon–Fri")
    made = works.get("shifts")[0]
    assert (made["breaks"], made["roundIn"]["step"]) == ([{"start": "02:00", "end": "02:30"}], "nearest")
    row.focus()
    page.keyboard.press("Enter")
    sheet.get_by_label("Kind").select_option("split")
    sheet.get_by_role("button", name="Save").click()
    expect(sheet.get_by_text("A split shift has them, and no other.")).to_be_visible()
    sheet.get_by_label("Kind").select_option("flexible")
    sheet.get_by_label("Required minutes").fill("480")
    sheet.get_by_role("button", name="Save").click()
    expect(row).to_contain_text("Flexible")
    expect(row).to_be_focused()
    assert works.get("shifts")[0]["requiredMinutes"] == 480
    row.click()
    sheet.get_by_role("button", name="Remove this shift").click()
    sheet.get_by_role("button", name="Remove it").click()
    expect(page.get_by_text("There are no shifts yet")).to_be_visible()


def test_somebody_else_was_faster(admin: Visit, works: Api) -> None:
    """What was changed or used meanwhile is told, and nothing of it is lost."""
    shift = works.post("shifts", {"name": "Early", "start": "06:00", "end": "14:00"})
    page, sheet = opened(admin, "shifts")
    page.locator("[data-list] button").click()
    sheet.get_by_label("Name", exact=True).fill("Mine")
    works.call("PUT", f"shifts/{shift['id']}", 200, json={"name": "Theirs", "start": "06:00", "end": "14:00"})
    sheet.get_by_role("button", name="Save").click()
    expect(sheet.get_by_text("Somebody else changed this meanwhile.")).to_be_visible()
    sheet.get_by_role("button", name="Load again").click()
    expect(sheet.get_by_label("Name", exact=True)).to_have_value("Theirs")
    works.post("schedules", {"shiftId": shift["id"], "from": "2026-01-05"})
    sheet.get_by_role("button", name="Remove this shift").click()
    sheet.get_by_role("button", name="Remove it").click()
    expect(sheet.get_by_text("A schedule uses this shift.")).to_be_visible()
    works.post("shifts", {"name": "Late", "start": "14:00", "end": "22:00"})
    sheet.get_by_label("Name", exact=True).fill("Late")
    sheet.get_by_role("button", name="Save").click()
    expect(sheet.get_by_label("Name", exact=True)).to_have_attribute("aria-invalid", "true")


def test_schedules_of_people_departments_and_turns(admin: Visit, works: Api) -> None:
    """Somebody is found by typing; a rotation has turns; an exception ends; each says so at its field."""
    works.post("people", {"fullName": "Ada Lovelace", "employeeId": "7"})
    works.post("departments", {"name": "Assembly"})
    for name, start, end in (("Early", "06:00", "14:00"), ("Late", "14:00", "22:00")):
        works.post("shifts", {"name": name, "start": start, "end": end})
    page, sheet = opened(admin, "schedules")
    expect(page.get_by_text("Nobody is scheduled yet")).to_be_visible()
    add(page, "Add a schedule")
    submit = sheet.get_by_role("button", name="Add a schedule")
    submit.click()
    expect(sheet.get_by_text("Choose a person.")).to_be_visible()
    person = sheet.get_by_role("combobox", name="Person")
    person.press_sequentially("love")
    expect(sheet.locator("[role=option]")).to_contain_text("Ada Lovelace")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(person).to_have_value("Ada Lovelace")
    sheet.get_by_label("Works").select_option("rotation")
    sheet.get_by_label("The first turn begins on").fill("2026-01-05")
    sheet.get_by_label("Turn 1", exact=True).select_option(label="Early")
    sheet.get_by_label("Turn 2", exact=True).select_option(label="Late")
    sheet.get_by_label("From", exact=True).fill("2026-01-05")
    words_only(page)
    submit.click()
    rows = page.locator("[data-list] button")
    expect(rows).to_contain_text(["Ada Lovelace"])
    expect(rows).to_contain_text(["2 weeks in turn"])
    add(page, "Add a schedule")
    sheet.get_by_label("Who").select_option("department")
    sheet.get_by_label("Department").select_option(label="Assembly")
    sheet.get_by_label("Works").select_option("off")
    sheet.get_by_label("From", exact=True).fill("2026-02-02")
    sheet.get_by_label("Goes before every other schedule").check()
    submit.click()
    expect(sheet.get_by_text("What goes before all others ends")).to_be_visible()
    sheet.get_by_label("To optional").fill("2026-02-01")
    submit.click()
    expect(sheet.get_by_text("This is before the first date.")).to_be_visible()
    sheet.get_by_label("To optional").fill("2026-02-03")
    submit.click()
    expect(rows).to_have_count(2)
    expect(rows.nth(0)).to_contain_text("Exception")
    made = works.get("schedules", sort="from")
    assert [len(made[0]["rotation"]["turns"]), made[1]["exception"]] == [2, True]
    rows.nth(1).click()
    expect(person).to_have_value("Ada Lovelace")
    expect(sheet.get_by_label("Turn 2", exact=True)).to_have_value(made[0]["rotation"]["turns"][1][0])


def test_leave_holidays_and_sites(admin: Visit, works: Api) -> None:
    """Half a day is of one day; a calendar is imported once; a zone that is none is told."""
    works.post("people", {"fullName": "Ada Lovelace"})
    page, sheet = opened(admin, "sites")
    add(page, "Add a site")
    sheet.get_by_label("Name", exact=True).fill("Works")
    sheet.get_by_label("Time zone").fill("Berlin")
    sheet.get_by_role("button", name="Add a site").click()
    expect(sheet.get_by_text("is no IANA time zone")).to_be_visible()
    sheet.get_by_label("Time zone").fill("Europe/Berlin")
    sheet.get_by_role("button", name="Add a site").click()
    expect(page.locator("[data-list] button")).to_contain_text("Europe/Berlin")
    words_only(page)
    page.get_by_role("link", name="Holidays").click()
    expect(page.get_by_text("There are no holidays yet")).to_be_visible()
    page.get_by_role("button", name="Import a calendar").click()
    sheet.get_by_label("File").set_input_files({"name": "a.ics", "mimeType": "text/calendar", "buffer": b"no calendar"})
    sheet.get_by_role("button", name="Import").click()
    expect(sheet.get_by_label("File")).to_have_attribute("aria-invalid", "true")
    sheet.get_by_label("File").set_input_files({"name": "a.ics", "mimeType": "text/calendar", "buffer": CALENDAR})
    sheet.get_by_label("Site").select_option(label="Works")
    sheet.get_by_role("button", name="Import").click()
    expect(sheet.get_by_text("Holidays added: 1.")).to_be_visible()
    expect(sheet.get_by_text("A meeting")).to_be_visible()
    sheet.locator(".row-end").get_by_role("button", name="Close").click()
    expect(page.locator("[data-list] button")).to_contain_text("1 May 2026")
    expect(page.locator("[data-list] button")).to_contain_text("Works")
    page.get_by_role("link", name="Leave").click()
    expect(page.get_by_text("Nobody is on leave")).to_be_visible()
    add(page, "Add leave")
    person = sheet.get_by_role("combobox", name="Person")
    person.press_sequentially("nobody of that name")
    sheet.get_by_role("button", name="Add leave").click()
    expect(sheet.get_by_text("Choose the person from the list")).to_be_visible()
    person.fill("")
    person.press_sequentially("ada")
    sheet.locator("[role=option]").click()
    sheet.get_by_label("From", exact=True).fill("2026-03-02")
    sheet.get_by_label("To", exact=True).fill("2026-03-03")
    sheet.get_by_label("Half a day").select_option("first")
    sheet.get_by_role("button", name="Add leave").click()
    expect(sheet.get_by_text("Half a day is of one day")).to_be_visible()
    sheet.get_by_label("To", exact=True).fill("2026-03-02")
    sheet.get_by_role("button", name="Add leave").click()
    row = page.locator("[data-list] button")
    expect(row).to_contain_text("Ada Lovelace")
    expect(row).to_contain_text("first half")
    words_only(page)
    add(page, "Add leave")
    person.press_sequentially("ada")
    sheet.locator("[role=option]").click()
    sheet.get_by_label("From", exact=True).fill("2026-03-02")
    sheet.get_by_role("button", name="Add leave").click()
    expect(sheet.get_by_text("This person has leave on these days already.")).to_be_visible()


def test_days_are_locked_and_unlocked(phone: Visit, works: Api) -> None:
    """On a narrow screen: a date that is not over is refused at its field; the newest lock can be taken away."""
    page, sheet = opened(phone, "locks")
    expect(page.get_by_text("No days are locked")).to_be_visible()
    add(page, "Lock days")
    sheet.get_by_label("Up to").fill("2999-01-01")
    sheet.get_by_role("button", name="Lock days").click()
    expect(sheet.get_by_text("Only days that are over can be locked.")).to_be_visible()
    sheet.get_by_label("Up to").fill("2026-01-31")
    sheet.get_by_role("button", name="Lock days").click()
    expect(page.locator("[data-list]")).to_contain_text("Up to 31 January 2026")
    words_only(page)
    page.get_by_role("button", name="Take the lock away").click()
    sheet.get_by_role("button", name="Take the lock away").click()
    expect(page.get_by_text("No days are locked")).to_be_visible()


def test_who_may_not_plan(site: RollcallServer, visitor: Visit, works: Api) -> None:
    """A Viewer neither finds the way there nor gets in."""
    works.post("users", {"email": "w@example.com", "fullName": "W", "role": "Viewer", "password": PASSWORD})
    visitor.sign_in("w@example.com", PASSWORD)
    page = visitor.open("/attendance")
    expect(page.get_by_role("link", name="Today")).to_be_visible()
    expect(page.get_by_role("link", name="Working time")).to_have_count(0)
    page.goto("/attendance/working-time")
    expect(page.get_by_text("This page is not open to you")).to_be_visible()
