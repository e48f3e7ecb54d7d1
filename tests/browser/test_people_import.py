"""Importing people in the browser: a file, its progress, what was refused, and the list by its filters."""

import io
import zipfile

import pytest
from playwright.sync_api import expect

from tests.browser.chromium import Visit
from tests.journeys.client import Api
from tests.sources import DemoSources

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


def faces(demo: DemoSources) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as made:
        made.writestr("Eileen Collins/1.jpg", demo.collins)
        made.writestr("Eileen Collins/2.jpg", b"no picture")
    return packed.getvalue()


def test_an_archive_is_imported_and_its_report_read(admin: Visit, api: Api, demo: DemoSources) -> None:
    """Progress, figures, and a report to download; the list shows who came in."""
    page = admin.open("/people")
    page.get_by_role("button", name="Import").click()
    dialog = page.get_by_role("dialog", name="Import people")
    chooser = dialog.locator("input[type=file]")
    chooser.set_input_files({"name": "bad.csv", "mimeType": "text/csv", "buffer": b"name\nAda\n"})
    expect(dialog.get_by_role("alert")).to_contain_text("Line 1, column 1 (name)")
    chooser.set_input_files({"name": "faces.zip", "mimeType": "application/zip", "buffer": faces(demo)})
    expect(dialog.get_by_text("People in: 1. Photos in: 1.")).to_be_visible(timeout=60_000)
    expect(dialog).to_contain_text("Refused: 1.")
    with page.expect_download() as download:
        dialog.get_by_role("link", name="Download the report").click()
    assert "unreadable" in download.value.path().read_text()
    dialog.get_by_role("button", name="Import another file").click()
    table = b"fullName,employeeId,department\n" + b"".join(b"Person %d,%d,Sales\n" % (n, n) for n in range(120))
    chooser.set_input_files({"name": "all.csv", "mimeType": "text/csv", "buffer": table})
    expect(dialog.get_by_text("People in: 120. Photos in: 0.")).to_be_visible(timeout=60_000)
    expect(dialog).to_contain_text("Nothing was refused.")
    page.keyboard.press("Escape")
    expect(page.locator("[data-count]")).to_have_text("121 people")
    page.get_by_label("Department").select_option(label="Sales")
    expect(page.locator("[data-count]")).to_have_text("120 people")
    page.get_by_label("State of enrolment").select_option("partial")
    expect(page.get_by_text("Nobody matches")).to_be_visible()
    page.get_by_label("Department").select_option("")
    expect(page.locator("[data-list] button")).to_have_count(1)
    with page.expect_download() as exported:
        page.get_by_role("link", name="Export").click()
    assert exported.value.path().read_text().splitlines()[1].split(",")[1] == "Eileen Collins"
