"""Reports over HTTP: made, changed, sent; who may, and what is refused."""

from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from sqlmodel import select

from server.clock import ManualClock
from server.parts import Parts
from server.store import reports
from server.store.reports import REPORTS
from server.store.tables import Department, ReportRun, User
from tests.mail_server import MailServer, mail_server
from tests.opened import client_of, parts_in
from tests.routes.limited import limited_client

FORM = {
    "name": "Yesterday", "kind": "day", "format": "xlsx", "recipients": ["payroll@example.com", "ada@example.org"],
    "frequency": "daily", "time": "07:30", "timeZone": "Europe/Berlin",
}  # fmt: skip


async def made(client: httpx.AsyncClient, **other: object) -> dict[str, object]:
    answer = await client.post("/api/v1/reports", json=FORM | other)
    assert answer.status_code == 201, answer.text
    found: dict[str, object] = answer.json()["data"]
    return found


def refusal(answer: httpx.Response) -> tuple[int, str]:
    """The status and the first field that is wrong, or else the code."""
    error = answer.json()["error"]
    return answer.status_code, error["details"][0]["field"] if error.get("details") else error["code"]


async def test_a_report_is_due_on_the_clocks_of_its_zone(admin: httpx.AsyncClient, clock: ManualClock) -> None:
    """And is not while it is switched off; switched on again, it is due the next time."""
    report = await made(admin)
    due = datetime.fromisoformat(str(report["nextAt"]))
    assert clock.now() < due
    assert report["lastRun"] is None
    url = f"/api/v1/reports/{report['id']}"
    off = (await admin.patch(url, json={"enabled": False})).json()["data"]
    assert (off["nextAt"], off["name"], off["recipients"]) == (None, "Yesterday", FORM["recipients"])
    on = (await admin.patch(url, json={"enabled": True, "timeZone": None})).json()["data"]
    assert (on["timeZone"], on["nextAt"] is not None) == ("UTC", True)
    listed = (await admin.get("/api/v1/reports")).json()
    assert [one["id"] for one in listed["data"]] == [report["id"]]
    assert (await admin.delete(url)).status_code == 204
    assert refusal(await admin.get(url)) == (404, "report_not_found")


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"kind": "month"}, "frequency"),
        ({"frequency": "weekly"}, "weekday"),
        ({"frequency": "monthly"}, "monthDay"),
        ({"frequency": "monthly", "monthDay": 29}, "monthDay"),
        ({"recipients": []}, "recipients"),
        ({"recipients": ["a@example.com\r\nBcc: b@example.com"]}, "recipients.0"),
        ({"recipients": ["nobody"]}, "recipients.0"),
        ({"time": "24:00"}, "time"),
        ({"timeZone": "Mars/Olympus"}, "timeZone"),
        ({"siteId": "none"}, "siteId"),
        ({"departmentId": "none"}, "departmentId"),
    ],
)
async def test_what_does_not_go_together_is_named(
    admin: httpx.AsyncClient, given: dict[str, object], field: str
) -> None:
    """By its field, also in a change."""
    assert refusal(await admin.post("/api/v1/reports", json=FORM | given)) == (422, field)
    report = await made(admin)
    assert refusal(await admin.patch(f"/api/v1/reports/{report['id']}", json=given)) == (422, field)


async def test_recipients_are_named_once(admin: httpx.AsyncClient) -> None:
    """Capitals do not make another one of it."""
    report = await made(admin, recipients=["Ada@example.com", "ada@example.com", "b@example.com"])
    assert report["recipients"] == ["Ada@example.com", "b@example.com"]


async def test_what_is_not_of_the_frequency_is_left_out(admin: httpx.AsyncClient) -> None:
    """A weekly one that becomes a daily one has no day of the week any more."""
    report = await made(admin, frequency="weekly", weekday=1, monthDay=3)
    assert (report["weekday"], report["monthDay"]) == (1, None)
    changed = await admin.patch(f"/api/v1/reports/{report['id']}", json={"frequency": "daily"})
    assert changed.json()["data"]["weekday"] is None


async def test_a_form_that_is_saved_leaves_what_is_due(parts: Parts, admin: httpx.AsyncClient) -> None:
    """It names every field: only those that change count."""
    report, due = await made(admin), parts.clock.now()
    async with parts.store.transaction() as session:  # and nobody has planned it yet
        await reports.write(session, str(report["id"]), next_at=due)
    url = f"/api/v1/reports/{report['id']}"
    saved = (await admin.patch(url, json=FORM | {"name": "Days"})).json()["data"]
    assert (saved["name"], datetime.fromisoformat(saved["nextAt"])) == ("Days", due)
    moved = (await admin.patch(url, json=FORM | {"time": "09:30"})).json()["data"]
    assert datetime.fromisoformat(moved["nextAt"]) > due


async def test_without_a_mail_server_nothing_is_sent(admin: httpx.AsyncClient) -> None:
    """And it is said so."""
    assert (await admin.get("/api/v1/reports/mail")).json()["data"] == {"configured": False, "from": None}
    report = await made(admin)
    assert refusal(await admin.post(f"/api/v1/reports/{report['id']}/send")) == (409, "mail_not_set_up")
    assert refusal(await admin.post("/api/v1/reports/mail/test", json={"to": "a@example.com"})) == (
        409, "mail_not_set_up",
    )  # fmt: skip


def smtp(server: MailServer) -> dict[str, object]:
    return {"host": "127.0.0.1", "port": server.port, "security": "none", "sender": "rollcall@example.com"}


async def test_a_run_is_asked_for(tmp_path: Path) -> None:
    """Of the latest whole period; only so many wait at the same time."""
    clock = ManualClock(datetime(2026, 1, 7, 23, 30, tzinfo=UTC))  # the eighth in Berlin
    with mail_server() as server:
        async with parts_in(tmp_path / "s", clock, smtp=smtp(server)) as parts, client_of(parts) as admin:
            mail = (await admin.get("/api/v1/reports/mail")).json()["data"]
            assert mail == {"configured": True, "from": "rollcall@example.com"}
            report = await made(admin)
            url = f"/api/v1/reports/{report['id']}"
            sent = await admin.post(f"{url}/send")
            run = sent.json()["data"]
            assert (sent.status_code, run["state"], run["recipients"]) == (202, "waiting", 2)
            assert run["period"] == {"from": "2026-01-07", "to": "2026-01-07"}
            for _ in range(4):
                assert (await admin.post(f"{url}/send")).status_code == 202
            assert refusal(await admin.post(f"{url}/send")) == (429, "too_many_runs")
            runs = (await admin.get(f"{url}/runs")).json()
            assert runs["meta"]["total"] == 5
            assert runs["data"][-1]["id"] == run["id"]
            assert (await admin.get(url)).json()["data"]["lastRun"]["id"] == runs["data"][0]["id"]
            same = (await admin.patch(url, json=FORM | {"time": "08:00"})).json()["data"]
            assert same["lastRun"]["state"] == "waiting"
            other = (await admin.patch(url, json={"recipients": ["boss@example.com"]})).json()["data"]
            assert (other["lastRun"]["state"], other["lastRun"]["reason"]) == (
                "failed", "The report was changed meanwhile.",
            )  # fmt: skip
            assert (await admin.post(f"{url}/send")).status_code == 202  # the others are over


async def test_mail_is_tried_out(tmp_path: Path, clock: ManualClock) -> None:
    """The mail server's own words come back, and only so many are sent."""
    with mail_server() as server:
        server.refuses = {"nobody@example.com": "550 No such user nobody@example.com"}
        async with parts_in(tmp_path / "s", clock, smtp=smtp(server)) as parts, client_of(parts) as admin:
            url = "/api/v1/reports/mail/test"
            assert (await admin.post(url, json={"to": "a@example.com"})).json()["data"] == {"sent": True}
            refused = await admin.post(url, json={"to": "nobody@example.com"})
            assert refusal(refused) == (422, "to")
            assert "550 No such user …" in refused.json()["error"]["message"]
            server.answers = ["451 Later"]
            later = await admin.post(url, json={"to": "a@example.com"})
            assert refusal(later) == (503, "mail_not_sent")
            for _ in range(2):
                await admin.post(url, json={"to": "a@example.com"})
            assert (await admin.post(url, json={"to": "a@example.com"})).status_code == 429
    assert [post.recipients for post in server.came] == [["a@example.com"]] * 3
    assert server.came[0].message["To"] == "undisclosed-recipients:;"


async def test_the_alert_of_a_report_goes_with_it(parts: Parts, admin: httpx.AsyncClient) -> None:
    """There is nothing left to be sent."""
    report = await made(admin)
    async with parts.store.transaction() as session:
        row = await REPORTS.get(session, str(report["id"]))
        await parts.reports.alert.failed(session, row, "No.", parts.clock.now())
    opened = "/api/v1/alerts?state=open"
    assert (await admin.get(opened)).json()["meta"]["total"] == 1
    assert (await admin.delete(f"/api/v1/reports/{report['id']}")).status_code == 204
    assert (await admin.get(opened)).json()["meta"]["total"] == 0


async def test_who_may_not_change_reports_sees_no_addresses(
    parts: Parts, admin: httpx.AsyncClient, viewer: httpx.AsyncClient
) -> None:
    """Neither those of the recipients nor those in a reason."""
    report = await made(admin)
    now = parts.clock.now()
    run = ReportRun(
        report_id=str(report["id"]), first_date=now.date(), last_date=now.date(), due_at=now, state="sent",
        next_at=now, give_up_at=now, left=[], reason="Refused: 550 (ada@example.org).",
    )  # fmt: skip
    async with parts.store.transaction() as session:
        session.add(run)
    seen = (await viewer.get(f"/api/v1/reports/{report['id']}")).json()["data"]
    assert seen["recipients"] == ["…@example.com", "…@example.org"]
    assert seen["lastRun"]["reason"] == "Refused: 550 (…)."
    assert (await admin.get("/api/v1/reports")).json()["data"][0]["lastRun"]["reason"] == run.reason
    assert (await viewer.post("/api/v1/reports", json=FORM)).status_code == 403


async def test_who_is_limited_has_to_do_with_their_own(parts: Parts, admin: httpx.AsyncClient) -> None:
    """Those of others are not there for them; an edit by somebody else does not widen theirs."""
    theirs = await made(admin)
    department = Department(name="Night")
    async with parts.store.transaction() as session:
        session.add(department)
    async with limited_client(parts, departments=[department]) as limited:
        assert (await limited.get("/api/v1/reports")).json()["meta"]["total"] == 0
        url = f"/api/v1/reports/{theirs['id']}"
        for answer in (
            await limited.get(url), await limited.patch(url, json={"name": "Mine"}), await limited.delete(url),
            await limited.post(f"{url}/send"), await limited.get(f"{url}/runs"),
        ):  # fmt: skip
            assert refusal(answer) == (404, "report_not_found")
        own = await made(limited)
    await admin.patch(f"/api/v1/reports/{own['id']}", json={"name": "Theirs"})
    async with parts.store.read() as session:
        users = {row.id: row for row in (await session.exec(select(User))).all()}
        row = await REPORTS.get(session, str(own["id"]))
    assert users[row.created_by].department_ids == [department.id]
