"""What is expected of somebody, what they check in with, and a correction that waits: rows in the order of going in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import SQLModel

from server.pipeline.amend import said
from server.store import tables


@dataclass(frozen=True)
class Expected:
    """`first` before people, `then` after them, and the correction last; `ids` by the names of paths."""

    first: Sequence[SQLModel]
    then: Sequence[SQLModel]
    correction: tables.Correction
    ids: Mapping[str, str]

    @classmethod
    def of(cls, person: tables.Person, mark: str, now: datetime, badge: str) -> "Expected":
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
        ids = {
            "credential_id": credential.id,
            "correction_id": correction.id, "site_id": site.id, "shift_id": spare.id, "schedule_id": schedule.id,
            "holiday_id": holiday.id, "leave_id": leave.id, "lock_id": "none",
        }  # fmt: skip
        return cls([site, shift, spare, holiday], [schedule, leave, by_hand, credential], correction, ids)
