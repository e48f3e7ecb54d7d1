"""From a face in a film to a row of a payroll's workbook, made in the background."""

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import openpyxl
import pytest

from tests.journeys.client import Api, about
from tests.journeys.server import RollcallServer
from tests.sources import DemoSources

pytestmark = [pytest.mark.journey, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, demo: DemoSources) -> Iterator[RollcallServer]:
    with RollcallServer(tmp_path_factory.mktemp("export"), roots=[demo.folder]) as running:
        yield running


def test_who_was_seen_is_in_the_workbook(server: RollcallServer, api: Api, demo: DemoSources) -> None:
    """Checked in by a camera at the moment that the entry says, in the time zone where she works; absent before."""
    site = api.post("sites", {"name": "Auckland", "timezone": "Pacific/Auckland"})["id"]
    collins = api.enrol("Eileen Collins", demo.collins)
    api.call("PUT", f"people/{collins}", 200, json={"siteId": site})
    shift = api.post("shifts", {"name": "All day", "start": "00:00", "end": "00:00"})["id"]
    now = datetime.now(UTC)
    first, last = ((now + timedelta(days=days)).date().isoformat() for days in (-3, 2))
    api.post("schedules", {"shiftId": shift, "personId": collins, "from": first})
    with server.subscriber(api.token) as hears:
        hears.subscribe("attendance")
        hears.subscribe("jobs")
        api.add_camera("Entrance", demo.entrance)
        entry = hears.event("attendance.checked_in", lambda data: data["person"]["id"] == collins)["data"]
        job = api.post("attendance/export", {"format": "xlsx", "from": first, "to": last}, status=202)["id"]
        hears.event("job.done", about(id=job))
    done = api.get(f"jobs/{job}")
    assert (done["done"], done["total"], done["result"]["rows"]) == (6, 6, 6)
    answer = api.raw("GET", done["resultUrl"])
    assert answer.headers["Content-Type"].startswith("application/vnd.openxmlformats")
    book = openpyxl.load_workbook(io.BytesIO(answer.content))
    assert book.sheetnames == ["Summary", "All days", "Without a department", "Eileen Collins"]
    head, *rows = book["Eileen Collins"].iter_rows(values_only=True)
    days = [dict(zip(head, row, strict=True)) for row in rows]
    [seen] = [day for day in days if day["First in"] is not None]
    expected = datetime.fromisoformat(entry["at"]).astimezone(UTC)
    (listed,) = [one for one in api.get("attendance/days", **{"from": first, "to": last}) if one["firstIn"]]
    assert datetime.fromisoformat(listed["firstIn"]) == expected
    assert (seen["Time zone"], seen["Site"], seen["Shift"]) == ("Pacific/Auckland", "Auckland", "All day")
    offset = seen["First in"] - expected.replace(tzinfo=None, microsecond=0)
    assert offset in (timedelta(hours=12), timedelta(hours=13))  # winter there, or summer
    assert seen["Date"].date() == seen["First in"].date()
    assert days[0]["Status"] == "absent"
    table = api.raw("GET", "attendance/export", params={"from": first, "to": last}).content.decode("utf-8-sig")
    lines = list(csv.DictReader(io.StringIO(table, newline="")))
    assert [line["status"] for line in lines] == [day["Status"] for day in days]
    [line] = [line for line in lines if line["firstIn"]]
    assert datetime.fromisoformat(line["firstIn"]) == expected.replace(microsecond=0)
