"""Check-outs that are missing: an alert for each person and day, once, cleared when somebody has set it right."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from sqlmodel.ext.asyncio.session import AsyncSession

from server.attendance.day import Mark
from server.events.limits import EVERYTHING
from server.events.schema import NewEvent, StoredEvent
from server.pipeline import day_rows
from server.pipeline.day_rows import DayPublic
from server.pipeline.days_in_turn import Wanted, in_turn, whose
from server.store import alerts
from server.store.engine import Store
from server.store.runtime import AttendanceSettings, RuntimeState
from server.store.tables import Person

KIND = "check_out_missing"
DAYS_BACK = 7  # what is older was told then, or was locked since


class Log(Protocol):
    """Appends inside the caller's transaction."""

    async def append(self, session: AsyncSession, events: Sequence[NewEvent]) -> list[StoredEvent]: ...


def subject_of(person_id: str, day: date) -> str:
    """What the alert is about. It names nobody: it outlives neither the person nor their erasure."""
    return f"people/{person_id}/days/{day.isoformat()}"


async def look(
    store: Store, log: Log, wake: Callable[[Sequence[str]], None], runtime: RuntimeState, now: datetime
) -> tuple[int, int]:  # fmt: skip
    """Goes through the days of everybody; how many alerts were raised, and how many cleared. May be repeated."""
    zone, settings = runtime.zone.key, runtime.current.attendance
    today = now.astimezone(ZoneInfo(zone)).date()
    wanted = Wanted(today - timedelta(days=DAYS_BACK), today + timedelta(days=1))
    async with store.read() as session:
        told = {row.subject for row in await alerts.open_of_kind(session, KIND)}
        who = await whose(session, wanted, EVERYTHING)
    missing: dict[str, str] = {}
    async for some in in_turn(store, who, wanted, zone, settings, now):
        days = [day for _, found in some for day in found if _misses(day)]
        missing |= {subject_of(day.person_id, day.date): message(day) for day in days}
    raised = [subject for subject in missing if subject not in told]
    for subject in raised:
        async with store.transaction() as session:
            stored = await alerts.raise_alert(
                session, log, kind=KIND, severity="warning", subject=subject, message=missing[subject], at=now
            )
        wake(sorted({one.topic for one in stored}))
    cleared = 0
    for person_id in sorted({_parts(subject)[0] for subject in told - missing.keys()}):
        async with store.transaction() as session:
            stored = await settle(session, log, person_id, settings, zone, now)
        cleared += len(stored)
        wake(sorted({one.topic for one in stored}))
    return len(raised), cleared


async def settle(
    session: AsyncSession, log: Log, person_id: str | None, settings: AttendanceSettings, zone: str, now: datetime
) -> list[StoredEvent]:
    """Within the caller's transaction: what is open about this person, and has been set right, is cleared."""
    if person_id is None:
        return []
    open_ = await alerts.open_of_kind(session, KIND, f"people/{person_id}/")
    person = await session.get(Person, person_id) if open_ else None
    stored: list[StoredEvent] = []
    for subject in sorted(row.subject for row in open_):
        day = _parts(subject)[1]
        days: Sequence[DayPublic] = ()
        if person is not None:
            loaded = await day_rows.load(session, [person], day, day, zone)
            days = await asyncio.to_thread(day_rows.shown, *loaded, settings, now)
        if not any(_misses(one) for one in days):
            stored += await alerts.clear_alert(session, log, KIND, subject, now)
    return stored


def message(day: DayPublic) -> str:
    """What an operator reads. The name is not in it: whoever may see who it is finds them by the subject."""
    said = f"A check-out is missing on {day.date.isoformat()}."
    if day.closed_at is None:
        return f"{said} It counts for nothing until it is corrected."
    return f"{said} The presence was ended by rule at {day.closed_at.astimezone(ZoneInfo(day.timezone)):%H:%M}."


def _misses(day: DayPublic) -> bool:
    """A locked day has been paid: what is missing there is not asked for any more."""
    return Mark.MISSING_OUT in day.marks and not day.locked


def _parts(subject: str) -> tuple[str, date]:
    _, person_id, _, day = subject.split("/")
    return person_id, date.fromisoformat(day)
