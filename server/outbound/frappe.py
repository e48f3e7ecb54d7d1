"""Frappe HR: each check-in and check-out as a call of `add_log_based_on_employee_field`, as a time clock makes it.

That nobody is known under the number, that they do not work there any more, and that the time is already there are
results and no failures: trying again would not change them. Frappe tells them apart by its sentences, which are English
where the user of the key has English as their language.
"""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from server.outbound.messages import TEST, Answer, Message, Request, Unsendable, Verdict
from server.store.tables import Webhook
from server.store.webhooks import Target

METHOD = "hrms.hr.doctype.employee_checkin.employee_checkin.add_log_based_on_employee_field"
WHO_AM_I = "frappe.auth.get_logged_user"
TYPES = ("attendance.checked_in", "attendance.checked_out")
FIELDNAME = "attendance_device_id"
DIRECTIONS = {"in": "IN", "out": "OUT"}
RESULTS: Mapping[str, str] = {
    "No Employee found for the given employee field value": "employee_not_found",
    "Transactions cannot be created for an Inactive Employee": "employee_inactive",
    "InactiveEmployeeStatusError": "employee_inactive",
    "This employee already has a log with the same timestamp": "duplicate",
}
ERROR = 417  # what Frappe answers to what it validates


class FrappeReceiver:
    """See Receiver. `zone` is the site's: Frappe takes times without a zone, as its own clock shows them."""

    def __init__(self, zone: Callable[[], ZoneInfo]) -> None:
        self._zone = zone

    def request(self, webhook: Webhook, target: Target, message: Message) -> Request | Unsendable:
        headers = {"Authorization": f"token {target.api_key}:{target.api_secret}", "Accept": "application/json"}
        url = f"{target.url.rstrip('/')}/api/method/"
        if message.type == TEST:
            return Request(url + WHO_AM_I, headers, method="GET")
        fields = self._fields(webhook, message)
        if isinstance(fields, Unsendable):
            return fields
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        return Request(url + METHOD, headers, urlencode(fields).encode())

    def judge(self, answer: Answer) -> Verdict:
        if answer.taken:
            return Verdict("delivered", "recorded")
        if answer.status == ERROR:
            said = _said(answer.body)
            for sentence, result in RESULTS.items():
                if sentence in said:
                    return Verdict("delivered", result)
        return Verdict("again", answer.reason)

    def _fields(self, webhook: Webhook, message: Message) -> dict[str, str] | Unsendable:
        data, options = message.data, webhook.options
        person = data.get("person")
        if not isinstance(person, Mapping):
            return Unsendable("person_erased")
        employee = person.get("employeeId")
        if not employee:
            return Unsendable("no_employee_id")
        zone = ZoneInfo(options["timezone"]) if options.get("timezone") else self._zone()
        at = datetime.fromisoformat(str(data["at"])).astimezone(zone)
        device = options.get("deviceId") or data.get("cameraId") or data.get("kioskId") or "Rollcall"
        return {
            "employee_field_value": str(employee),
            "employee_fieldname": str(options.get("employeeFieldname") or FIELDNAME),
            "timestamp": f"{at:%Y-%m-%d %H:%M:%S.%f}",
            "device_id": str(device),
            "log_type": DIRECTIONS[str(data["direction"])],
        }


def _said(body: bytes) -> str:
    """All that an answer says, whichever of Frappe's fields it stands in: they are JSON in JSON."""
    text = body.decode("utf-8", "replace")
    try:
        found: Any = json.loads(text)
    except ValueError:
        return text
    return "\n".join(str(value) for value in found.values()) if isinstance(found, dict) else text
