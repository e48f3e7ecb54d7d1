"""The page of attendance: who is in, today, a month, and a day down to its frame."""

import re
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from playwright.sync_api import FilePayload, WebSocketRoute, expect

from server.access.access import Access
from server.pipeline import check_outs
from server.store.engine import Store
from server.store.event_log import TableLog
from server.store.runtime import RuntimeSettings, RuntimeState
from tests.browser.chromium import Visit, overflow_px, unnamed_controls
from tests.browser.times import EVERY_DAY, MONTH, entered, in_berlin, sheet_of
from tests.browser.times import works as works
from tests.journeys.client import Api
from tests.journeys.server import RollcallServer
from tests.sources import DemoSources

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


def zone_of_noon() -> str:
    """Where it is about noon, on the same date as in UTC: what is asked of today then holds at whatever time."""
    ahead = 12 - datetime.now(UTC).hour
    return f"Etc/GMT{-ahead:+d}" if ahead else "Etc/GMT"


def look_for_check_outs(site: RollcallServer) -> None:
    """As the hourly job does, without waiting for the hour."""

    async def look(store: Store, _access: Access) -> None:
        runtime = RuntimeState(store, RuntimeSettings())
        await runtime.load()
        await check_outs.look(store, TableLog(store), lambda _topics: None, runtime, datetime.now(UTC))

    site.beside(look)


def test_who_is_in_follows_the_door(admin: Visit, works: Api) -> None:
    """By department; whoever comes is there without loading the page again, and whoever goes is not."""
    assembly = works.post("departments", {"name": "Assembly"})["id"]
    ada = str(works.post("people", {"fullName": "Ada Lovelace", "departmentId": assembly})["id"])
    page = admin.open("/attendance")
    expect(page.get_by_text("Nobody is in")).to_be_visible()
    now = datetime.now(UTC)
    entered(works, ada, "in", now.isoformat())
    group = page.get_by_role("region", name="Assembly")
    expect(group.get_by_role("button")).to_contain_text("Ada Lovelace")
    expect(page.locator("[data-count]")).to_have_text("1 person is in")
    assert unnamed_controls(page) == []
    entered(works, ada, "out", (now + timedelta(seconds=1)).isoformat())
    expect(page.get_by_text("Nobody is in")).to_be_visible()


def test_today_says_who_is_late(admin: Visit, works: Api) -> None:
    """Everybody who is expected, in words; filters and the address go together; the wall of a zone far away counts."""
    zone = zone_of_noon()
    people = [str(works.post("people", {"fullName": name, "timezone": zone})["id"]) for name in ("Ada", "Bea")]
    form = {"name": "Early", "start": "09:00", "end": "23:00", "days": EVERY_DAY, "timezone": zone}
    shift = works.post("shifts", form)["id"]
    works.post("schedules", {"shiftId": shift, "from": "2026-01-01"})
    entered(works, people[0], "in", datetime.now(UTC).isoformat())
    page = admin.open("/attendance?tab=today")
    rows = page.locator("[data-list] > li")
    expect(rows).to_have_count(2)
    expect(rows.nth(0)).to_contain_text("Late")
    expect(rows.nth(1)).to_contain_text("Expected")
    page.get_by_label("Late", exact=True).check()
    expect(rows).to_have_count(1)
    assert "late=1" in page.url
    page.reload()
    expect(rows).to_have_count(1)
    page.get_by_label("Late", exact=True).uncheck()
    entered(works, people[1], "in", datetime.now(UTC).isoformat())
    expect(rows.nth(1)).to_contain_text("Late")
    page.get_by_role("searchbox").fill("nobody")
    expect(page.get_by_text("Nobody fits")).to_be_visible()


def test_tabs_are_links(admin: Visit, works: Api) -> None:
    """Each has an address; going back works; the chosen one is marked."""
    works.add_person("Ada Lovelace")
    page = admin.open("/attendance")
    tabs = page.get_by_role("navigation", name="Attendance")
    tabs.get_by_role("link", name="Month").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("table")).to_be_visible()
    assert "tab=month" in page.url
    page.go_back()
    expect(tabs.get_by_role("link", name="In now")).to_have_attribute("aria-current", "page")
    expect(page.get_by_text("Nobody is in")).to_be_visible()


def test_a_month_by_keyboard(admin: Visit, works: Api) -> None:
    """Arrows go from day to day, Enter opens one with its numbers; times are those of the day's own zone."""
    ada = in_berlin(works)
    entered(works, ada, "in", f"{MONTH}-05T08:12:00Z")
    entered(works, ada, "out", f"{MONTH}-05T16:00:00Z")
    entered(works, ada, "in", f"{MONTH}-06T07:58:00Z")
    page = admin.open(f"/attendance?tab=month&month={MONTH}")
    expect(page.get_by_role("button", name="Friday 6 March: Check-out missing")).to_be_visible()
    assert overflow_px(page) <= 0
    page.locator('.cell[tabindex="0"]').focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowRight", "ArrowRight"):
        page.keyboard.press(key)
    expect(page.locator(".cell:focus")).to_have_attribute(
        "aria-label", "Ada Lovelace, Thursday 5 March: Present, worked 7:18, late 12 min"
    )
    page.keyboard.press("Enter")
    sheet = sheet_of(page)
    expect(sheet.get_by_role("heading", name="Thursday 5 March")).to_be_visible()
    expect(sheet).to_contain_text("Times in Europe/Berlin")
    expect(sheet.locator(".entry-time")).to_have_text(["09:12", "17:00"])
    assert f"date={MONTH}-05" in page.url
    assert unnamed_controls(page) == []
    sheet.get_by_role("button", name="The day after").click()
    expect(sheet).to_contain_text("The presence was ended by rule at 17:00.")
    page.keyboard.press("Escape")
    expect(sheet).to_be_hidden()
    expect(page).not_to_have_url(re.compile("date="))


def test_an_entry_opens_its_frame(admin: Visit, works: Api, demo: DemoSources) -> None:
    """From who is in, over the day, to the frame that the entry came from."""
    works.enrol("Eileen Collins", demo.collins)
    works.add_camera("Entrance", demo.entrance)
    page = admin.open("/attendance")
    page.get_by_role("button", name="Eileen Collins").click(timeout=90_000)
    page.get_by_role("button", name="Show the frame of In").click()
    evidence = page.locator("[data-evidence]")
    expect(evidence.get_by_role("heading", name="Recognised")).to_be_visible()
    expect(evidence.get_by_role("img").first).to_be_visible()


def test_what_failed_and_what_is_old_say_so(admin: Visit, works: Api, site: RollcallServer) -> None:
    """A list that cannot be loaded says what to do; while the connection is away, since when."""
    works.add_person("Ada Lovelace")
    page = admin.open("/attendance")
    expect(page.get_by_text("Nobody is in")).to_be_visible()
    page.context.route("**/api/v1/attendance/days*", lambda route: route.fulfill(status=503, json={"success": False}))
    page.get_by_role("link", name="Month").click()
    expect(page.get_by_text("This could not be loaded")).to_be_visible()
    page.context.unroute("**/api/v1/attendance/days*")
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("table")).to_be_visible()
    page.route_web_socket("**/ws", lambda socket: socket.close())
    page.reload()
    expect(page.locator(".stale-line")).to_contain_text("Last known at")
    expect(page.get_by_role("table")).to_be_visible()


def test_charts_have_their_tables(admin: Visit, works: Api) -> None:
    """Three pictures that load in both themes, each with its numbers behind it."""
    ada = in_berlin(works)
    entered(works, ada, "in", f"{MONTH}-05T08:12:00Z")
    page = admin.open(f"/attendance?tab=charts&month={MONTH}")
    pictures = page.locator(".chart-picture")
    expect(pictures).to_have_count(3)
    for at in range(3):
        pictures.nth(at).evaluate("image => image.decode()")
    assert unnamed_controls(page) == []
    arrivals = page.get_by_role("figure", name="Arrivals")
    arrivals.get_by_text("As a table").click()
    expect(arrivals.get_by_role("row", name="09:00 1")).to_be_visible()
    page.emulate_media(color_scheme="dark")
    expect(pictures.first).to_have_attribute("src", re.compile("theme=dark"))
    expect(arrivals.get_by_role("row", name="09:00 1")).to_be_visible()
    page.get_by_role("button", name="The month after").click()
    expect(page.get_by_text("Nothing to draw")).to_be_visible()


def test_nothing_falls_between_the_list_and_the_news(admin: Visit, works: Api) -> None:
    """Who comes after the list was read and before the subscription holds shows as soon as it does."""
    ada = str(works.add_person("Ada Lovelace"))
    page = admin.context.new_page()
    held: list[tuple[WebSocketRoute, str | bytes]] = []

    def between(socket: WebSocketRoute) -> None:
        server = socket.connect_to_server()
        socket.on_message(lambda text: held.append((server, text)) if "subscribe" in str(text) else server.send(text))

    page.route_web_socket("**/ws", between)
    page.goto("/attendance")
    expect(page.get_by_text("Nobody is in")).to_be_visible()
    while not held:
        page.wait_for_timeout(50)
    entered(works, ada, "in", datetime.now(UTC).isoformat())
    for server, text in held:
        server.send(text)
    expect(page.get_by_role("button", name="Ada Lovelace")).to_be_visible()


def test_entries_are_imported(admin: Visit, works: Api) -> None:
    """A table that makes no sense; then one that is looked at, with refusals by row and field, and added."""
    works.post("people", {"fullName": "Ada Lovelace", "employeeId": "1"})
    page = admin.open(f"/attendance?tab=month&month={MONTH}")
    page.get_by_role("button", name="Import entries").click()
    dialog = page.get_by_role("dialog", name="Import entries")
    chooser = dialog.locator("input[type=file]")
    chooser.set_input_files({"name": "bad.csv", "mimeType": "text/csv", "buffer": b"name\nAda\n"})
    expect(dialog.get_by_role("alert")).to_contain_text("no column employeeId")
    rows = b'1,2026-03-05 09:00,in\n1,2026-03-05 17:00,out\n9,2026-03-05 09:00,in\n1,2026-03-05 09:00,"in, or"\n'
    table: FilePayload = {"name": "e.csv", "mimeType": "text/csv", "buffer": b"employeeId,at,direction\n" + rows}
    chooser.set_input_files(table)
    expect(dialog.get_by_text("Entries that would be added: 2.")).to_be_visible(timeout=60_000)
    expect(dialog.get_by_role("row")).to_contain_text(["Why", "There is nobody with employeeId 9.", "Write in or out."])
    assert works.get("attendance/entries", origin="import", search="Ada") == []
    assert unnamed_controls(page) == []
    dialog.get_by_role("button", name="Add 2 entries").click()
    expect(dialog.get_by_text("Entries added: 2.")).to_be_visible(timeout=60_000)
    dialog.get_by_role("button", name="Import another file").click()
    chooser.set_input_files(table)
    expect(dialog.get_by_text("There already: 2.")).to_be_visible(timeout=60_000)
    expect(dialog.get_by_role("button", name=re.compile("^Add"))).to_have_count(0)
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Ada Lovelace, Thursday 5 March")).to_contain_text("8:00")


def test_a_missing_check_out_waits(admin: Visit, works: Api, site: RollcallServer) -> None:
    """It is under what waits, is marked as seen, and is gone as soon as the day is right."""
    ada = works.add_person("Ada Lovelace")
    day = (datetime.now(UTC) - timedelta(days=2)).date().isoformat()
    entered(works, ada, "in", f"{day}T08:00:00Z")
    look_for_check_outs(site)
    page = admin.open("/attendance?tab=waiting")
    missing = page.locator("[data-missing] > li")
    expect(missing).to_contain_text("Ada Lovelace")
    expect(missing).to_contain_text(f"A check-out is missing on {day}.")
    expect(page.locator("[data-waiting-count]")).to_have_text("1")
    missing.get_by_role("button", name=re.compile("^Seen: Ada Lovelace")).click()
    expect(missing).to_contain_text("seen by")
    expect(page.locator("[data-waiting-count]")).to_be_hidden()
    assert unnamed_controls(page) == []
    missing.get_by_role("button", name=re.compile("^Ada Lovelace")).click()
    expect(sheet_of(page)).to_contain_text("Check-out missing")
    entered(works, ada, "out", f"{day}T16:00:00Z")
    expect(page.get_by_text("Nothing waits")).to_be_attached()


def test_an_address_for_calendar_programs(admin: Visit, works: Api) -> None:
    """It is made once, works without signing in, and ends with its key."""
    entered(works, in_berlin(works), "in", (datetime.now(UTC) - timedelta(hours=2)).isoformat())
    page = admin.open("/attendance")
    page.get_by_role("button", name="Calendar").click()
    sheet = page.get_by_role("dialog", name="Calendar")
    assert unnamed_controls(page) == []
    sheet.get_by_role("button", name="Make the address").click()
    address = sheet.get_by_label("Address", exact=True).input_value()
    assert "SUMMARY:Ada Lovelace" in httpx.get(address).text
    page.keyboard.press("Escape")
    expect(page.locator("[data-calendar-sheet] input")).to_have_count(0)
    for key in works.get("api-keys"):
        works.call("DELETE", f"api-keys/{key['id']}", 204)
    assert httpx.get(address).status_code == 401


def test_a_persons_month(admin: Visit, works: Api, demo: DemoSources) -> None:
    """From the person's sheet to their days with entries, the newest first, and on to the day's sheet."""
    ada = in_berlin(works)
    for day, direction, at in (("05", "in", "08:12"), ("05", "out", "16:00"), ("06", "in", "07:58")):
        entered(works, ada, direction, f"{MONTH}-{day}T{at}:00Z")
    page = admin.open(f"/people?person={ada}")
    link = page.get_by_role("link", name="All days of attendance")
    expect(link).to_have_attribute("href", f"/attendance?tab=person&of={ada}")
    page.goto(f"/attendance?tab=person&of={ada}&month={MONTH}")
    days = page.locator("[data-list] > li")
    expect(page.get_by_role("combobox", name="Person")).to_have_value("Ada Lovelace")
    expect(days).to_have_count(31)
    expect(days.nth(25)).to_contain_text("Check-out missing")
    expect(days.nth(26)).to_contain_text("Thursday 5 March")
    expect(days.nth(26).locator("time")).to_have_text(["09:12", "17:00"])
    assert unnamed_controls(page) == []
    assert overflow_px(page) <= 0
    days.nth(26).get_by_role("button").click()
    expect(sheet_of(page).get_by_role("heading", name="Thursday 5 March")).to_be_visible()
    page.keyboard.press("Escape")
    expect(days.nth(26).get_by_role("button")).to_be_focused()
    works.post("people", {"fullName": "Bea Babbage"})
    page.get_by_role("combobox", name="Person").fill("")
    page.get_by_role("combobox", name="Person").press_sequentially("Bea B")
    page.locator("[role=option]").click()
    expect(page.get_by_text("Nothing in this month")).to_be_visible()
    assert "tab=person" in page.url
