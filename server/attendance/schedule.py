"""Roster: which shifts a person works on a date, by schedules, rotations and exceptions."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Literal, Protocol, TypeVar

from server.attendance.shift import Shift
from server.attendance.window import Window, window_of

Shifts = tuple[Shift, ...]  # of one date; empty is a day off


@dataclass(frozen=True, slots=True)
class Rotation:
    """Turns that come round again from `anchor` on, one a day or one a week, each with its shifts or none (off).

    With turns of days the days of the week do not matter; with turns of weeks those of each shift do. `anchor` may lie
    anywhere: the turns reach back before it too. Turns of weeks change on the weekday of `anchor`.
    """

    anchor: date
    turns: tuple[Shifts, ...]
    unit: Literal["day", "week"] = "day"

    def __post_init__(self) -> None:
        if not self.turns:
            raise ValueError("turns: at least one")

    def on(self, day: date) -> Shifts:
        since = (day - self.anchor).days
        if self.unit == "day":
            return self.turns[since % len(self.turns)]
        return tuple(one for one in self.turns[since // 7 % len(self.turns)] if day.isoweekday() in one.days)


class Addressed(Protocol):
    """What is for a person, a department, or (neither) everybody, and when it was made."""

    @property
    def id(self) -> str: ...
    @property
    def person_id(self) -> str | None: ...
    @property
    def department_id(self) -> str | None: ...
    @property
    def made_at(self) -> datetime: ...


@dataclass(frozen=True, slots=True)
class Schedule:
    """Who works a shift, or a rotation of several, from one date to another; both count, no `last` is without end."""

    id: str
    works: Shift | Rotation
    first: date
    made_at: datetime
    last: date | None = None
    person_id: str | None = None
    department_id: str | None = None

    def __post_init__(self) -> None:
        _check_address(self)
        if self.last is not None and self.last < self.first:
            raise ValueError("to: is before from")

    def covers(self, day: date) -> bool:
        return self.first <= day and (self.last is None or day <= self.last)

    def on(self, day: date) -> Shifts:
        """Its shifts on a date that it covers."""
        if isinstance(self.works, Rotation):
            return self.works.on(day)
        return (self.works,) if day.isoweekday() in self.works.days else ()


@dataclass(frozen=True, slots=True)
class Exemption:
    """One date on which other shifts are worked than the schedules say, or none; days of the week do not matter."""

    id: str
    date: date
    shifts: Shifts
    made_at: datetime
    person_id: str | None = None
    department_id: str | None = None

    def __post_init__(self) -> None:
        _check_address(self)


@dataclass(frozen=True)
class Plan:
    """What is planned for somebody over some dates: the windows by their start, and the dates without any plan."""

    windows: tuple[Window, ...] = ()
    unplanned: frozenset[date] | None = None  # no schedule says anything of them, not even off; None: of no date at all

    def silent_on(self, day: date) -> bool:
        """Whether nothing is planned for a date, not even that it is off."""
        return self.unplanned is None or day in self.unplanned

    @cached_property
    def borders(self) -> tuple[int, ...]:
        """Where each window but the last gives way to the next: in the middle between its end and the next start."""
        found: list[int] = []
        for one, two in zip(self.windows, self.windows[1:], strict=False):
            found.append(max((one.end + two.start) // 2, found[-1] if found else one.start))
        return tuple(found)

    @cached_property
    def by_date(self) -> Mapping[date, tuple[int, ...]]:
        """The places of the windows that start on a date."""
        found: dict[date, tuple[int, ...]] = {}
        for place, window in enumerate(self.windows):
            found[window.date] = (*found.get(window.date, ()), place)
        return found


class Roster:
    """All schedules and exemptions, grouped once; what it has worked out it keeps, so that a thousand people are cheap.

    The rule of `shifts_on`, in this order:
    1. An exemption for that date: a person's before their department's before everybody's; of equals the newest.
    2. Schedules that cover the date: only a person's own if there is one, else their department's, else everybody's.
       Among those the newest is asked first. Further ones add their shifts where these do not overlap with what is
       there already, so mornings and evenings may be two schedules; of two that overlap the newest wins. A rotation
       says of every date what is worked, so nothing older than it is asked.
    Each shift is known by its `id`.
    """

    def __init__(self, schedules: Iterable[Schedule] = (), exemptions: Iterable[Exemption] = ()) -> None:
        self._schedules = _newest_first(schedules)
        self._exemptions: dict[_Level, dict[date, Shifts]] = {}
        for level, ones in _newest_first(exemptions).items():
            self._exemptions[level] = {one.date: one.shifts for one in reversed(ones)}
        self._plans: dict[tuple[str | None, str | None, date, date], Plan] = {}
        self._windows: dict[tuple[str, date], Window] = {}

    def shifts_on(self, person_id: str, department_id: str | None, day: date) -> Shifts | None:
        """By their start; empty on a day off; None where no schedule covers the date at all."""
        levels = _levels(person_id, department_id)
        for level in levels:
            exempt = self._exemptions.get(level)
            if exempt is not None and day in exempt:
                return _sorted(exempt[day])
        for level in levels:
            covering = [one for one in self._schedules.get(level, ()) if one.covers(day)]
            if covering:
                return _sorted(_added_up(covering, day))
        return None

    def plan(self, person_id: str, department_id: str | None, first: date, last: date) -> Plan:
        """What is planned from one date to another, both included."""
        own = ("person", person_id)
        personal = own in self._schedules or own in self._exemptions
        key = (person_id if personal else None, department_id, first, last)
        found = self._plans.get(key)
        if found is None:
            found = self._plans[key] = self._made(person_id, department_id, first, last)
        return found

    def _made(self, person_id: str, department_id: str | None, first: date, last: date) -> Plan:
        windows, unplanned = [], []
        for day in (first + timedelta(days=n) for n in range((last - first).days + 1)):
            shifts = self.shifts_on(person_id, department_id, day)
            if shifts is None:
                unplanned.append(day)
            windows += [self._window(one, day) for one in shifts or ()]
        windows.sort(key=lambda one: (one.start, one.end, one.shift.id))
        return Plan(tuple(windows), frozenset(unplanned))

    def _window(self, shift: Shift, day: date) -> Window:
        key = (shift.id, day)
        found = self._windows.get(key)
        if found is None:
            found = self._windows[key] = window_of(shift, day)
        return found


_T = TypeVar("_T", bound=Addressed)
_Level = tuple[Literal["person", "department", "everybody"], str]


def _level(one: Addressed) -> _Level:
    if one.person_id is not None:
        return "person", one.person_id
    if one.department_id is not None:
        return "department", one.department_id
    return "everybody", ""


def _levels(person_id: str, department_id: str | None) -> tuple[_Level, ...]:
    department: tuple[_Level, ...] = () if department_id is None else (("department", department_id),)
    return ("person", person_id), *department, ("everybody", "")


def _newest_first(ones: Iterable[_T]) -> dict[_Level, list[_T]]:
    found: dict[_Level, list[_T]] = defaultdict(list)
    for one in sorted(ones, key=lambda one: (one.made_at, one.id), reverse=True):
        found[_level(one)].append(one)
    return dict(found)


def _added_up(newest_first: Sequence[Schedule], day: date) -> Shifts:
    taken: list[Shift] = []
    for schedule in newest_first:
        taken += [one for one in schedule.on(day) if not any(_overlap(one, other) for other in taken)]
        if isinstance(schedule.works, Rotation):
            break
    return tuple(taken)


def _overlap(one: Shift, other: Shift) -> bool:
    if one.timezone != other.timezone:  # of two places at once; whoever plans that means one instead of the other
        return True
    begins, starts = _minutes(one), _minutes(other)
    return begins < starts + other.length_minutes() and starts < begins + one.length_minutes()


def _minutes(shift: Shift) -> int:
    return shift.start.hour * 60 + shift.start.minute


def _sorted(shifts: Shifts) -> Shifts:
    return tuple(sorted(shifts, key=lambda one: (one.start, one.length_minutes(), one.id)))


def _check_address(one: Addressed) -> None:
    if one.person_id is not None and one.department_id is not None:
        raise ValueError("departmentId: either a person or a department")
