"""Corrections on the page of attendance: beside what they correct, and by a second person."""

import pytest
from playwright.sync_api import Route, expect

from tests.browser.chromium import Visit, unnamed_controls
from tests.browser.times import MONTH, entered, in_berlin, sheet_of
from tests.browser.times import works as works
from tests.journeys.client import Api
from tests.journeys.server import PASSWORD, RollcallServer

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


def test_an_answer_that_was_on_its_way_leaves_a_form_open(admin: Visit, works: Api) -> None:
    """What somebody writes is not taken away by news that came before they began; it is shown once they are done."""
    ada = in_berlin(works)
    page = admin.open(f"/attendance?tab=month&month={MONTH}&person={ada}&date={MONTH}-05")
    sheet = sheet_of(page)
    expect(sheet.get_by_role("button", name="Add an entry")).to_be_visible()
    held: list[Route] = []
    page.route("**/api/v1/attendance/corrections*", lambda route: held.append(route))
    with page.expect_request("**/api/v1/attendance/corrections*"):
        entered(works, ada, "in", f"{MONTH}-05T08:12:00Z")
    sheet.get_by_role("button", name="Add an entry").click()
    sheet.get_by_label("Reason").fill("Forgot to check out.")
    with page.expect_response("**/api/v1/attendance/corrections*"):
        held.pop().continue_()
    page.unroute("**/api/v1/attendance/corrections*")
    expect(sheet.get_by_label("Reason")).to_have_value("Forgot to check out.")
    expect(sheet.locator("[data-entry]")).to_have_count(0)
    sheet.get_by_role("button", name="Cancel").click()
    expect(sheet.locator("[data-entry] .entry-time")).to_have_text(["09:12"])


def test_a_form_that_is_gone_when_its_answer_comes(admin: Visit, works: Api) -> None:
    """It takes nothing away from what is written meanwhile, and whether it was saved is told beside the sheet."""
    ada = in_berlin(works)
    entered(works, ada, "in", f"{MONTH}-05T08:12:00Z")
    page = admin.open(f"/attendance?tab=month&month={MONTH}&person={ada}&date={MONTH}-05")
    sheet, toasts = sheet_of(page), page.locator("[data-toasts]")
    held: list[Route] = []
    page.route("**/api/v1/attendance/entries", lambda route: held.append(route))

    def send(time: str) -> Route:
        sheet.get_by_role("button", name="Add an entry").click()
        sheet.get_by_label("Time", exact=True).fill(time)
        sheet.get_by_label("Direction").select_option("out")
        sheet.get_by_label("Reason").fill("Forgot to check out.")
        with page.expect_request("**/api/v1/attendance/entries"):
            sheet.get_by_role("button", name="Add", exact=True).click()
        return held.pop()

    sent = send("17:04")
    sheet.get_by_role("button", name="Correct In 09:12").click()
    sheet.get_by_label("Reason").fill("The camera's clock was wrong.")
    with page.expect_response("**/api/v1/attendance/entries"):
        sent.continue_()
    expect(toasts).to_contain_text("Saved")
    expect(sheet.get_by_label("Reason")).to_have_value("The camera's clock was wrong.")
    sheet.get_by_role("button", name="Cancel").click()
    expect(sheet.locator("[data-entry] .entry-time")).to_have_text(["09:12", "17:04"])
    sent = send("17:30")
    sheet.get_by_role("button", name="The day after").click()
    expect(sheet.get_by_role("heading", name="Friday 6 March")).to_be_visible()
    sent.fulfill(status=409, json={"error": {"code": "conflict", "message": "This day is locked.", "requestId": "r1"}})
    expect(toasts).to_contain_text("This day is locked.")


def test_an_entry_is_corrected_beside_what_it_was(admin: Visit, works: Api) -> None:
    """Another time with its reason, a new entry, and one that does not count; what was first stays to be seen."""
    ada = in_berlin(works)
    wrong = entered(works, ada, "in", f"{MONTH}-05T08:12:00Z")
    page = admin.open(f"/attendance?tab=month&month={MONTH}&person={ada}&date={MONTH}-05")
    sheet = sheet_of(page)
    sheet.get_by_role("button", name="Correct In 09:12").click()
    sheet.get_by_label("Time", exact=True).fill("08:58")
    sheet.get_by_role("button", name="Correct", exact=True).click()
    expect(sheet.get_by_text("Say why.")).to_be_visible()
    sheet.get_by_label("Reason").fill("The camera's clock was wrong.")
    sheet.get_by_role("button", name="Correct", exact=True).click()
    line = sheet.locator(f'[data-entry="{wrong}"]')
    expect(line).to_contain_text("First said In 09:12")
    assert works.get(f"attendance/entries/{wrong}")["at"] == f"{MONTH}-05T07:58:00.000Z"
    sheet.get_by_role("button", name="Add an entry").click()
    sheet.get_by_label("Time", exact=True).fill("17:04")
    sheet.get_by_label("Direction").select_option("out")
    sheet.get_by_label("Reason").fill("Forgot to check out.")
    assert unnamed_controls(page) == []
    sheet.get_by_role("button", name="Add", exact=True).click()
    expect(sheet.locator("[data-entry] .entry-time")).to_have_text(["08:58", "17:04"])
    expect(sheet.locator("[data-kind]")).to_have_attribute("data-kind", "present")
    line.get_by_text("2 corrections").click()
    expect(line.locator("[data-correction]").first).to_contain_text("The camera's clock was wrong.")
    sheet.get_by_role("button", name="Remove Out 17:04").click()
    sheet.get_by_label("Reason").fill("She was still there.")
    sheet.get_by_role("button", name="Remove", exact=True).click()
    expect(sheet.locator(".entry-off")).to_contain_text("Removed")
    expect(sheet.locator("[data-kind]")).to_have_attribute("data-kind", "missing_out")
    cell = page.locator(f'[data-key="{ada} {MONTH}-05"]')
    expect(cell).to_contain_text("no out")
    page.keyboard.press("Escape")
    expect(sheet).to_be_hidden()
    expect(cell).to_be_focused()


def test_a_time_that_comes_twice_is_the_first(admin: Visit, works: Api) -> None:
    """On the night on which clocks go back; and one that never comes moves forward by the gap, as shifts do."""
    ada = in_berlin(works)
    page = admin.open("/attendance")
    moments = page.evaluate(
        """async () => {
          const { instant, clockIn } = await import("/static/js/zoned.js");
          const at = (date, time) => instant("Europe/Berlin", date, time);
          return [at("2026-10-25", "02:30"), at("2026-03-29", "02:30"), at("2026-07-01", "09:00"),
            instant("Australia/Lord_Howe", "2026-01-05", "09:00"), clockIn("Asia/Kathmandu", "2026-01-05T00:00:00Z")];
        }"""
    )
    assert moments == [
        "2026-10-25T00:30:00.000Z", "2026-03-29T01:30:00.000Z", "2026-07-01T07:00:00.000Z", "2026-01-04T22:00:00.000Z",
        "05:45",
    ]  # fmt: skip
    assert ada


def test_a_second_person_decides(admin: Visit, works: Api, site: RollcallServer) -> None:
    """What waits is counted beside its tab; whoever asked cannot agree, somebody else can."""
    ada = in_berlin(works)
    settings = {name: value for name, value in works.get("settings").items() if name != "updatedAt"}
    wanted = {**settings, "attendance": {**settings["attendance"], "secondPerson": True}}
    works.call("PUT", "settings", 200, json=wanted)
    try:
        entered(works, ada, "in", f"{MONTH}-05T08:00:00Z")
        page = admin.open("/attendance")
        tab = page.get_by_role("link", name="Waiting")
        expect(tab).to_contain_text("1")
        tab.click()
        waiting = page.locator(".waiting-list > li")
        expect(waiting).to_contain_text("Thursday 5 March, times in Europe/Berlin")
        waiting.get_by_role("button", name="Approve").click()
        expect(waiting).to_contain_text("Somebody else has to decide")
        assert unnamed_controls(page) == []
        site.add_user("second@site.example", "Operator")
        admin.context.clear_cookies()
        admin.sign_in("second@site.example", PASSWORD)
        page.reload()
        waiting.get_by_role("button", name="Approve").click()
        expect(page.get_by_text("Nothing waits")).to_be_visible()
        [entry] = works.get("attendance/entries", personId=ada)
        assert entry["state"] == "valid"
    finally:
        works.call("PUT", "settings", 200, json=settings)
