"""What is expected of somebody, what they check in with, and a correction that waits: rows in the order of going in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import SQLModel

from server.access.webhook_seals import WebhookSeals
from server.outbound.standard import new_secret
from server.pipeline.amend import said
from server.store import tables
from server.store.webhooks import Target


@dataclass(frozen=True)
class Expected:
    """`first` before people, `then` after them, and the correction last; `ids` by the names of paths."""

    first: Sequence[SQLModel]
    then: Sequence[SQLModel]
    correction: tables.Correction
    ids: Mapping[str, str]

    @classmethod
    def of(cls, person: tables.Person, mark: str, now: datetime, badge: str, seals: WebhookSeals) -> "Expected":
        """Of that person; `mark` keeps the names of two callers apart, `badge` is the digest of theirs."""
        today = now.date()
        site = tables.Site(name=f"Plant {mark}", timezone="Europe/Berlin")
        shift, spare = (
            tables.Shift(name=f"{name} {mark}", rules={"start": "09:00", "end": "17:00"}) for name in ("Early", "Late")
        )
        schedule = tables.Schedule(person_id=person.id, shift_id=shift.id, first_date=today)
        holiday = tables.Holiday(date=today, name=f"Holiday {mark}")
        leave = tables.Leave(person_id=person.id, first_date=today, last_date=today, kind="vacation")
        by_hand = tables.Entry(person_id=person.id, at=now, direction="out", origin="manual", state="pending")
        correction = tables.Correction(
            entry_id=by_hand.id, kind="add", after=said(by_hand), reason="Forgot.", state="pending", asked_by=mark
        )
        credential = tables.Credential(person_id=person.id, kind="badge", digest=badge, key_id="k")
        terminal, sending = (tables.Terminal(serial_number=f"{letter}{mark}", name="Gate") for letter in "AB")
        line = tables.TerminalLine(
            terminal_id=terminal.id, digest=mark, pin=mark, local_time="2026-01-05 08:00:00", at=now, status="0",
            verify="1", work_code="", state="unknown_person", reason="no_such_pin",
        )  # fmt: skip
        url = "https://8.8.8.8/"
        webhook = tables.Webhook(name=f"Payroll {mark}", kind="standard", url=url, types=["alert.raised"])
        seals.put(webhook, Target(url, new_secret()))
        delivery = tables.Delivery(
            webhook_id=webhook.id, message_id=mark, type="alert.raised", topic="alerts", offset=1, state="dead",
            next_at=now, give_up_at=now, finished_at=now,
        )  # fmt: skip
        report = tables.Report(
            name=f"Week {mark}", kind="day", format="csv", recipients=["payroll@example.com"], frequency="daily",
            time="07:30", time_zone="UTC", created_by=mark, next_at=None, enabled=False,
        )  # fmt: skip
        run = tables.ReportRun(
            report_id=report.id, first_date=today, last_date=today, due_at=now, state="sent", next_at=now,
            give_up_at=now, recipients=1, left=[], sent_at=now, finished_at=now,
        )  # fmt: skip
        ids = {
            "terminal_id": terminal.id, "line_id": line.id, "serial": sending.serial_number,
            "credential_id": credential.id,
            "correction_id": correction.id, "site_id": site.id, "shift_id": spare.id, "schedule_id": schedule.id,
            "holiday_id": holiday.id, "leave_id": leave.id, "lock_id": "none",
            "webhook_id": webhook.id, "delivery_id": delivery.id, "report_id": report.id,
        }  # fmt: skip
        then = [schedule, leave, by_hand, credential, line, delivery, run]
        return cls([site, shift, spare, holiday, terminal, sending, webhook, report], then, correction, ids)
