"""Timesheets: what the tables know of people over some dates, worked out to days."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from server.attendance import days as rules
from server.attendance import schedule as plans
from server.attendance.assign import window_at
from server.attendance.day import Day
from server.attendance.days import MARGIN_DAYS, Timesheet
from server.attendance.entry import Entry as Fact
from server.attendance.rules import Why
from server.attendance.shift import Shift as ShiftRules
from server.attendance.window import Half, Window
from server.pipeline.shift_rules import as_rules
from server.store import entries
from server.store.runtime import AttendanceSettings
from server.store.tables import Entry, Holiday, Leave, Person, Schedule, Shift, Site

# More than a day of zones and a window over midnight, on both sides.
REACH = timedelta(days=MARGIN_DAYS + 2)
GUESSED = (Why.FIRST_TODAY.value, Why.OTHER_DIRECTION.value, Why.LATER_TODAY.value)
AT_ONCE = 400  # people in one question to the database


@dataclass(frozen=True)
class Plans:
    """All that is planned, of everybody, for dates from `first` to `last`."""

    first: date
    last: date
    zone: str
    shifts: Sequence[Shift]
    schedules: Sequence[Schedule]
    holidays: Sequence[Holiday]
    leave: Mapping[str, Sequence[Leave]]
    sites: Mapping[str, str]  # time zones by id


@dataclass(frozen=True)
class Sheets:
    """The timesheets of some people. Working them out takes no database, so it may be done in a thread."""

    plans: Plans
    people: Sequence[Person]
    facts: Mapping[str, Sequence[Fact]]

    def days(self, settings: AttendanceSettings, now: datetime) -> list[Day]:
        """Of each person in turn, by date."""
        return [day for _, found in self.by_person(settings, now) for day in found]

    def by_person(self, settings: AttendanceSettings, now: datetime) -> list[tuple[Person, list[Day]]]:
        """The same, with whose they are."""
        wanted = rules_of(settings)
        return [(person, rules.days(sheet, wanted, now)) for person, sheet in zip(self.people, self.all, strict=True)]

    @cached_property
    def all(self) -> Sequence[Timesheet]:
        """One for each person."""
        rosters = _Rosters(self.plans)
        return [self._sheet(person, rosters) for person in self.people]

    def _sheet(self, person: Person, rosters: "_Rosters") -> Timesheet:
        plans_, margin = self.plans, timedelta(days=MARGIN_DAYS)
        zone = zone_of_person(person, plans_.sites, plans_.zone)
        return Timesheet(
            person.id,
            plans_.first,
            plans_.last,
            zone,
            self.facts.get(person.id, ()),
            rosters.of(zone).plan(person.id, person.department_id, plans_.first - margin, plans_.last + margin),
            rosters.holidays_at(person.site_id),
            [
                rules.Leave(one.first_date, one.last_date, one.kind, _half(one.half))
                for one in plans_.leave.get(person.id, ())
            ],
        )


def rules_of(settings: AttendanceSettings) -> rules.Rules:
    """What the site's settings say beside its shifts."""
    return rules.Rules(
        longest_minutes=settings.longest_minutes,
        off_day=rules.Pays(settings.off_day),
        holiday=rules.Pays(settings.holiday),
    )


def zone_of_person(person: Person, sites: Mapping[str, str], otherwise: str) -> str:
    """Their own, that of their site, or the server's."""
    return person.timezone or sites.get(person.site_id or "") or otherwise


async def load(session: AsyncSession, people: Sequence[Person], first: date, last: date, zone: str) -> Sheets:
    """Both dates count; `zone` is that of people without a site."""
    plans_ = await _plans(session, first, last, zone, [one.id for one in people])
    facts: dict[str, list[Fact]] = defaultdict(list)
    start = datetime.combine(first, time.min, UTC) - REACH
    end = datetime.combine(last, time.min, UTC) + REACH + timedelta(days=1)
    for some in chunks([one.id for one in people]):
        for row in await entries.said_between(session, some, start, end):
            facts[row.person_id].append(Fact(row.id, row.at, row.direction, row.why in GUESSED))
    return Sheets(plans_, people, facts)


async def of_one(session: AsyncSession, person: Person, at: datetime, zone: str) -> Sheets:
    """Of one person around a moment, whatever the date of their working day is."""
    day = at.astimezone(UTC).date()
    return await load(session, [person], day - timedelta(days=1), day + timedelta(days=1), zone)


async def expected_of(
    session: AsyncSession, person: Person, entry: Entry, settings: AttendanceSettings, zone: str, now: datetime
) -> tuple[Window | None, int | None]:
    """The shift to which an entry belongs, and by how much whoever came with it is late; None without a shift."""
    sheets = await of_one(session, person, entry.at, zone)
    window = window_at(entry.at, sheets.all[0].plan)
    if window is None:
        return None, None
    day = next((one for one in sheets.days(settings, now) if entry.id in one.entries), None)
    first = day is not None and day.entries[0] == entry.id
    return window, day.late_minutes if day is not None and first else 0


async def _plans(session: AsyncSession, first: date, last: date, zone: str, person_ids: Sequence[str]) -> Plans:
    margin = timedelta(days=MARGIN_DAYS)
    schedules = select(Schedule).where(
        Schedule.first_date <= last + margin,
        col(Schedule.last_date).is_(None) | (col(Schedule.last_date) >= first - margin),
    )
    holidays = select(Holiday).where(Holiday.date >= first - margin, Holiday.date <= last + margin)
    leave: dict[str, list[Leave]] = defaultdict(list)
    for some in chunks(person_ids):
        away = select(Leave).where(
            col(Leave.person_id).in_(some), Leave.first_date <= last + margin, Leave.last_date >= first - margin
        )
        for one in (await session.exec(away)).all():
            leave[one.person_id].append(one)
    return Plans(
        first, last, zone,
        (await session.exec(select(Shift))).all(),
        (await session.exec(schedules)).all(),
        (await session.exec(holidays)).all(),
        leave,
        {site.id: site.timezone for site in (await session.exec(select(Site))).all()},
    )  # fmt: skip


class _Rosters:
    """A roster for each time zone: a shift that names none is worked by the clocks of whoever works it."""

    def __init__(self, plans_: Plans) -> None:
        self._plans = plans_
        self._by_zone: dict[str, plans.Roster] = {}
        self._holidays: dict[str | None, frozenset[date]] = {}

    def of(self, zone: str) -> plans.Roster:
        found = self._by_zone.get(zone)
        if found is None:
            shifts = {row.id: as_rules(row, zone) for row in self._plans.shifts}
            schedules = [_schedule(row, shifts) for row in self._plans.schedules if not row.exception]
            exempt = [one for row in self._plans.schedules if row.exception for one in _exemptions(row, shifts)]
            found = self._by_zone[zone] = plans.Roster(schedules, exempt)
        return found

    def holidays_at(self, site_id: str | None) -> frozenset[date]:
        found = self._holidays.get(site_id)
        if found is None:
            found = frozenset(one.date for one in self._plans.holidays if one.site_id in (None, site_id))
            self._holidays[site_id] = found
        return found


def _schedule(row: Schedule, shifts: Mapping[str, ShiftRules]) -> plans.Schedule:
    """Without a shift and a rotation they are off: a rotation of one turn without a shift."""
    works: ShiftRules | plans.Rotation
    if row.shift_id is not None:
        works = shifts[row.shift_id]
    else:
        of = row.rotation or {"anchor": row.first_date.isoformat(), "unit": "day", "turns": [[]]}
        turns = tuple(tuple(shifts[one] for one in turn if one in shifts) for turn in of["turns"])
        works = plans.Rotation(date.fromisoformat(of["anchor"]), turns, of["unit"])
    return plans.Schedule(
        row.id, works, row.first_date, row.created_at, row.last_date, row.person_id, row.department_id
    )  # fmt: skip


def _exemptions(row: Schedule, shifts: Mapping[str, ShiftRules]) -> list[plans.Exemption]:
    works = (shifts[row.shift_id],) if row.shift_id is not None else ()
    dates = ((row.last_date or row.first_date) - row.first_date).days + 1
    return [
        plans.Exemption(
            row.id, row.first_date + timedelta(days=n), works, row.created_at, row.person_id, row.department_id
        )
        for n in range(dates)
    ]  # fmt: skip


def _half(half: str | None) -> Half | None:
    return "first" if half == "first" else "second" if half == "second" else None


def chunks(ids: Sequence[str]) -> list[Sequence[str]]:
    return [ids[at : at + AT_ONCE] for at in range(0, len(ids), AT_ONCE)]
