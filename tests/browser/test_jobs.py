"""The page of jobs: how far an import is, while it is; cancelled and removed by who has asked for it."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.chromium import Visit
from tests.journeys.client import Api
from tests.journeys.server import PASSWORD, RollcallServer

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
CLERK = "clerk@site.example"
ROWS = 30_000


def test_an_import_is_followed_and_cancelled(site: RollcallServer, api: Api, visitor: Visit) -> None:
    """By an operator, among jobs of others, whom they leave alone. What was added is told; the file of an export is
    there until its job is removed."""
    site.add_user(CLERK, "Operator")
    api.post("people", {"fullName": "Ada", "employeeId": "1"})
    api.post("audit/export", {}, status=202)
    page = visitor.sign_in(CLERK, PASSWORD).open("/jobs?kind=attendance-import&mine=1")
    expect(page.get_by_text("No such job")).to_be_visible()
    times = [f"1,2026-01-{1 + n // 1200:02}T{n % 1200 // 60:02}:{n % 60:02}:00Z,in" for n in range(ROWS)]
    table = "\n".join(["employeeId,at,direction", *times]).encode()
    with Api.signed_in(site.url, CLERK, PASSWORD) as clerk:
        clerk.call("POST", "attendance/import", 202, files={"file": ("entries.csv", table, "text/csv")})
        clerk.post("attendance/export", {"from": "2026-01-01", "to": "2026-01-02"}, status=202)
    row = page.get_by_role("listitem", name="Import of entries")
    expect(row.get_by_role("progressbar")).to_have_attribute("aria-valuenow", re.compile(r"[1-9]\d+"), timeout=60_000)
    expect(row).to_contain_text(CLERK)
    row.get_by_role("button", name="Cancel").click()
    row.get_by_role("button", name=re.compile("now")).click()
    expect(row).to_contain_text("Cancelled")
    expect(row).to_contain_text(re.compile(r"added: [1-9]\d*"), timeout=30_000)
    expect(row.get_by_role("link", name="Download")).to_be_visible()

    page.get_by_label("Mine").uncheck()
    page.get_by_label("Kind").select_option("audit-export")
    others = page.get_by_role("listitem", name="Export of the audit")
    expect(others.first).to_be_visible()
    expect(others.get_by_role("button")).to_have_count(0)
    page.get_by_label("Mine").check()
    expect(others).to_have_count(0)
    page.get_by_label("Kind").select_option("attendance-export")
    own = page.get_by_role("listitem", name="Export of days")
    expect(own.get_by_role("link", name="Download")).to_be_visible(timeout=60_000)
    own.get_by_role("button", name="Remove").click()
    own.get_by_role("button", name=re.compile("with its file")).click()
    expect(own).to_have_count(0)
    expect(page).to_have_url(re.compile(r"kind=attendance-export&mine=1"))
