"""The page of settings: a webhook from its form to the log of its deliveries."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.chromium import NARROW, WIDE, Visit, overflow_px, unnamed_controls
from tests.journeys.server import ADMIN, PASSWORD, RollcallServer
from tests.outbound.threaded import ThreadedReceiver, threaded_receiver

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
VIEWER = "settings-viewer@site.example"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, chromium_path: str) -> Iterator[RollcallServer]:
    """One that may send to loopback."""
    settings = {"ROLLCALL_OUTBOUND__ALLOWED_NETWORKS": '["127.0.0.0/8"]'}
    with RollcallServer(tmp_path_factory.mktemp("settings"), settings=settings) as running:
        yield running


@pytest.fixture
def receiver(site: RollcallServer) -> Iterator[ThreadedReceiver]:
    with threaded_receiver() as opened:
        yield opened
    with site.login() as api:
        for hook in api.get("webhooks"):
            api.call("DELETE", f"webhooks/{hook['id']}", 204)


def row_of(page: Page, name: str) -> Locator:
    return page.get_by_role("region", name="Webhooks").get_by_role("listitem", name=name)


def look(page: Page, name: str) -> None:
    """At every width nothing sticks out, and everything has a name."""
    for width, height in (WIDE, NARROW):
        page.set_viewport_size({"width": width, "height": height})
        assert overflow_px(page) <= 0, f"{name} at {width}"
    assert unnamed_controls(page) == []
    page.set_viewport_size({"width": WIDE[0], "height": WIDE[1]})


def test_a_webhook_from_its_form_to_its_log(admin: Visit, receiver: ThreadedReceiver) -> None:
    """Added with a secret that is shown once; tested; sent again; with another secret; and deleted."""
    page = admin.open("/settings")
    expect(page.get_by_text("No other system is told yet")).to_be_visible()
    look(page, "settings-empty")
    page.get_by_role("button", name="Add a webhook").click()
    form = page.get_by_role("form", name="Add a webhook")
    expect(form.get_by_label("Name", exact=True)).to_be_focused()
    form.get_by_role("button", name="Add it").click()
    expect(form.get_by_text("Give it a name.")).to_be_visible()
    form.get_by_label("Name", exact=True).fill("Payroll")
    form.get_by_label("Address").fill("http://10.0.0.7/hook")
    form.get_by_role("button", name="Add it").click()
    expect(form.get_by_text("This address is not on a network that is allowed here.")).to_be_visible()
    expect(form.get_by_label("Address")).to_be_focused()
    look(page, "settings-form")
    form.get_by_label("Address").fill(receiver.url)
    form.get_by_label("Alert", exact=True).check()
    form.get_by_role("button", name="Add it").click()
    sheet = page.get_by_role("dialog", name="Payroll")
    secret = sheet.get_by_role("textbox", name="Secret").input_value()
    assert re.fullmatch(r"whsec_.{44}", secret)
    look(page, "settings-secret")
    sheet.get_by_role("button", name="I have copied it").click()
    expect(sheet).to_be_hidden()
    assert secret not in page.content()

    row = row_of(page, "Payroll")
    expect(row).to_contain_text("3 kinds of events")
    row.get_by_role("button", name="Deliveries of Payroll").click()
    log = page.get_by_role("dialog", name="Deliveries of Payroll")
    log.get_by_role("button", name="Send a test").click()
    delivery = log.get_by_role("listitem").first
    expect(delivery).to_contain_text("Delivered", timeout=30_000)
    receiver.got[0].check(secret)
    delivery.locator("summary").click()
    expect(delivery).to_contain_text("200")
    expect(delivery).to_contain_text("thanks")
    receiver.status = 503
    delivery.get_by_role("button", name=re.compile("^Send again: Test")).click()
    expect(delivery).to_contain_text("2 tries", timeout=30_000)
    expect(delivery).to_contain_text("the receiver answered 503")
    look(page, "settings-log")
    page.keyboard.press("Escape")
    expect(row).to_contain_text("Failing, 1 in a row")
    look(page, "settings-list")

    row.get_by_role("button", name="Edit Payroll").click()
    again = page.get_by_role("dialog", name="Payroll")
    again.get_by_role("button", name="Make another secret").click()
    again.get_by_role("button", name="Yes, make another secret").click()
    expect(again.get_by_role("textbox", name="Secret")).not_to_have_value(secret)
    page.keyboard.press("Escape")
    row.get_by_role("button", name="Delete Payroll").click()
    page.get_by_role("dialog", name="Delete Payroll?").get_by_role("button", name="Delete").click()
    expect(page.get_by_text("No other system is told yet")).to_be_visible()


def test_frappe_and_an_edit(admin: Visit, receiver: ThreadedReceiver) -> None:
    """It asks for the login in the place of the events; an edit without one keeps it."""
    page = admin.open("/settings")
    page.get_by_role("button", name="Add a webhook").click()
    form = page.get_by_role("form", name="Add a webhook")
    form.get_by_label("What is there").select_option("frappe")
    expect(form.get_by_label("Check-in", exact=True)).to_be_hidden()
    form.get_by_label("Name", exact=True).fill("Frappe")
    form.get_by_label("Address").fill(receiver.url)
    form.get_by_label("API key").fill("key")
    form.get_by_role("button", name="Add it").click()
    expect(form.get_by_label("API secret")).to_be_focused()
    form.get_by_label("API secret").fill("secret")
    look(page, "settings-frappe")
    form.get_by_role("button", name="Add it").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    row_of(page, "Frappe").get_by_role("button", name="Edit Frappe").click()
    page.get_by_label("Name", exact=True).fill("Frappe HR")
    page.get_by_label("Send events").uncheck()
    page.get_by_role("button", name="Save").click()
    expect(row_of(page, "Frappe HR")).to_contain_text("Off")


def test_only_some_cameras_and_departments(admin: Visit, site: RollcallServer, receiver: ThreadedReceiver) -> None:
    """All at first; some are found by a part of their name; a camera that is gone leaves a choice to make."""
    with site.login() as api:
        cameras = {
            name: api.add_camera(name, f"rtsp://127.0.0.1:9/{n}", kind="rtsp", enabled=False)
            for n, name in enumerate(("Dock", "Gate", "Hall", "Lab", "Lift", "Roof", "Shop", "Stairs", "Yard"))
        }
        assembly = api.post("departments", {"name": "Assembly"})["id"]
        page = admin.open("/settings")
        page.get_by_role("button", name="Add a webhook").click()
        form = page.get_by_role("form", name="Add a webhook")
        form.get_by_label("Name", exact=True).fill("Payroll")
        form.get_by_label("Address").fill(receiver.url)
        where = form.get_by_role("group", name="Cameras").first
        expect(where.get_by_label("All", exact=True)).to_be_checked()
        expect(where.get_by_label("Gate")).to_be_hidden()
        where.get_by_label("All", exact=True).press("ArrowRight")
        expect(where.get_by_label("Only some")).to_be_checked()
        form.get_by_role("button", name="Add it").click()
        expect(form.get_by_text("Choose at least one camera.")).to_be_visible()
        where.get_by_label("Search cameras").fill("ga")
        where.get_by_label("Search cameras").press("Enter")
        expect(where.get_by_label("Dock")).to_be_hidden()
        where.get_by_label("Gate").check()
        where.get_by_label("Search cameras").fill("cellar")
        expect(where.get_by_text("None has that in its name.")).to_be_visible()
        expect(where.get_by_text("1 of 9 chosen")).to_be_visible()
        whose = form.get_by_role("group", name="Departments").first
        whose.get_by_label("Only some").press("Space")
        whose.get_by_label("Assembly").check()
        look(page, "settings-limits")
        form.get_by_role("button", name="Add it").click()
        page.get_by_role("button", name="I have copied it").click()
        expect(row_of(page, "Payroll")).to_contain_text("only Gate · only Assembly")
        [hook] = api.get("webhooks")
        assert (hook["cameraIds"], hook["departmentIds"]) == ([cameras["Gate"]], [assembly])

        api.call("DELETE", f"cameras/{cameras['Gate']}", 204)
        page.reload()
        row_of(page, "Payroll").get_by_role("button", name="Edit Payroll").click()
        form = page.get_by_role("form", name="Payroll")
        expect(form.get_by_text("One that was chosen is gone.")).to_be_visible()
        form.get_by_role("button", name="Save").click()
        expect(form.get_by_text("Choose at least one camera.")).to_be_visible()
        form.get_by_label("Lab").check()
        form.get_by_role("group", name="Departments").first.get_by_label("All", exact=True).check(force=True)
        api.call("DELETE", f"cameras/{cameras['Lab']}", 204)
        form.get_by_role("button", name="Save").click()
        expect(form.get_by_text("There is none with that id.")).to_be_visible()
        form.get_by_label("Lab").uncheck()
        form.get_by_label("Roof").check()
        form.get_by_label("Yard").check()
        form.get_by_role("button", name="Save").click()
        expect(row_of(page, "Payroll")).to_contain_text("only 2 cameras · nothing delivered yet")
        [hook] = api.get("webhooks")
        assert (hook["cameraIds"], hook["departmentIds"]) == ([cameras["Roof"], cameras["Yard"]], None)
        for area in ("cameras", "departments"):
            for each in api.get(area):
                api.call("DELETE", f"{area}/{each['id']}", 204)


def test_whose_page_it_is_not(site: RollcallServer, browser: Browser) -> None:
    """Who may not see settings has neither the page nor the way to it."""
    site.add_user(VIEWER, "Viewer")
    with Visit.of(browser, site.url) as visit:
        page = visit.sign_in(VIEWER, PASSWORD).open("/settings")
        expect(page.get_by_text("This page is not open to you")).to_be_visible()
        expect(page.get_by_role("link", name="Settings")).to_have_count(0)
    with Visit.of(browser, site.url, size=NARROW, dark=True) as visit:
        page = visit.sign_in(ADMIN, PASSWORD).open("/settings")
        expect(page.get_by_role("link", name="Settings")).to_have_attribute("aria-current", "page")
        assert overflow_px(page) <= 0
