"""Days: what each person worked on which date, sums of them, and the dates that are locked because they were paid."""

import asyncio
import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import date, timedelta
from typing import Any, Self

from pydantic import Field, model_validator
from sqlmodel.ext.asyncio.session import AsyncSession

from server.attendance.day import Mark, Status
from server.errors import BadRequest, Forbidden, Invalid
from server.events.limits import EVERYTHING, Reach, reach_of
from server.jobs.day_sums import Sums as AddedUp
from server.pipeline import day_rows
from server.pipeline.day_rows import DayPublic
from server.pipeline.days_in_turn import Wanted, whose
from server.pipeline.presence import still_in
from server.routes.endpoint import Call, Endpoint, Query, endpoint
from server.routes.responses import Page
from server.store import departments, entries, locks
from server.store.tables import DayLock
from server.wire import Form, Time, Wire

MOST_DATES = 400
MOST_DAYS = 200_000
SORTS: dict[str, Callable[[DayPublic], Any]] = {
    "date": lambda day: (day.date, day.person.full_name.lower(), day.person_id),
    "fullName": lambda day: (day.person.full_name.lower(), day.person_id, day.date),
    "workedMinutes": lambda day: (day.worked_minutes, day.date, day.person_id),
    "lateMinutes": lambda day: (day.late_minutes, day.date, day.person_id),
    "overtimeMinutes": lambda day: (day.overtime_minutes, day.date, day.person_id),
}


class Between(Form):
    """Dates; both count. Without them it is today at the site."""

    since: dt.date | None = Field(None, alias="from", description="the first date; today where it is left out")
    until: dt.date | None = Field(None, alias="to", description="the last date, which counts; as `from` if left out")
    person_id: str | None = None
    department_id: str | None = None
    site_id: str | None = None

    @model_validator(mode="after")
    def _not_too_long(self) -> Self:
        if self.since is not None and self.until is not None:
            if self.until < self.since:
                raise ValueError("`to` is before `from`")
            if (self.until - self.since).days >= MOST_DATES:
                raise ValueError(f"at most {MOST_DATES} dates at once")
        return self

    def dates(self, today: date) -> tuple[date, date]:
        """The first and the last."""
        first = self.since or self.until or today
        return first, self.until or first

    def checked_dates(self, today: date) -> tuple[date, date]:
        """The same. Raises Invalid (too_long), also where one of them is today's."""
        first, last = self.dates(today)
        if (last - first).days >= MOST_DATES or last < first:
            raise Invalid.field(
                "from", "too_long", f"Ask for at most {MOST_DATES} dates, the last one not before the first."
            )
        return first, last


class DaysQuery(Between, Query):
    status: Status | None = None
    mark: Mark | None = Field(None, description="only days with this mark, such as `missing_out`")
    late: bool | None = Field(None, description="only days on which somebody came late, or not")


class Sums(Wire):
    """Of some days."""

    people: int
    days: dict[Status, int] = Field(description="how many days there are of each status")
    worked_minutes: int
    overtime_minutes: int
    late_minutes: int
    late_days: int
    missing_check_outs: int
    present_now: int = Field(description="who has come in and not left")


class DepartmentSums(Sums):
    department_id: str | None
    name: str | None


class DateSums(Sums):
    date: dt.date


class SummaryPublic(Sums):
    since: dt.date = Field(alias="from")
    until: dt.date = Field(alias="to")
    timezone: str
    by_department: list[DepartmentSums]
    by_date: list[DateSums]


class LockForm(Form):
    through: dt.date = Field(description="this date and all before it are locked")
    note: str = Field("", max_length=500)


class LockPublic(Wire):
    id: str
    through: dt.date
    note: str
    locked_by: str | None
    locked_by_name: str
    created_at: Time
    updated_at: Time


async def found_days(call: Call, session: AsyncSession, query: Between, reach: Reach) -> list[DayPublic]:
    """All days that are asked for. Raises Invalid (too_many) where that is more than one answer should hold."""
    parts = call.parts
    first, last = query.checked_dates(parts.clock.now().astimezone(parts.zone).date())
    wanted = Wanted(first, last, query.person_id, query.department_id, query.site_id)
    who = await whose(session, wanted, reach)
    if len(who) * wanted.dates > MOST_DAYS:
        raise Invalid.field(
            "from", "too_many", "These are too many days for one answer. Ask for fewer dates or people."
        )
    loaded = await day_rows.load(session, who, first, last, parts.zone.key)
    return await asyncio.to_thread(day_rows.shown, *loaded, parts.runtime.current.attendance, parts.clock.now())


@endpoint("GET", "/attendance/days", allow="attendance:read", sorts=SORTS)
async def list_days(call: Call, query: DaysQuery) -> Page[DayPublic]:
    """What each person worked on each date, by date and name.

    A shift over midnight belongs to the date on which it starts. Two shifts on a date are two days.
    """
    name = (query.sort or "date").removeprefix("-")
    if name not in SORTS:
        raise BadRequest(f"This list can be sorted by {', '.join(sorted(SORTS))}.", code="unknown_sort")
    async with call.parts.store.read() as session:
        days = await found_days(call, session, query, reach_of(call.who))
    words = (query.search or "").lower().split()
    chosen = [
        day
        for day in days
        if (query.status is None or day.status is query.status)
        and (query.mark is None or query.mark in day.marks)
        and (query.late is None or query.late == (day.late_minutes > 0))
        and all(word in f"{day.person.full_name} {day.person.employee_id or ''}".lower() for word in words)
    ]
    chosen.sort(key=SORTS[name], reverse=(query.sort or "").startswith("-"))
    return Page.cut(query.wanted, chosen)


@endpoint("GET", "/attendance/summary", allow="attendance:read")
async def get_summary(call: Call, query: Between) -> SummaryPublic:
    """Sums of the days: in all, by department and by date; and who is in now."""
    reach = reach_of(call.who)
    first, last = query.dates(call.parts.clock.now().astimezone(call.parts.zone).date())
    async with call.parts.store.read() as session:
        days = await found_days(call, session, query, reach)
        names = await departments.names(session)
        present = set(await _present(call, session))
    by_department: dict[str | None, list[DayPublic]] = defaultdict(list)
    by_date: dict[date, list[DayPublic]] = defaultdict(list)
    for day in days:
        by_department[day.department_id].append(day)
        by_date[day.date].append(day)
    told = sorted(by_department.items(), key=lambda item: (item[0] is None, names.get(item[0] or "", "").lower()))
    return SummaryPublic(
        since=first, until=last, timezone=call.parts.zone.key, **_sums(days, present),
        by_department=[
            DepartmentSums(department_id=key, name=names.get(key) if key else None, **_sums(some, present))
            for key, some in told
        ],
        by_date=[DateSums(date=day, **_sums(some, present)) for day, some in sorted(by_date.items())],
    )  # fmt: skip


async def _present(call: Call, session: AsyncSession) -> Sequence[str]:
    parts, midnight = call.parts, call.parts.midnight()
    still = await still_in(session, midnight, parts.clock.now(), parts.runtime.current.attendance, parts.zone.key)
    return await entries.present_ids(session, midnight, still)


def _sums(days: Sequence[DayPublic], present: set[str]) -> dict[str, Any]:
    who, sums = {day.person_id for day in days}, AddedUp()
    for day in days:
        sums.add(day)
    return {
        "people": len(who),
        "days": sums.by_status,
        "worked_minutes": sums.worked,
        "overtime_minutes": sums.overtime,
        "late_minutes": sums.late,
        "late_days": sums.late_days,
        "missing_check_outs": sums.missing_outs,
        "present_now": len(who & present),
    }


@endpoint("GET", "/attendance/locks", allow="attendance:read", sorts=locks.SORTS)
async def list_locks(call: Call, query: Query) -> Page[LockPublic]:
    """Up to which dates days were locked, the newest first."""
    async with call.parts.store.read() as session:
        found = await locks.page(session, query.wanted)
    return Page.of(query.wanted, [LockPublic.model_validate(row) for row in found.rows], found.total)


@endpoint("POST", "/attendance/locks", allow="attendance:delete", status=201, raises=(409,))
async def lock_days(call: Call, body: LockForm) -> LockPublic:
    """Locks the days up to a date that is over: they stay as they are now, and what changes is an adjustment.

    409 `locked_already`. 422 `too_long` for more than 400 dates at once: lock up to an earlier date first.
    403 `limited`: whoever is limited to some departments cannot lock the days of all.
    """
    _check_unlimited(call)
    now = call.parts.clock.now()
    if body.through >= now.astimezone(call.parts.zone).date():
        raise Invalid.field("through", "not_over", "Only days that are over can be locked.")
    kept = await _said_now(call, body.through)
    row = DayLock(through=body.through, note=body.note, locked_by=call.actor.id, locked_by_name=call.actor.name)
    async with call.parts.store.transaction() as session:
        await locks.add(session, row, kept)
        view = LockPublic.model_validate(row)
        await call.audit(session, "days.locked", "locks", row.id, after=view)
    return view


async def _said_now(call: Call, through: date) -> list[tuple[str, date, list[dict[str, Any]]]]:
    """The days since the last lock, or since the first entry, up to a date."""
    async with call.parts.store.read() as session:
        before = await locks.through(session)
        first = before + timedelta(days=1) if before else await entries.first_date(session) or through
        if (through - first).days >= MOST_DATES:
            step = first + timedelta(days=MOST_DATES - 1)
            raise Invalid.field("through", "too_long", f"At most {MOST_DATES} dates are locked at once: up to {step}.")
        kept = []
        for since, until in _spans(min(first, through), through):
            span = Between.model_validate({"from": since, "to": until})
            days = await found_days(call, session, span, EVERYTHING)
            kept += await asyncio.to_thread(day_rows.said_now, days)
    return kept


@endpoint("DELETE", "/attendance/locks/{lock_id}", allow="attendance:delete", status=204, raises=(409,))
async def unlock_days(call: Call, lock_id: str) -> None:
    """Takes the newest lock away; its days are worked out from their entries again. 409 `not_the_newest`."""
    _check_unlimited(call)
    async with call.parts.store.transaction() as session:
        row = await locks.newest(session, lock_id)
        call.check_unchanged(row.updated_at)
        before = LockPublic.model_validate(row)
        await locks.remove(session, row)
        await call.audit(session, "days.unlocked", "locks", lock_id, before=before)


def _check_unlimited(call: Call) -> None:
    if call.who.only_departments is not None:
        raise Forbidden("Locking concerns everybody's days.", code="limited")


def _spans(first: date, last: date) -> Iterable[tuple[date, date]]:
    """Months or so, so that no single answer is too long."""
    while first <= last:
        end = min(first + timedelta(days=30), last)
        yield first, end
        first = end + timedelta(days=1)


ENDPOINTS: tuple[Endpoint, ...] = (list_days, get_summary, list_locks, lock_days, unlock_days)
