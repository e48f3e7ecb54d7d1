"""Working time for the tests in a browser: somebody with a shift, and their entries."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page

from tests.journeys.client import Api

EVERY_DAY = [1, 2, 3, 4, 5, 6, 7]
MONTH = "2026-03"


@pytest.fixture
def works(api: Api) -> Iterator[Api]:
    """Takes away what says who works when."""
    yield api
    for area in ("schedules", "shifts", "departments", "sites"):
        for one in api.get(area, pageSize=200):
            api.call("DELETE", f"{area}/{one['id']}", 204)


def entered(api: Api, person_id: str, direction: str, at: str) -> str:
    form = {"personId": person_id, "at": at, "direction": direction, "reason": "By the book."}
    return str(api.post("attendance/entries", form)["id"])


def in_berlin(api: Api) -> str:
    """Somebody who works there from nine to five every day of a month; the id."""
    person = str(api.post("people", {"fullName": "Ada Lovelace", "timezone": "Europe/Berlin"})["id"])
    form = {"name": "Early", "start": "09:00", "end": "17:00", "breakMinutes": 30, "graceLateMinutes": 5}
    shift = api.post("shifts", {**form, "days": EVERY_DAY, "timezone": "Europe/Berlin"})["id"]
    api.post("schedules", {"shiftId": shift, "personId": person, "from": f"{MONTH}-01", "to": f"{MONTH}-31"})
    return person


def sheet_of(page: Page) -> Locator:
    return page.locator("[data-day-sheet]")
