"""Days as a file: from entries to a workbook and a table that are read back, at once and as a job."""

import asyncio
import csv
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, time, timedelta
from typing import Any

import httpx
import openpyxl
import pytest
from pypdf import PdfReader

from server.jobs import days_export as job
from server.jobs import days_pdf
from server.parts import Parts
from server.routes import days_export
from server.store import departments
from tests.opened import client_of
from tests.routes.limited import limited_client
from tests.routes.test_days import API, MONDAY, ada, admin, entered, later, made

__all__ = ["ada", "admin", "later"]
EXPORT = f"{API}/attendance/export"
JOBS = f"{API}/jobs"
WEEK = {"from": MONDAY, "to": "2026-01-11"}


async def table(client: httpx.AsyncClient, **query: str) -> list[dict[str, str]]:
    answer = await client.get(EXPORT, params={"format": "csv", **WEEK, **query})
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"].startswith("text/csv")
    return read_table(answer.content)


def read_table(content: bytes) -> list[dict[str, str]]:
    assert content.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


async def workbook(client: httpx.AsyncClient, **query: str) -> Any:
    answer = await client.get(EXPORT, params={"format": "xlsx", **WEEK, **query})
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Disposition"].endswith('.xlsx"')
    return openpyxl.load_workbook(io.BytesIO(answer.content))


def wall(text: str) -> datetime:
    """As a cell has it: without a zone."""
    return datetime.fromisoformat(text)


def rows(sheet: Any) -> list[dict[str, Any]]:
    head, *found = sheet.iter_rows(values_only=True)
    return [dict(zip(head, row, strict=True)) for row in found]


@asynccontextmanager
async def working(parts: Parts) -> AsyncIterator[None]:
    """Jobs are done."""
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(parts.jobs.run())
        yield
        task.cancel()


async def done(client: httpx.AsyncClient, job_id: str) -> dict[str, Any]:
    for _ in range(1000):
        found: dict[str, Any] = (await client.get(f"{API}/jobs/{job_id}")).json()["data"]
        if found["state"] in ("done", "failed"):
            return found
        await asyncio.sleep(0.02)
    raise AssertionError(f"still {found['state']}")


@pytest.fixture
async def bea(admin: httpx.AsyncClient) -> str:
    """Works in the lab at Athens, by night."""
    lab = await made(admin, "departments", name="Lab: 1/2")
    site = await made(admin, "sites", name="Athens", timezone="Europe/Athens")
    night = await made(admin, "shifts", name="Night", start="22:00", end="06:00")
    bea = await made(admin, "people", fullName="=Bea", employeeId="-7", departmentId=lab["id"], siteId=site["id"])
    await made(admin, "schedules", shiftId=night["id"], personId=bea["id"], **{"from": MONDAY, "to": MONDAY})
    await entered(admin, bea["id"], "in 2026-01-05T20:10", "out 2026-01-06T04:00")
    return str(bea["id"])


async def test_a_table(admin: httpx.AsyncClient, ada: str, bea: str) -> None:
    """UTF-8 that says so, by name and date, times with the offset of the day's zone, no cell a formula."""
    await entered(admin, ada, "in 2026-01-05T09:20", "out 2026-01-05T17:00")
    found = await table(admin)
    assert [(row["fullName"], row["date"]) for row in found][:1] == [("'=Bea", "2026-01-05")]
    assert len(found) == 14
    night, monday = found[0], found[7]
    assert (night["firstIn"], night["lastOut"]) == ("2026-01-05T22:10:00+02:00", "2026-01-06T06:00:00+02:00")
    assert (night["timezone"], night["department"], night["site"]) == ("Europe/Athens", "Lab: 1/2", "Athens")
    assert (night["employeeId"], night["shift"], night["workedMinutes"]) == ("'-7", "Night", "470")
    assert (monday["status"], monday["workedMinutes"], monday["lateMinutes"], monday["locked"]) == (
        "present", "430", "20", "false"
    )  # fmt: skip
    assert [row["personId"] for row in await table(admin, personId=bea)] == [bea] * 7
    assert await table(admin, departmentId="none") == []


async def test_a_workbook_with_types(admin: httpx.AsyncClient, ada: str, bea: str) -> None:
    """Dates, times on the wall, durations and numbers; a sheet of all, of each department, of each person."""
    await entered(admin, ada, "in 2026-01-05T09:20", "out 2026-01-05T17:00", "in 2026-01-06T08:58")
    book = await workbook(admin)
    assert book.sheetnames == ["Summary", "All days", "Lab  1 2", "Without a department", "=Bea", "Ada"]
    all_days = rows(book["All days"])
    assert len(all_days) == 14
    night = all_days[0]
    assert night["Date"] == wall("2026-01-05")
    assert (night["First in"], night["Last out"]) == (wall("2026-01-05T22:10"), wall("2026-01-06T06:00"))
    assert (night["Time zone"], night["Worked (h:mm)"], night["Late (minutes)"]) == (
        "Europe/Athens", timedelta(minutes=470), 10
    )  # fmt: skip
    assert (night["Name"], night["Employee no."], night["Locked"]) == ("=Bea", "-7", False)
    assert book["All days"]["C2"].data_type == "s"
    assert rows(book["=Bea"]) == rows(book["Lab  1 2"]) == all_days[:7]
    assert rows(book["Ada"]) == rows(book["Without a department"]) == all_days[7:]
    forgotten = rows(book["Ada"])[1]
    assert (forgotten["Status"], forgotten["Closed by rule at"]) == ("incomplete", wall("2026-01-06T17:00"))
    assert forgotten["Last out"] is None
    assert book["All days"].freeze_panes == "D2"
    assert book["All days"].auto_filter.ref == "A1:Z15"


async def test_the_summary_adds_up(admin: httpx.AsyncClient, ada: str, bea: str) -> None:
    """Names the dates and the time zone, and sums of departments, of all and of people."""
    await entered(admin, ada, "in 2026-01-05T09:20", "out 2026-01-05T17:00")
    sheet = (await workbook(admin))["Summary"]
    found = {row[0]: row for row in sheet.iter_rows(values_only=True) if row[0]}
    assert found["From"][1] == wall("2026-01-05")
    assert found["Time zone of the site"][1] == "UTC"
    assert (found["People"][:3], found["Days"][1]) == (("People", "Employee no.", "Department"), 14)
    head = found["Departments"]
    at = {name: number for number, name in enumerate(head)}
    assert found["All"][at["Worked (h:mm)"]] == timedelta(minutes=430 + 470)
    assert found["Ada"][at["Worked (h:mm)"]] == found["Without a department"][at["Worked (h:mm)"]]
    assert found["=Bea"][:3] == ("=Bea", "-7", "Lab: 1/2")
    assert [found["Ada"][at[name]] for name in ("Days", "Present", "Absent", "Off", "Late days")] == [7, 1, 4, 2, 1]
    assert isinstance(found["Made at"][1], datetime)


async def test_what_is_locked_and_adjusted_shows(admin: httpx.AsyncClient, ada: str) -> None:
    """A locked day as it was paid, and by how much it would differ now: also by less than nothing."""
    (_, leaves) = await entered(admin, ada, "in 2026-01-05T09:00", "out 2026-01-05T17:00")
    await made(admin, "attendance/locks", through="2026-01-06")
    form = {"at": "2026-01-05T16:00:00Z", "reason": "The clock was wrong."}
    assert (await admin.patch(f"{API}/attendance/entries/{leaves}", json=form)).status_code == 200
    monday, _, wednesday = (await table(admin))[:3]
    assert (monday["workedMinutes"], monday["locked"], wednesday["locked"]) == ("450", "true", "false")
    assert (monday["adjustedStatus"], monday["adjustedWorkedMinutes"], monday["adjustedEarlyMinutes"]) == (
        "present", "-60", "60"
    )  # fmt: skip
    assert wednesday["adjustedWorkedMinutes"] == ""
    typed = rows((await workbook(admin))["Ada"])[0]
    assert (typed["Locked"], typed["Worked since (minutes)"]) == (True, -60)
    assert typed["Last out"].time() == time(17)


async def test_it_is_noted_who_has_taken_it(admin: httpx.AsyncClient, ada: str) -> None:
    """With what was asked for."""
    await table(admin, personId=ada)
    newest = (await admin.get(f"{API}/audit", params={"search": "attendance.exported"})).json()["data"][0]
    assert (newest["action"], newest["actor"]["name"]) == ("attendance.exported", "admin@example.com")
    assert newest["after"] == {"format": "csv", "first": MONDAY, "last": "2026-01-11", "personId": ada}


async def test_without_dates_it_is_today(admin: httpx.AsyncClient, ada: str) -> None:
    """At the site, as with the list."""
    answer = await admin.get(EXPORT)
    assert [row["date"] for row in read_table(answer.content)] == ["2026-01-12"]


async def test_what_cannot_be_exported(admin: httpx.AsyncClient, ada: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Too many days at once, too many dates, another format; each names the field."""
    for query, field in (
        ({"format": "xml"}, "format"), ({"format": "pdf"}, "departmentId"),
        ({"from": "2026-01-06", "to": MONDAY}, "body"), ({"day": MONDAY}, "day"),
        ({"from": "2024-01-01", "to": "2026-01-06"}, "body"), ({"to": "2024-01-01", "from": "2020-01-01"}, "body"),
    ):  # fmt: skip
        for answer in (await admin.get(EXPORT, params=query), await admin.post(EXPORT, json=query)):
            assert answer.status_code == 422, query
            assert answer.json()["error"]["details"][0]["field"] == field
    monkeypatch.setattr(days_export, "MOST_AT_ONCE", 6)
    answer = await admin.get(EXPORT, params=WEEK)
    assert answer.json()["error"]["details"][0]["code"] == "too_many"
    monkeypatch.setattr(job, "MOST_DAYS", 6)
    assert (await admin.post(EXPORT, json=WEEK)).status_code == 422


async def test_pages_to_be_signed(
    admin: httpx.AsyncClient, ada: str, bea: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of one person or one department; of everybody, and without the fonts, it is refused by its field."""
    await entered(admin, ada, "in 2026-01-05T09:20", "out 2026-01-05T17:00")
    query = {"format": "pdf", **WEEK}
    answer = await admin.get(EXPORT, params={**query, "personId": ada})
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/pdf")
    [page] = PdfReader(io.BytesIO(answer.content)).pages
    assert "Ada" in page.extract_text()
    lab = await made(admin, "departments", name="A")
    await admin.put(f"{API}/people/{bea}", json={"departmentId": lab["id"]})
    whole = await admin.get(EXPORT, params={**query, "departmentId": lab["id"]})
    assert len(PdfReader(io.BytesIO(whole.content)).pages) == 1
    assert (await admin.get(EXPORT, params=query)).json()["error"]["details"][0]["field"] == "departmentId"
    monkeypatch.setattr(days_pdf, "_fonts", lambda: None)
    refused = await admin.get(EXPORT, params={**query, "personId": ada})
    assert refused.json()["error"]["details"][0]["code"] == "not_installed"


@pytest.mark.parametrize("wanted", ["csv", "xlsx"])
async def test_in_the_background(parts: Parts, admin: httpx.AsyncClient, ada: str, wanted: str) -> None:
    """A job with progress, whose result is the file; whoever may not read days does not get it."""
    await entered(admin, ada, "in 2026-01-05T09:20", "out 2026-01-05T17:00")
    answer = await admin.post(EXPORT, json={"format": wanted, **WEEK})
    assert answer.status_code == 202, answer.text
    async with working(parts):
        found = await done(admin, answer.json()["data"]["id"])
    assert (found["state"], found["error"], found["kind"]) == ("done", None, "attendance-export")
    assert (found["done"], found["total"], found["result"]["rows"], found["result"]["people"]) == (7, 7, 7, 1)
    file = await admin.get(found["resultUrl"])
    assert len(file.content) == found["result"]["bytes"]
    if wanted == "csv":
        assert read_table(file.content) == await table(admin)
    else:
        assert rows(openpyxl.load_workbook(io.BytesIO(file.content))["Ada"])[0]["Late (minutes)"] == 20
    noted = (await admin.get(f"{API}/audit", params={"search": "attendance.exported"})).json()["data"]
    assert found["id"] in [one["after"].get("jobId", one["after"].get("job_id")) for one in noted]


async def test_a_department_of_ones_own(parts: Parts, admin: httpx.AsyncClient, ada: str, bea: str) -> None:
    """Whoever is limited gets those days only, in the background too, and only while the limits are theirs."""
    lab, office = await made(admin, "departments", name="A"), await made(admin, "departments", name="B")
    await admin.put(f"{API}/people/{bea}", json={"departmentId": lab["id"]})
    await admin.put(f"{API}/people/{ada}", json={"departmentId": office["id"]})
    both_of_them = [await parts_department(parts, one["id"]) for one in (lab, office)]
    async with (
        limited_client(parts, departments=both_of_them[:1]) as limited,
        limited_client(parts, departments=both_of_them) as both,
        working(parts),
    ):
        assert {row["fullName"] for row in await table(limited)} == {"'=Bea"}
        book = await workbook(limited)
        assert book.sheetnames == ["Summary", "All days", "A", "=Bea"]
        assert await table(limited, personId=ada) == []
        own = (await limited.post(EXPORT, json=WEEK)).json()["data"]["id"]
        found = await done(limited, own)
        assert found["result"]["people"] == 1
        assert {row["fullName"] for row in read_table((await limited.get(found["resultUrl"])).content)} == {"'=Bea"}
        assert (await done(both, own))["resultUrl"] is None  # it is not theirs
        theirs = (await both.post(EXPORT, json=WEEK)).json()["data"]["id"]
        assert (await done(both, theirs))["result"]["people"] == 2
        await changed(admin, both, departmentIds=[lab["id"]])
        assert (await done(both, theirs))["resultUrl"] is None  # it tells of more than they may see by now


async def changed(admin: httpx.AsyncClient, whose: httpx.AsyncClient, **more: Any) -> None:
    """An account is not what it was."""
    me = (await whose.get(f"{API}/auth/me")).json()["data"]
    form = {name: me[name] for name in ("email", "fullName", "role")} | more
    answer = await admin.put(f"{API}/users/{me['id']}", json=form)
    assert answer.status_code == 200, answer.text


async def parts_department(parts: Parts, department_id: str) -> Any:
    async with parts.store.read() as session:
        return await departments.get(session, department_id)


async def test_limits_hold_when_the_job_runs(parts: Parts, admin: httpx.AsyncClient, ada: str, bea: str) -> None:
    """Whoever asked and was limited meanwhile gets less."""
    lab = (await admin.get(f"{API}/departments")).json()["data"][0]["id"]
    async with client_of(parts, "Operator") as operator:
        asked = (await operator.post(EXPORT, json=WEEK)).json()["data"]["id"]
        await changed(admin, operator, departmentIds=[lab])
    async with working(parts):
        assert (await done(admin, asked))["result"]["people"] == 1


async def test_whoever_was_dismissed_gets_nothing(parts: Parts, admin: httpx.AsyncClient, ada: str) -> None:
    """The job fails, and is not tried again."""
    async with client_of(parts, "Operator") as operator:
        asked = (await operator.post(EXPORT, json=WEEK)).json()["data"]["id"]
        await changed(admin, operator, active=False)
    async with working(parts):
        found = await done(admin, asked)
    assert (found["state"], found["attempts"]) == ("failed", 1)
    assert "may not see days" in found["error"]


async def test_who_may(viewer: httpx.AsyncClient, anyone: httpx.AsyncClient) -> None:
    """Whoever reads attendance."""
    assert (await viewer.get(EXPORT)).status_code == 200
    assert (await viewer.post(EXPORT, json={})).status_code == 202
    assert (await anyone.get(EXPORT)).status_code == 401


async def test_who_asked_follows_it(parts: Parts, admin: httpx.AsyncClient, viewer: httpx.AsyncClient) -> None:
    """Also without the permission to read jobs, up to the file; nobody else's, and none that there is not."""
    own = (await viewer.post(EXPORT, json=WEEK)).json()["data"]["id"]
    others = (await admin.post(EXPORT, json=WEEK)).json()["data"]["id"]
    async with working(parts):
        await done(admin, own)
    found = await viewer.get(f"{JOBS}/{own}")
    assert found.status_code == 200
    assert found.json()["data"]["resultUrl"]
    for job_id in (others, "none"):
        assert (await viewer.get(f"{JOBS}/{job_id}")).status_code == 403
    assert [one["id"] for one in (await viewer.get(JOBS)).json()["data"]] == [own]
