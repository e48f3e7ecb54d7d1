"""Days: entries, plan, holidays and leave of one person in, a row for each working day out; the same in, the same out.

A `Timesheet` holds what the tables hold: entries after corrections, what `Roster.plan` says,
dates of holidays of the person's site, and rows of leave. `days` may be asked for any range, and answers for each date
the same, as long as entries (`entries_between`) and plan reach `MARGIN_DAYS` farther on both sides. The rules are told
in docs/attendance.md.
"""

from bisect import bisect_right
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum

from server.attendance.assign import Assigned, Taken, assign
from server.attendance.day import NO_MARKS, Day, Mark, Status
from server.attendance.entry import Entry, ordered
from server.attendance.judge import Judged, early, late, overtime
from server.attendance.moments import MINUTE, instant, micros, minutes, moment
from server.attendance.presence import Presence, counted, paired, sums
from server.attendance.schedule import Plan
from server.attendance.shift import Closing, Pairing, zone_of
from server.attendance.window import Half, Stretch, Window

MARGIN_DAYS = 3  # a window and what belongs to it reach no farther, in whichever time zone it is
_MISSING = frozenset({Mark.MISSING_IN, Mark.MISSING_OUT})


class Pays(StrEnum):
    """What time counts as that was worked where nothing was expected."""

    WORKED = "worked"
    OVERTIME = "overtime"  # worked, and all of it overtime


@dataclass(frozen=True, slots=True)
class Rules:
    """What holds for a site beside its shifts."""

    longest_minutes: int = 960  # a check-out belongs to no check-in that is longer ago
    same_out_minutes: int = 5  # who checks out again within these went once
    off_day: Pays = Pays.OVERTIME
    holiday: Pays = Pays.OVERTIME
    pairing: Pairing = Pairing.PAIRS  # on dates without a shift
    closing: Closing = Closing.NOTHING  # on dates without a shift, which have no end to close at

    def __post_init__(self) -> None:
        if not 1 <= self.longest_minutes <= 24 * 60:
            raise ValueError("longest_minutes: from 1 to 1440")
        if self.same_out_minutes < 0:
            raise ValueError("same_out_minutes: minutes must not be negative")


@dataclass(frozen=True, slots=True)
class Leave:
    """Both dates count; `half` is of each of them."""

    first: date
    last: date
    kind: str = ""
    half: Half | None = None


@dataclass(frozen=True, slots=True)
class Timesheet:
    """All that is known of one person over some dates. `timezone` says what a date is where no shift does."""

    person_id: str
    first: date
    last: date
    timezone: str = "UTC"
    entries: Sequence[Entry] = ()
    plan: Plan = field(default_factory=Plan)
    holidays: AbstractSet[date] = frozenset()
    leave: Sequence[Leave] = ()


def entries_between(first: date, last: date, timezone: str) -> tuple[datetime, datetime]:
    """From when until before when entries matter to these dates."""
    zone, margin = zone_of(timezone), timedelta(days=MARGIN_DAYS)
    start, end = instant(first - margin, time.min, zone), instant(last + margin + timedelta(days=1), time.min, zone)
    return moment(start), moment(end)


def days(sheet: Timesheet, rules: Rules | None = None, now: datetime | None = None) -> list[Day]:
    """By date and start. With `now` a day that is not over is neither absent nor without a check-out yet.

    Every date from `first` to `last` has a row for each window that starts on it, or one without a shift. Entries
    outside of what belongs to any window make a row of their own.
    """
    return _Sheet(sheet, rules or Rules(), None if now is None else micros(now)).days()


class _Sheet:
    """One timesheet while it is worked out."""

    def __init__(self, sheet: Timesheet, rules: Rules, now: int | None) -> None:
        self._sheet, self._rules, self._now = sheet, rules, now
        self._same_out = rules.same_out_minutes * MINUTE
        self._longest = rules.longest_minutes * MINUTE
        self._windows = sheet.plan.windows
        self._leave = _free_halves(sheet)
        self._assigned: Assigned = assign(
            ordered(sheet.entries), sheet.plan, zone_of(sheet.timezone), longest=self._longest, pairing=rules.pairing
        )
        self._presences = {
            place: paired(taken, self._windows[place].shift.pairing, self._same_out)
            for place, taken in self._assigned.windows.items()
        }
        self._moments: list[int] | None = None
        self._carry()

    def days(self) -> list[Day]:
        found: list[Day] = []
        by_date, dates, day = self._sheet.plan.by_date, self._assigned.dates, self._sheet.first
        one_day = timedelta(days=1)
        while day <= self._sheet.last:
            places, taken = by_date.get(day, ()), dates.get(day)
            for place in places:
                found.append(self._of_window(place))
            if taken:
                found += [self._without_window(day, one, assigned=not places) for one in self._beside(taken)]
            elif not places:
                found.append(self._without_window(day, [], assigned=True))
            day += one_day
        return found

    def _carry(self) -> None:
        """Who stays beyond the end of one shift through at least half of the next has worked both."""
        windows, presences = self._windows, self._presences
        for place in sorted(presences):
            then = place + 1
            while then < len(windows) and then not in presences:
                here, following, stretches = windows[then - 1], windows[then], presences[then - 1].stretches
                if not stretches or stretches[-1][1] * 2 < following.start + following.end:
                    break
                start, end = stretches[-1]
                cut = max(start, here.end, following.start)
                if cut >= end:  # it lies within this one
                    break
                stretches[-1] = (start, cut)
                presences[then - 1].marks.add(Mark.CARRIED)
                presences[then] = Presence(stretches=[(cut, end)], marks={Mark.CARRIED})
                then += 1

    def _of_window(self, place: int) -> Day:
        window, presence = self._windows[place], self._presences.get(place)
        half, free, marks = self._plans(window.date)
        if presence is None:
            return self._unseen(window, half, free, marks)
        taken = self._assigned.windows.get(place, [])
        stretches, closed, runs = presence.stretches, None, False
        if presence.open is not None:
            over = max(window.closes, presence.open + self._longest)
            stretches, closed, runs = self._ended(
                presence, presence.open, window, window.shift.closing, over, taken[-1].at
            )
        paid = counted(stretches, window)
        total = sums(paid, window)
        worked = minutes(total.worked)
        judged = Judged(
            window, stretches, paid, () if free else window.expected(half), worked, half, self._now,
            presence.last_out.at if presence.last_out else None, presence.starts_unknown, presence.open is not None,
            presence.first_in is None and Mark.CARRIED in presence.marks,
        )  # fmt: skip
        if presence.marks:
            marks |= presence.marks
        if free:
            marks.add(Mark.HOLIDAY_WORKED if free is Status.HOLIDAY else Mark.LEAVE_WORKED)
        runs = runs or (self._now is not None and self._now < window.end)
        status = self._status(window, worked, half, marks, runs=runs, free=free is not None)
        return Day(
            self._sheet.person_id, window.date, status,
            presence.first_in.entry.at if presence.first_in else None,
            presence.last_out.entry.at if presence.last_out else None,
            worked, minutes(total.rest), late(judged), early(judged),
            self._overtime(judged, free, closed=closed is not None), window.shift.id,
            tuple([one.entry.id for one in taken]), frozenset(marks) if marks else NO_MARKS,
            minutes(total.presence), closed,
        )  # fmt: skip

    def _without_window(self, day: date, taken: list[Taken], *, assigned: bool) -> Day:
        """A date on which nothing was planned; or not `assigned`, what happened beside the shifts of one."""
        _, free, marks = self._plans(day)
        unplanned = self._sheet.plan.silent_on(day)
        if not taken:
            if unplanned:
                return Day(self._sheet.person_id, day, free or Status.OFF, marks=frozenset(marks))
            shown = frozenset({Mark.HOLIDAY}) if free is Status.HOLIDAY else NO_MARKS
            return Day(self._sheet.person_id, day, Status.OFF, marks=shown)
        presence = paired(taken, self._rules.pairing, self._same_out)
        stretches, closed = presence.stretches, None
        if presence.open is not None:
            over = presence.open + self._longest
            stretches, closed, _ = self._ended(presence, presence.open, None, self._rules.closing, over, taken[-1].at)
        total = sums(stretches, None)
        marks |= presence.marks
        if not assigned:
            marks.add(Mark.UNASSIGNED)
        elif free is Status.HOLIDAY:
            marks.add(Mark.HOLIDAY_WORKED)
        elif not unplanned:
            marks.add(Mark.OFF_WORKED)
        elif free is Status.LEAVE:
            marks.add(Mark.LEAVE_WORKED)
        missing = marks & _MISSING
        worked = minutes(total.worked)
        overtime_minutes = worked if closed is None and self._all_over(free, off=not unplanned) else 0
        return Day(
            self._sheet.person_id, day, Status.INCOMPLETE if missing else Status.PRESENT,
            presence.first_in.entry.at if presence.first_in else None,
            presence.last_out.entry.at if presence.last_out else None,
            worked, minutes(total.rest), 0, 0, overtime_minutes, None,
            tuple([one.entry.id for one in taken]), frozenset(marks), minutes(total.presence), closed,
        )  # fmt: skip

    def _beside(self, taken: list[Taken]) -> list[list[Taken]]:
        """What happened on a date outside of all shifts: apart before, between and after them."""
        found: list[list[Taken]] = []
        before, there = -1, False
        for one in taken:
            started = bisect_right(self._windows, one.at, key=_start)
            if started != before and (one.is_in or not there):
                found.append([])
            before, there = started, one.is_in
            found[-1].append(one)
        return found

    def _next(self, at: int) -> int | None:
        """When the person's next entry is, of any day."""
        if self._moments is None:  # few days need it
            self._moments = sorted(micros(one.at) for one in self._sheet.entries)
        place = bisect_right(self._moments, at)
        return self._moments[place] if place < len(self._moments) else None

    def _plans(self, day: date) -> tuple[Half | None, Status | None, set[Mark]]:
        """Half a day of leave; why nothing at all is expected; and what shows of the half."""
        if day in self._sheet.holidays:
            return None, Status.HOLIDAY, set()
        halves = self._leave.get(day)
        if not halves:
            return None, None, set()
        if len(halves) == 2:
            return None, Status.LEAVE, set()
        if "first" in halves:
            return "first", None, {Mark.FIRST_HALF_LEAVE}
        return "second", None, {Mark.SECOND_HALF_LEAVE}

    def _unseen(self, window: Window, half: Half | None, free: Status | None, marks: set[Mark]) -> Day:
        status = free or Status.ABSENT
        if free is None and self._now is not None and self._now < window.expected(half)[-1][1]:
            status = Status.INCOMPLETE
            marks.add(Mark.EXPECTED)
        return Day(
            self._sheet.person_id, window.date, status, shift_id=window.shift.id,
            marks=frozenset(marks) if marks else NO_MARKS,
        )  # fmt: skip

    def _ended(
        self, presence: Presence, start: int, window: Window | None, closing: Closing, over: int, last: int
    ) -> tuple[list[Stretch], datetime | None, bool]:
        """Stretches with that from `start`, up to now or closed by rule; when it was closed; whether it still runs.

        It is `over` when no check-out belongs to it any more, and `last` is the last entry of its day.
        """
        following = self._next(last)
        if self._now is not None and self._now < over and (following is None or following > self._now):
            presence.marks.add(Mark.RUNNING)
            return [*presence.stretches, (start, max(start, self._now))], None, True
        presence.marks.add(Mark.MISSING_OUT)
        if closing is Closing.LONGEST:
            end = start + self._longest
        elif closing is Closing.END and window is not None:
            end = max(start, window.end)
        else:
            return [*presence.stretches, (start, start)], None, False
        if following is not None:  # whoever comes elsewhere has gone before
            end = min(end, following)
        presence.marks.add(Mark.CLOSED)
        return [*presence.stretches, (start, end)], moment(end), False

    def _status(
        self, window: Window, worked: int, half: Half | None, marks: set[Mark], *, runs: bool, free: bool
    ) -> Status:
        if runs:
            marks.add(Mark.RUNNING)
        if marks and marks & _MISSING:
            return Status.INCOMPLETE
        if runs or free:
            return Status.PRESENT
        least = window.shift.least_minutes
        if worked < (least if half is None else least // 2):
            marks.add(Mark.TOO_SHORT)
            return Status.ABSENT
        if half is None and worked < window.shift.half_day_minutes:
            marks.add(Mark.HALF_DAY)
        return Status.PRESENT

    def _overtime(self, judged: Judged, free: Status | None, *, closed: bool) -> int:
        """None where the presence was closed by rule: that takes somebody who says when it really ended."""
        if closed:
            return 0
        return judged.worked if self._all_over(free) else overtime(judged)

    def _all_over(self, free: Status | None, *, off: bool = False) -> bool:
        """Whether all that is worked is overtime."""
        if free is None and not off:
            return False
        if free is Status.HOLIDAY:
            return self._rules.holiday is Pays.OVERTIME
        return (off or free is Status.LEAVE) and self._rules.off_day is Pays.OVERTIME


def _start(window: Window) -> int:
    return window.start


def _free_halves(sheet: Timesheet) -> dict[date, frozenset[str]]:
    """The halves of each date that are free."""
    found: dict[date, frozenset[str]] = {}
    for one in sheet.leave:
        halves = frozenset({"first", "second"}) if one.half is None else frozenset({one.half})
        first = max(one.first, sheet.first)
        for n in range((min(one.last, sheet.last) - first).days + 1):
            day = first + timedelta(days=n)
            found[day] = found.get(day, frozenset()) | halves
    return found
