"""Frappe HR. There is none here: what answers is a double of its one method, made after the source of hrms 15 and 16
(`employee_checkin.py`) and of Frappe's answers to errors. It keeps employees and logs, and refuses as Frappe does."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import parse_qs
from zoneinfo import ZoneInfo

import orjson
import pytest
from aiohttp import web

from server.outbound.frappe import METHOD, FrappeReceiver
from server.outbound.messages import Answer, Message, Request, Unsendable
from server.store.tables import Webhook
from server.store.webhooks import Target
from tests.outbound.conftest import Office, running
from tests.outbound.receiver import Receiver

AT = datetime(2026, 7, 1, 6, 2, 3, 500000, tzinfo=UTC)
HERE = {"kind": "frappe", "types": ("attendance.checked_in", "attendance.checked_out")}
LOGIN = {"api_key": "k-of-tests", "api_secret": "s-of-tests"}


@dataclass
class FrappeDouble:
    """`employees`: whether somebody of that number is active."""

    employees: dict[str, bool]
    logs: set[tuple[str, str, str]] = field(default_factory=set)
    asked: list[dict[str, str]] = field(default_factory=list)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Authorization") != "token k-of-tests:s-of-tests":
            return _json(401, {"exc_type": "AuthenticationError"})
        if request.path == "/api/method/frappe.auth.get_logged_user":
            return _json(200, {"message": "clock@example.com"})
        if request.method != "POST" or request.path != f"/api/method/{METHOD}":
            return _json(404, {"exc_type": "DoesNotExistError"})
        given = {name: values[0] for name, values in parse_qs((await request.read()).decode()).items()}
        self.asked.append(given)
        datetime.strptime(given["timestamp"], "%Y-%m-%d %H:%M:%S.%f")  # noqa: DTZ007 - Frappe's times have no zone
        number = given["employee_field_value"]
        log = (number, given["timestamp"][:19], given["log_type"])
        if number not in self.employees:
            return _thrown(
                f"No Employee found for the given employee field value. '{given['employee_fieldname']}': {number}"
            )
        if not self.employees[number]:
            return _thrown(
                "Transactions cannot be created for an Inactive Employee HR-EMP-00001.", "InactiveEmployeeStatusError"
            )
        if log in self.logs:
            return _thrown("This employee already has a log with the same timestamp.<Br><a>EMP-CKIN-1</a>")
        self.logs.add(log)
        return _json(200, {"message": {"name": "EMP-CKIN-1", "employee": "HR-EMP-00001"}})


def _json(status: int, said: object) -> web.Response:
    return web.Response(status=status, body=orjson.dumps(said), content_type="application/json")


def _thrown(sentence: str, kind: str = "ValidationError") -> web.Response:
    """As Frappe answers to `frappe.throw`: JSON in JSON."""
    traceback = f"Traceback (most recent call last):\nfrappe.exceptions.{kind}: {sentence}\n"
    shown = orjson.dumps([orjson.dumps({"message": sentence, "raise_exception": 1}).decode()]).decode()
    said = {"exc_type": kind, "exc": orjson.dumps([traceback]).decode(), "_server_messages": shown}
    return _json(417, said)


def person(number: str | None) -> dict[str, object]:
    return {"id": "p1", "fullName": "Ada", "employeeId": number}


async def test_check_ins_arrive(office: Office, receiver: Receiver) -> None:
    """In Frappe's zone and words, under the field of the employee that was chosen."""
    double = FrappeDouble({"7": True})
    receiver.answer = double.serve
    base = f"http://127.0.0.1:{receiver.port}"
    webhook, secret = await office.add(base, **HERE, **LOGIN, options={"employeeFieldname": "employee_number"})
    async with running(office.deliverer()):
        await office.happen(person=person("7"), at=AT)
        await office.happen(person=person("7"), at=AT, direction="out", type_="attendance.checked_out")
        rows = await office.until_over(webhook, 2)
    assert secret == ""
    assert [(one.state, one.result) for one in rows] == [("delivered", "recorded")] * 2
    assert double.asked == [
        {
            "employee_field_value": "7", "employee_fieldname": "employee_number", "device_id": "c1", "log_type": way,
            "timestamp": "2026-07-01 08:02:03.500000",
        }
        for way in ("IN", "OUT")
    ]  # fmt: skip


async def test_three_refusals_are_results(office: Office, receiver: Receiver) -> None:
    """Not found, inactive and duplicate are delivered: they are not tried again, and nobody is alarmed."""
    receiver.answer = FrappeDouble({"7": True, "8": False}).serve
    webhook, _ = await office.add(f"http://127.0.0.1:{receiver.port}", **HERE, **LOGIN)
    async with running(office.deliverer()):
        for number in ("7", "7", "8", "9"):
            await office.happen(person=person(number), at=AT)
        rows = await office.until_over(webhook, 4)
    assert {one.state for one in rows} == {"delivered"}
    assert [one.result for one in rows] == ["recorded", "duplicate", "employee_inactive", "employee_not_found"]
    assert [one.tries for one in rows] == [1] * 4
    assert office.woken == []


async def test_what_went_out_before_a_kill_is_a_duplicate(office: Office, receiver: Receiver) -> None:
    """Sent, not noted, and sent again: Frappe has it once."""
    double = FrappeDouble({"7": True})
    receiver.answer = double.serve
    webhook, _ = await office.add(f"http://127.0.0.1:{receiver.port}", **HERE, **LOGIN)
    async with running(office.deliverer()):
        await office.happen(person=person("7"), at=AT)
        (one,) = await office.until_over(webhook)
        async with office.store.transaction() as session:
            await office.webhooks.redeliver(session, webhook, await session.merge(one), lambda _: True)
        await office.until(webhook, lambda rows: rows[0].tries == 2)
    assert len(double.logs) == 1


async def test_a_wrong_login_is_tried_again(office: Office, receiver: Receiver) -> None:
    """And a test asks whose key it is, and writes nothing."""
    double = FrappeDouble({"7": True})
    receiver.answer = double.serve
    base = f"http://127.0.0.1:{receiver.port}"
    wrong, _ = await office.add(base, **HERE, api_key="k", api_secret="wrong")
    right, _ = await office.add(base, name="Right", **HERE, **LOGIN)
    async with running(office.deliverer()):
        async with office.store.transaction() as session:
            await office.webhooks.test(session, right)
            await office.webhooks.test(session, wrong)
        (good,) = await office.until_over(right)
        (bad,) = await office.until(wrong, lambda rows: rows[0].tries == 1)
    assert (good.state, bad.state, bad.result) == ("delivered", "pending", "http_401")
    assert double.asked == []


@pytest.mark.parametrize(
    ("data", "why"),
    [({"person": None}, "person_erased"), ({"person": person(None)}, "no_employee_id")],
)
def test_what_cannot_be_told(data: dict[str, object], why: str) -> None:
    """Who was erased, and who has no number, is nothing that Frappe could record."""
    receiver = FrappeReceiver(lambda: ZoneInfo("UTC"))
    row = Webhook(name="x", kind="frappe", url="u", types=[])
    message = Message("m", "attendance.checked_in", AT, "s", {"at": AT.isoformat(), "direction": "in", **data}, AT)
    assert receiver.request(row, Target("http://x"), message) == Unsendable(why)


def test_its_own_zone_and_device() -> None:
    """Frappe's clock may be in another zone than the site."""
    receiver = FrappeReceiver(lambda: ZoneInfo("Europe/Berlin"))
    row = Webhook(
        name="x", kind="frappe", url="u", types=[], options={"timezone": "Asia/Kolkata", "deviceId": "Main gate"}
    )
    data = {"at": AT.isoformat(), "direction": "in", "person": person("7")}
    request = receiver.request(row, Target("https://hr.example/"), Message("m", "a", AT, "s", data, AT))
    assert isinstance(request, Request)
    fields = parse_qs(request.body.decode())
    assert (fields["timestamp"], fields["device_id"]) == (["2026-07-01 11:32:03.500000"], ["Main gate"])
    assert request.url == f"https://hr.example/api/method/{METHOD}"


def test_any_other_error_is_tried_again() -> None:
    """A sentence that is not known, and an answer that is no JSON."""
    receiver = FrappeReceiver(lambda: ZoneInfo("UTC"))
    for status, body in ((417, b'{"exc_type": "MandatoryError"}'), (417, b"<html>"), (417, b"[]"), (502, b"")):
        assert receiver.judge(Answer(status, f"http_{status}", body)).outcome == "again"
