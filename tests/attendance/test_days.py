"""Days against timesheets that were worked out by hand, and what a row holds besides its figures."""

import os
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest

from server.attendance.day import Mark, Status
from server.attendance.days import Leave, Rules, Timesheet, days, entries_between
from server.attendance.entry import Entry
from server.attendance.schedule import Plan
from tests.attendance.clerk import TABLE, Line, in_words_order, lines, read, told

LINES = lines()


def named(line: Line) -> str:
    return line.title


@pytest.mark.parametrize("line", LINES, ids=named)
def test_a_timesheet(line: Line) -> None:
    """The day is what the clerk has worked out."""
    found = days(line.sheet, line.rules, line.now)
    assert [told(day) for day in found] == [in_words_order(row) for row in line.expected]


@pytest.mark.parametrize("line", LINES, ids=named)
def test_entries_may_come_in_any_order(line: Line) -> None:
    """The answer is the same when they are turned round."""
    sheet = line.sheet
    turned = Timesheet(
        sheet.person_id, sheet.first, sheet.last, sheet.timezone, tuple(reversed(sheet.entries)), sheet.plan,
        sheet.holidays, sheet.leave,
    )  # fmt: skip
    assert days(turned, line.rules, line.now) == days(sheet, line.rules, line.now)


def test_there_are_enough_of_them() -> None:
    """At least sixty, and all that stand in the file are read."""
    assert len(LINES) >= 60
    assert len(LINES) == sum("|" in text and not text.startswith("#") for text in TABLE.read_text().splitlines())


@pytest.fixture
def elsewhere() -> Iterator[None]:
    """A server whose own clock is that of Honolulu."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = "Pacific/Honolulu"
    time.tzset()
    yield
    if before is None:
        del os.environ["TZ"]
    else:
        os.environ["TZ"] = before
    time.tzset()


def test_the_servers_own_time_zone_does_not_matter(elsewhere: None) -> None:
    """Every line has the same answer on a server far away."""
    for line in lines():
        found = days(line.sheet, line.rules, line.now)
        assert [told(day) for day in found] == [in_words_order(row) for row in line.expected], line.title


def test_a_row_names_its_entries_and_its_shift() -> None:
    """First and last are as they were made, not as they were rounded; every entry is named."""
    line = read(
        "x | Europe/Berlin 09:00-17:00 round-in nearest 15 | in 09:07 out 12:00 in 12:30 out 17:00 | present worked 450"
    )
    [day] = days(line.sheet, line.rules)
    assert (day.person_id, day.date, day.shift_id) == ("anna", date(2026, 3, 2), "0")
    assert day.entries == ("in 09:07", "out 12:00", "in 12:30", "out 17:00")
    assert day.first_in == datetime(2026, 3, 2, 8, 7, tzinfo=UTC)
    assert day.last_out == datetime(2026, 3, 2, 16, 0, tzinfo=UTC)
    assert (day.presence_minutes, day.worked_minutes, day.break_minutes) == (480, 450, 30)
    assert day.closed_at is None


def test_a_closed_presence_says_when_it_was_closed() -> None:
    """The check-out that nobody made is not shown as one."""
    line = read("x | 09:00-17:00 | in 09:00 | incomplete")
    [day] = days(line.sheet, line.rules)
    assert day.last_out is None
    assert day.closed_at == datetime(2026, 3, 2, 17, 0, tzinfo=UTC)


def test_every_date_has_a_row() -> None:
    """Also those of which nothing is known; leave goes from one date to another."""
    leave = [Leave(date(2026, 2, 27), date(2026, 3, 1), "annual")]
    found = days(Timesheet("p", date(2026, 2, 26), date(2026, 3, 2), leave=leave))
    assert [day.date.day for day in found] == [26, 27, 28, 1, 2]
    assert [day.status for day in found] == [Status.OFF, Status.LEAVE, Status.LEAVE, Status.LEAVE, Status.OFF]


def test_a_date_is_that_of_the_person_where_no_shift_says_it() -> None:
    """Half past eight in the evening in New York is the next day in UTC."""
    entries = [
        Entry("a", datetime(2026, 3, 3, 1, 30, tzinfo=UTC), "in"),
        Entry("b", datetime(2026, 3, 3, 3, 0, tzinfo=UTC), "out"),
    ]
    sheet = Timesheet("p", date(2026, 3, 2), date(2026, 3, 3), "America/New_York", entries)
    assert [(day.status, day.worked_minutes) for day in days(sheet)] == [(Status.PRESENT, 90), (Status.OFF, 0)]


def test_what_entries_a_range_needs() -> None:
    """Some days more on both sides, by the clock of the place."""
    assert entries_between(date(2026, 3, 29), date(2026, 3, 31), "Europe/Berlin") == (
        datetime(2026, 3, 25, 23, 0, tzinfo=UTC), datetime(2026, 4, 3, 22, 0, tzinfo=UTC),
    )  # fmt: skip


def test_leave_for_years_is_read_for_the_dates_that_are_asked() -> None:
    """And leave that ends before it begins is none."""
    leave = [Leave(date(1990, 1, 1), date(2090, 1, 1)), Leave(date(2026, 3, 3), date(2026, 3, 1))]
    monday = date(2026, 3, 2)
    assert [day.status for day in days(Timesheet("p", monday, monday, leave=leave))] == [Status.LEAVE]
    assert [day.status for day in days(Timesheet("p", monday, monday, leave=leave[1:]))] == [Status.OFF]


def test_a_planned_day_off_is_not_the_same_as_no_plan() -> None:
    """Only the first makes overtime of what is worked."""
    at = datetime(2026, 3, 7, 10, 0, tzinfo=UTC)
    entries = [Entry("a", at, "in"), Entry("b", at + timedelta(hours=1), "out")]
    saturday = date(2026, 3, 7)
    [off] = days(Timesheet("p", saturday, saturday, entries=entries, plan=Plan((), frozenset())))
    [nothing] = days(Timesheet("p", saturday, saturday, entries=entries))
    assert (off.overtime_minutes, off.marks) == (60, frozenset({Mark.OFF_WORKED}))
    assert (nothing.overtime_minutes, nothing.marks) == (0, frozenset())


def test_rules_that_cannot_be_are_refused() -> None:
    """A presence longer than a day would make days overlap."""
    with pytest.raises(ValueError, match="longest_minutes"):
        Rules(longest_minutes=1441)
    with pytest.raises(ValueError, match="same_out_minutes"):
        Rules(same_out_minutes=-1)
