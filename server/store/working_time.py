"""Shifts, schedules, holidays and leave: what is expected of whom, and when."""

from collections.abc import Iterable, Sequence
from datetime import date

from sqlalchemy import func, or_
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from server.errors import Conflict
from server.events.limits import Reach
from server.store.collections import Collection
from server.store.reach import Conditions, people_within
from server.store.tables import Holiday, Leave, Person, Schedule, Shift


def _stamps(table: type[Shift | Schedule | Holiday | Leave]) -> dict[str, object]:
    return {"createdAt": table.created_at, "updatedAt": table.updated_at}


def _schedules_within(reach: Reach) -> Conditions:
    """Of their departments and the people in them, and what is for everybody."""
    if reach.departments is None:
        return []
    departments = sorted(reach.departments)
    within = select(Person.id).where(*people_within(reach))
    everybody = col(Schedule.person_id).is_(None) & col(Schedule.department_id).is_(None)
    return [
        or_(everybody, col(Schedule.department_id).in_(departments), col(Schedule.person_id).in_(within)),
    ]  # fmt: skip


def _leave_within(reach: Reach) -> Conditions:
    if reach.departments is None:
        return []
    return [col(Leave.person_id).in_(select(Person.id).where(*people_within(reach)))]


SHIFTS = Collection(Shift, "shift", {"name": func.lower(Shift.name), **_stamps(Shift)}, "name", (col(Shift.name),))
SCHEDULES = Collection(
    Schedule,
    "schedule",
    {"from": Schedule.first_date, "to": Schedule.last_date, **_stamps(Schedule)},
    "-from",
    (col(Schedule.note),),
    _schedules_within,
)
HOLIDAYS = Collection(
    Holiday,
    "holiday",
    {"date": Holiday.date, "name": func.lower(Holiday.name), **_stamps(Holiday)},
    "date",
    (col(Holiday.name),),
)
LEAVE = Collection(
    Leave,
    "leave",
    {"from": Leave.first_date, "to": Leave.last_date, "kind": Leave.kind, **_stamps(Leave)},
    "-from",
    (col(Leave.kind), col(Leave.note)),
    _leave_within,
)


async def check_shift_unused(session: AsyncSession, shift_id: str) -> None:
    """Raises Conflict (shift_in_use): days that somebody worked by it would change."""
    direct = select(Schedule.id).where(Schedule.shift_id == shift_id)
    used = (await session.exec(direct.limit(1))).first()
    if used is None:  # not in SQL: the databases search JSON in different words
        rotations = (await session.exec(select(Schedule.rotation).where(col(Schedule.shift_id).is_(None)))).all()
        used = next((shift_id for one in rotations if one and any(shift_id in turn for turn in one["turns"])), None)
    if used is not None:
        raise Conflict("A schedule uses this shift.", code="shift_in_use")


async def check_leave_free(session: AsyncSession, leave: Leave) -> None:
    """Raises Conflict (leave_overlaps) where the person is away already; two halves of a day go together."""
    found = (await session.exec(
        select(Leave).where(
            Leave.person_id == leave.person_id, Leave.id != leave.id, Leave.first_date <= leave.last_date,
            Leave.last_date >= leave.first_date,
        )
    )).all()  # fmt: skip
    if any(one.half is None or leave.half is None or one.half == leave.half for one in found):
        raise Conflict("This person has leave on these days already.", code="leave_overlaps")


async def check_holiday_new(session: AsyncSession, holiday: Holiday) -> None:
    """Raises Conflict (holiday_exists). The database sees no two alike where neither has a site."""
    found = select(Holiday.id).where(
        Holiday.date == holiday.date, Holiday.name == holiday.name, Holiday.id != holiday.id,
        col(Holiday.site_id).is_(None) if holiday.site_id is None else Holiday.site_id == holiday.site_id,
    )  # fmt: skip
    if (await session.exec(found)).first() is not None:
        raise Conflict("There is such a holiday already.", code="holiday_exists")


async def known_shifts(session: AsyncSession, shift_ids: Iterable[str | None]) -> set[str]:
    """Those of them that there are."""
    return set((await session.exec(select(Shift.id).where(col(Shift.id).in_(sorted(filter(None, shift_ids)))))).all())


def of_site(site_id: str | None) -> Conditions:
    """A condition for the holidays of a site, among them those of every site."""
    return [] if site_id is None else [or_(col(Holiday.site_id).is_(None), col(Holiday.site_id) == site_id)]


def between(first: object, last: object, since: date | None, until: date | None) -> Conditions:
    """Conditions for what lies, at least in part, within these dates; `last` may be open."""
    found: Conditions = []
    if since is not None:
        found.append(or_(col(last).is_(None), col(last) >= since))
    if until is not None:
        found.append(col(first) <= until)
    return found


async def holidays_known(session: AsyncSession, site_id: str | None) -> set[tuple[date, str]]:
    """Dates and names of those of exactly this site, or of those of every site."""
    own = col(Holiday.site_id).is_(None) if site_id is None else Holiday.site_id == site_id
    return set((await session.exec(select(col(Holiday.date), col(Holiday.name)).where(own))).all())


async def add_holidays(session: AsyncSession, rows: Iterable[Holiday]) -> None:
    """Raises Conflict (holiday_exists) where somebody else adds the same at the same time."""
    for row in rows:
        await HOLIDAYS.save(session, row)


async def leave_between(session: AsyncSession, first: date, last: date) -> Sequence[Leave]:
    """All that lies, at least in part, within these dates."""
    within = between(Leave.first_date, Leave.last_date, first, last)
    return (await session.exec(select(Leave).where(*within).order_by(col(Leave.first_date), col(Leave.id)))).all()


async def holidays_between(session: AsyncSession, first: date, last: date, site_id: str | None) -> Sequence[Holiday]:
    """All within these dates, or those of a site among those of every site."""
    within = between(Holiday.date, Holiday.date, first, last)
    found = select(Holiday).where(*within, *of_site(site_id)).order_by(col(Holiday.date), col(Holiday.id))
    return (await session.exec(found)).all()
