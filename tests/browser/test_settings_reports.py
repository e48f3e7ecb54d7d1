"""Reports by e-mail in the settings: from the form to the mail that arrives at a server on loopback."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.axe import look
from tests.browser.chromium import Visit
from tests.journeys.client import Api
from tests.journeys.server import ADMIN, PASSWORD, RollcallServer
from tests.mail_server import MailServer, mail_server

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
NOBODY = "550 5.1.1 No such mailbox"
SENDER = "rollcall@site.example"
LOOKS, PLANS = "report-looks@site.example", "report-plans@site.example"
REPORT = {"name": "Yesterday", "recipients": ["payroll@site.example"], "frequency": "daily", "time": "06:15"}


@pytest.fixture(scope="module")
def post() -> Iterator[MailServer]:
    with mail_server() as opened:
        yield opened


@pytest.fixture(scope="module")
def mailing(tmp_path_factory: pytest.TempPathFactory, chromium_path: str, post: MailServer) -> Iterator[RollcallServer]:
    """A server that may send mail."""
    settings = {
        "ROLLCALL_SMTP__HOST": "127.0.0.1", "ROLLCALL_SMTP__PORT": str(post.port), "ROLLCALL_SMTP__SECURITY": "none",
        "ROLLCALL_SMTP__SENDER": SENDER,
    }  # fmt: skip
    with RollcallServer(tmp_path_factory.mktemp("mailing"), settings=settings) as running:
        yield running


@pytest.fixture
def plant(mailing: RollcallServer, post: MailServer) -> Iterator[Api]:
    """The administrator's client of that server, with a site in Berlin and a department; reports go in the end."""
    with mailing.login() as api:
        site = api.post("sites", {"name": "Plant", "timezone": "Europe/Berlin"})["id"]
        department = api.post("departments", {"name": "Assembly"})["id"]
        yield api
        for report in api.get("reports"):
            api.call("DELETE", f"reports/{report['id']}", 204)
        api.call("DELETE", f"sites/{site}", 204)
        api.call("DELETE", f"departments/{department}", 204)
        post.open.set()
        post.came.clear()
        post.refuses.clear()


@pytest.fixture
def page(mailing: RollcallServer, browser: Browser, plant: Api) -> Iterator[Page]:
    with Visit.of(browser, mailing.url) as visit:
        yield visit.sign_in(ADMIN, PASSWORD).open("/settings")


def reports(page: Page) -> Locator:
    return page.get_by_role("region", name="Reports by e-mail")


def row_of(page: Page, name: str) -> Locator:
    return reports(page).get_by_role("listitem", name=name)


def test_a_report_from_its_form_to_the_mail(page: Page, plant: Api, post: MailServer) -> None:
    """What is missing is told at its field, each address by itself; sent by a second press; then it goes."""
    expect(reports(page).get_by_text("No report is mailed yet")).to_be_visible()
    look(page)
    reports(page).get_by_role("button", name="Add a report").press("Enter")
    form = page.get_by_role("form", name="Add a report")
    expect(form.get_by_label("Name", exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    expect(form.get_by_text("Give it a name.")).to_be_visible()
    expect(form.get_by_text("Give at least one address.")).to_be_visible()
    form.get_by_label("Name", exact=True).fill("Last week")
    form.get_by_label("To", exact=True).fill("ada\npayroll@site.example, <boss>\n")
    form.get_by_role("button", name="Add it").click()
    expect(form.get_by_text("ada is not like ada@example.com.")).to_contain_text("<boss> is not like")
    form.get_by_label("To", exact=True).fill("payroll@site.example\nboss@si_te.example\nPayroll@site.example")
    form.get_by_role("button", name="Add it").click()
    expect(form.get_by_text("boss@si_te.example is not like ada@example.com.", exact=True)).to_be_visible()
    expect(form.get_by_label("To", exact=True)).to_be_focused()
    look(page)
    form.get_by_label("To", exact=True).fill("payroll@site.example\nboss@site.example")

    expect(form.get_by_label("On", exact=True)).to_be_hidden()
    form.get_by_label("What is in it").select_option("month")
    expect(form.get_by_label("How often")).to_have_value("monthly")
    form.get_by_label("On day").fill("31")
    form.get_by_role("button", name="Add it").click()
    expect(form.get_by_text("Give a number from 1 to 28.")).to_be_visible()
    form.get_by_label("What is in it").select_option("exceptions")
    form.get_by_label("How often").select_option("weekly")
    expect(form.get_by_label("On day")).to_be_hidden()
    expect(form.get_by_text("It is of the week before, Monday to Sunday.")).to_be_visible()
    form.get_by_label("On", exact=True).select_option("Tuesday")
    form.get_by_label("At", exact=True).fill("06:45")
    form.get_by_label("Time zone").fill("Nowhere/Land")
    form.get_by_role("button", name="Add it").click()
    expect(form.get_by_label("Time zone")).to_have_attribute("aria-invalid", "true")
    form.get_by_label("Time zone").fill("")
    form.get_by_label("Site", exact=True).select_option("Plant")
    expect(form.get_by_label("Time zone")).to_have_value("Europe/Berlin")
    form.get_by_label("Department", exact=True).select_option("Assembly")
    form.get_by_role("button", name="Add it").press("Enter")

    row = row_of(page, "Last week")
    expect(row).to_contain_text("Exceptions (Excel) · to 2 addresses · only Plant · only Assembly")
    expect(row).to_contain_text(
        re.compile(r"Every Tuesday at 06:45 · next Tue \d+ [A-Z][a-z]+ 06:45 \(Europe/Berlin\)")
    )
    expect(row).to_contain_text("Not sent yet")
    [made] = plant.get("reports")
    assert (made["weekday"], made["monthDay"], made["recipients"]) == (
        2, None, ["payroll@site.example", "boss@site.example"],
    )  # fmt: skip
    look(page)

    row.get_by_role("button", name="Send Last week now").press("Enter")
    assert post.came == []
    row.get_by_role("button", name="Yes, send Last week to 2 addresses").press("Enter")
    log = page.get_by_role("dialog", name="Runs of Last week")
    run = log.get_by_role("listitem").first
    expect(run).to_contain_text(re.compile(r"Sent.*to 2 addresses · 0 rows"))
    [mail] = post.came
    assert mail.recipients == ["payroll@site.example", "boss@site.example"]
    [file] = mail.message.iter_attachments()
    assert (file.get_filename() or "").endswith(".xlsx")
    look(page)
    page.keyboard.press("Escape")
    expect(row).to_contain_text("Last sent")
    expect(row.get_by_role("button", name="Send Last week now")).to_be_focused()
    row.get_by_role("button", name="Delete Last week").click()
    page.get_by_role("dialog", name="Delete Last week?").get_by_role("button", name="Delete").click()
    expect(reports(page).get_by_text("No report is mailed yet")).to_be_visible()
    expect(reports(page).get_by_role("button", name="Add a report")).to_be_focused()


def test_what_is_not_taken_says_so(page: Page, plant: Api, post: MailServer) -> None:
    """A mailbox that is not there is told in the list and in the log, with the words of the mail server."""
    report = plant.post("reports", REPORT)["id"]
    page.reload()
    post.refuses["payroll@site.example"] = NOBODY
    row = row_of(page, "Yesterday")
    expect(row).to_contain_text("Days of everybody (Excel) · to payroll@site.example")
    row.get_by_role("button", name="Send Yesterday now").click()
    expect(row.get_by_text("Yes, send to 1 address")).to_be_visible()
    page.get_by_role("button", name="Add a report").focus()  # elsewhere: it is not sent, and asks again
    expect(row.get_by_text("Send now")).to_be_visible()
    row.get_by_role("button", name="Send Yesterday now").click()
    row.get_by_role("button", name="Yes, send Yesterday to 1 address").click()
    run = page.get_by_role("dialog", name="Runs of Yesterday").get_by_role("listitem")
    expect(run).to_contain_text("Not sent")
    expect(run).to_contain_text("No such mailbox")
    page.keyboard.press("Escape")
    expect(row).to_contain_text("The last one was not sent")
    plant.call("PATCH", f"reports/{report}", 200, json={"recipients": [ADMIN, "payroll@site.example"]})
    plant.post(f"reports/{report}/send", status=202)
    page.reload()
    expect(row).to_contain_text(re.compile(r"Last sent .*, not to everybody: .*No such mailbox"))
    look(page)


def test_one_that_cannot_be_sent_keeps_the_focus(page: Page, plant: Api, post: MailServer) -> None:
    """It says why, and whoever works with keys goes on from there."""
    report = plant.post("reports", REPORT)["id"]
    post.open.clear()
    for _ in range(5):
        plant.post(f"reports/{report}/send", status=202)
    page.reload()
    row = row_of(page, "Yesterday")
    row.get_by_role("button", name="Send Yesterday now").press("Enter")
    row.get_by_role("button", name="Yes, send Yesterday to 1 address").press("Enter")
    expect(page.get_by_text("5 mails of this report are under way")).to_be_visible()
    expect(row.get_by_role("button", name="Send Yesterday now")).to_be_focused()


def test_an_edit_and_what_somebody_else_changed(page: Page, plant: Api) -> None:
    """The form says so, and loads it; one that is off has no next time."""
    report = plant.post("reports", REPORT)["id"]
    page.reload()
    row_of(page, "Yesterday").get_by_role("button", name="Edit Yesterday").click()
    form = page.get_by_role("form", name="Yesterday")
    expect(form.get_by_label("To", exact=True)).to_have_value("payroll@site.example")
    form.get_by_label("Send it by this schedule").uncheck()
    plant.call("PATCH", f"reports/{report}", 200, json={"time": "05:00"})
    form.get_by_role("button", name="Save").click()
    expect(form.get_by_text("Somebody else changed this report meanwhile.")).to_be_visible()
    form.get_by_role("button", name="Load again").click()
    expect(form.get_by_label("At", exact=True)).to_have_value("05:00")
    form.get_by_label("Send it by this schedule").press("Space")
    form.get_by_label("As a file for").select_option("csv")
    form.get_by_role("button", name="Save").click()
    row = row_of(page, "Yesterday")
    expect(row).to_contain_text("Off")
    expect(row).to_contain_text("Days of everybody (CSV)")
    expect(row).not_to_contain_text("next")
    changed = plant.get(f"reports/{report}")
    assert (changed["time"], changed["enabled"], changed["recipients"]) == ("05:00", False, ["payroll@site.example"])


def test_a_test_mail(page: Page, post: MailServer) -> None:
    """To whoever asks, if nobody else is named; what the mail server says of the address stands at it."""
    expect(reports(page).get_by_text(f"Mail comes from {SENDER}.")).to_be_visible()
    reports(page).get_by_role("button", name="Send a test mail").press("Enter")
    form = page.get_by_role("form", name="Send a test mail")
    to = form.get_by_label("To")
    expect(to).to_be_focused()
    expect(to).to_have_value(ADMIN)
    to.fill("nobody")
    page.keyboard.press("Enter")
    expect(form.get_by_text("nobody is not like ada@example.com.")).to_be_visible()
    post.refuses["gone@site.example"] = NOBODY
    to.fill("gone@site.example")
    page.keyboard.press("Enter")
    expect(form.get_by_text(re.compile("No such mailbox"))).to_be_visible()
    to.fill(ADMIN)
    page.keyboard.press("Enter")
    expect(form.get_by_text(f"Look whether it arrives at {ADMIN}")).to_be_visible()
    assert [mail.recipients for mail in post.came] == [[ADMIN]]
    look(page)


def test_a_list_that_does_not_load_is_asked_for_again(mailing: RollcallServer, browser: Browser, plant: Api) -> None:
    """Without a network it says what to do, and does it."""
    plant.post("reports", REPORT)
    with Visit.of(browser, mailing.url, quiet=False) as visit:
        page = visit.sign_in(ADMIN, PASSWORD).open("/settings")
        row_of(page, "Yesterday").get_by_role("button", name="Runs of Yesterday").click()
        expect(page.get_by_role("dialog", name="Runs of Yesterday")).to_contain_text("Nothing here")
        page.context.set_offline(True)
        page.keyboard.press("Escape")
        expect(reports(page).get_by_text("This could not be loaded")).to_be_visible()
        page.context.set_offline(False)
        reports(page).get_by_role("button", name="Try again").click()
        expect(row_of(page, "Yesterday")).to_be_visible()


def test_without_a_mail_server_the_setting_is_named(admin: Visit, api: Api) -> None:
    """A report can be prepared, and nothing can be sent."""
    report = api.post("reports", REPORT)["id"]
    page = admin.open("/settings")
    expect(reports(page).get_by_text("No mail server is set")).to_contain_text("ROLLCALL_SMTP__HOST")
    expect(row_of(page, "Yesterday").get_by_role("button", name="Edit Yesterday")).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("^Send"))).to_have_count(0)
    look(page)
    api.call("DELETE", f"reports/{report}", 204)


def test_who_may_only_look_and_who_may_not(mailing: RollcallServer, browser: Browser, plant: Api) -> None:
    """Without `events:read` the section is not there; with it alone nothing can be changed, and no address is told."""
    plant.post("reports", REPORT)
    for name, email, more in (("Looks", LOOKS, ["events:read"]), ("Plans", PLANS, [])):
        plant.post("roles", {"name": name, "permissions": ["settings:read", "attendance:read", *more]})
        mailing.add_user(email, name)
    with Visit.of(browser, mailing.url) as visit:
        page = visit.sign_in(LOOKS, PASSWORD).open("/settings")
        row = row_of(page, "Yesterday")
        expect(row).to_contain_text("to …@site.example")
        expect(row.get_by_role("button")).to_have_text(["Runs"])
        expect(reports(page).get_by_role("button")).to_have_count(1)
    with Visit.of(browser, mailing.url) as visit:
        page = visit.sign_in(PLANS, PASSWORD).open("/settings")
        expect(page.get_by_role("heading", name="Settings")).to_be_visible()
        expect(reports(page)).to_have_count(0)
