"""A report from its making to the mail with its workbook; and a server that is killed when the mail is just sent."""

import io
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from sqlmodel import update

from server.access.access import Access
from server.store.engine import Store
from server.store.tables import ReportRun
from tests.journeys.client import Api
from tests.journeys.server import RollcallServer
from tests.mail_server import MailServer, mail_server

pytestmark = [pytest.mark.journey, pytest.mark.timeout(400)]


def smtp(mail: MailServer) -> dict[str, str]:
    return {
        "ROLLCALL_SMTP__HOST": "127.0.0.1",
        "ROLLCALL_SMTP__PORT": str(mail.port),
        "ROLLCALL_SMTP__SECURITY": "none",
        "ROLLCALL_SMTP__SENDER": "rollcall@example.com",
    }


def until(holds: Callable[[], Any], within_s: float = 60.0) -> Any:
    """What it answers, as soon as that is something."""
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        if found := holds():
            return found
        time.sleep(0.1)
    raise AssertionError("it never came to that")


def make(api: Api, **other: object) -> str:
    """A report of somebody who was there yesterday. Its id."""
    person = api.post("people", {"fullName": "Ada Lovelace"})["id"]
    at = (datetime.now(UTC) - timedelta(days=1)).replace(hour=9, minute=0).isoformat()
    api.post("attendance/entries", {"personId": person, "at": at, "direction": "in", "reason": "By the book."})
    form = {
        "name": "Yesterday", "recipients": ["payroll@example.com", "boss@example.com"], "frequency": "daily",
        "time": "07:30",
    }  # fmt: skip
    found: str = api.post("reports", form | other)["id"]
    return found


def over(api: Api, report: str) -> Callable[[], Any]:
    def found() -> Any:
        (run,) = api.get(f"reports/{report}/runs")
        return run if run["state"] in ("sent", "failed") else None

    return found


def test_a_report_arrives_with_its_workbook(tmp_path: Path) -> None:
    """Asked for by the API; the day of somebody is a row of the file, and the log knows no address."""
    with mail_server() as mail, RollcallServer(tmp_path, settings=smtp(mail)) as server:
        with server.login() as api:
            assert api.get("reports/mail") == {"configured": True, "from": "rollcall@example.com"}
            report = make(api)
            asked = api.post(f"reports/{report}/send", {}, status=202)
            run = until(over(api, report))
        assert (run["state"], run["rows"], run["reason"], run["id"]) == ("sent", 1, None, asked["id"])
        [post] = mail.came
        assert post.recipients == ["payroll@example.com", "boss@example.com"]
        assert "Present: 1" in post.message.get_body(("plain",)).get_content()  # type: ignore[union-attr]
        [file] = post.message.iter_attachments()
        content = file.get_payload(decode=True)
        assert isinstance(content, bytes)
        head, row = openpyxl.load_workbook(io.BytesIO(content))["All days"].iter_rows(values_only=True)
        day = dict(zip(head, row, strict=True))
        assert day["Name"] == "Ada Lovelace"
        assert day["Date"].date().isoformat() == run["period"]["from"]
        assert day["First in"].hour == 9
        assert "payroll@example.com" not in server.log.read_text()


def test_kill_9_between_sending_and_noting(tmp_path: Path) -> None:
    """The mail server has the message, and the server dies before it hears of it: it is sent again with the same id,
    and once it is noted not any more."""
    with mail_server() as mail, RollcallServer(tmp_path, settings=smtp(mail)) as server:
        with server.login() as api:
            report = make(api)
            mail.open.clear()
            api.post(f"reports/{report}/send", {}, status=202)
            until(lambda: mail.came)
            server.kill()
        mail.open.set()
        server.beside(_lease_is_over)
        server.start()
        with server.login() as api:
            run = until(over(api, report))
            assert (run["state"], run["tries"]) == ("sent", 2)
        server.stop()
        server.start()
        with server.login() as api:
            assert until(over(api, report))["tries"] == 2
        assert [post.message["Message-ID"] for post in mail.came] == [f"<{run['id']}@example.com>"] * 2


async def _lease_is_over(store: Store, _access: Access) -> None:
    async with store.transaction() as session:
        await session.exec(update(ReportRun).values(lease_until=datetime.now(UTC) - timedelta(seconds=1)))
