"""What holds for every timesheet, whatever is in it."""

import random
from collections import defaultdict
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from server.attendance.assign import working_day
from server.attendance.day import Day
from server.attendance.days import MARGIN_DAYS, Leave, Pays, Rules, Timesheet, days, entries_between
from server.attendance.entry import Entry
from server.attendance.schedule import Plan, Roster, Rotation, Schedule
from server.attendance.shift import Closing, Kind, Overtime, Pairing, Rounding, Shift, Span, Step

FIRST, LENGTH = date(2026, 3, 26), 6  # over the change of clocks in Berlin
MARGIN = timedelta(days=MARGIN_DAYS)
BEGIN = datetime(2026, 3, 25, 12, 0, tzinfo=UTC)
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe")
STEADY = ("UTC", "Asia/Tokyo", "America/Phoenix", "Asia/Kathmandu")  # clocks that are not changed
DAYS = settings(max_examples=60, deadline=None)

minutes = st.integers(0, 24 * 60 - 1)


@st.composite
def shifts(draw: st.DrawFn, zone: str) -> Shift:
    """Of every kind, with whatever rules."""
    start, length = draw(minutes), draw(st.integers(60, 16 * 60))
    times: dict[str, Any] = {"start": clock(start), "end": clock(start + length)}
    kind = draw(st.sampled_from(Kind))
    if kind is Kind.SPLIT:
        third = length // 3
        times["parts"] = (span(start, start + third), span(start + 2 * third, start + length))
    elif kind is Kind.FLEXIBLE:
        times["core"] = draw(st.none() | st.just(span(start + length // 4, start + length // 2)))
        times["required_minutes"] = draw(st.none() | st.integers(0, 600))
    few = st.sampled_from((0, 5, 30, 60))
    return Shift(
        str(draw(st.uuids())), "x", timezone=zone, kind=kind, **times,
        days=draw(st.frozensets(st.integers(1, 7), min_size=4)),
        break_minutes=draw(few), break_after_minutes=draw(st.sampled_from((0, 360))),
        breaks=(span(start + length // 2, start + length // 2 + 20),) if draw(st.booleans()) else (),
        grace_late_minutes=draw(few), grace_early_minutes=draw(few),
        opens_minutes=draw(st.integers(0, 1440)), closes_minutes=draw(st.integers(0, 1440)),
        round_in=Rounding(draw(st.sampled_from(Step)), draw(st.sampled_from((5, 15, 60)))),
        round_out=Rounding(draw(st.sampled_from(Step)), draw(st.sampled_from((5, 15, 60)))),
        least_minutes=draw(few), half_day_minutes=draw(st.sampled_from((0, 240))),
        overtime=Overtime(draw(st.none() | st.just(480)), draw(few), draw(st.none() | few), draw(st.booleans())),
        pairing=draw(st.sampled_from(Pairing)), closing=draw(st.sampled_from(Closing)),
    )  # fmt: skip


@st.composite
def sheets(draw: st.DrawFn, zones: tuple[str, ...] = ZONES) -> tuple[Timesheet, Rules, datetime | None]:
    """A timesheet of some days, with rules, and now or never."""
    zone = draw(st.sampled_from(zones))
    place = draw(st.just(zone) | st.sampled_from(zones))  # of the shifts; most work where they live
    turns = draw(st.lists(st.lists(shifts(place), max_size=2).map(tuple), min_size=1, max_size=3))
    schedules = [Schedule("s", Rotation(FIRST, tuple(turns)), date(2026, 1, 1), BEGIN)]
    plan = Roster(schedules if draw(st.integers(0, 4)) else []).plan(
        "p", None, FIRST - MARGIN, FIRST + timedelta(days=LENGTH - 1) + MARGIN
    )
    moments = draw(st.lists(st.integers(0, 7 * 24 * 3600), max_size=24, unique=True))
    entries = [
        Entry(str(n), BEGIN + timedelta(seconds=at), draw(st.sampled_from(("in", "out"))), draw(st.booleans()))
        for n, at in enumerate(sorted(moments))
    ]
    leave = draw(st.lists(st.integers(0, LENGTH - 1).map(lambda n: FIRST + timedelta(days=n)), max_size=2))
    sheet = Timesheet(
        "p", FIRST, FIRST + timedelta(days=LENGTH - 1), zone, entries, plan,
        draw(st.frozensets(st.integers(0, LENGTH - 1).map(lambda n: FIRST + timedelta(days=n)), max_size=1)),
        [Leave(day, day, "", draw(st.sampled_from((None, "first", "second")))) for day in leave],
    )  # fmt: skip
    rules = Rules(
        draw(st.sampled_from((240, 960, 1440))), draw(st.sampled_from((0, 5))), draw(st.sampled_from(Pays)),
        draw(st.sampled_from(Pays)), draw(st.sampled_from(Pairing)), draw(st.sampled_from(Closing)),
    )  # fmt: skip
    now = draw(st.none() | st.integers(0, 7 * 24 * 3600).map(lambda n: BEGIN + timedelta(seconds=n)))
    return sheet, rules, now


def clock(minute: int) -> time:
    return time(minute // 60 % 24, minute % 60)


def span(start: int, end: int) -> Span:
    return Span(clock(start), clock(end))


def widened(sheet: Timesheet) -> Timesheet:
    """The same for all dates that the plan knows."""
    return replace(sheet, first=sheet.first - MARGIN, last=sheet.last + MARGIN)


def ends(day: Day) -> tuple[datetime, datetime] | None:
    """The earliest and the latest moment that a day claims."""
    moments = [at for at in (day.first_in, day.last_out, day.closed_at) if at is not None]
    return (min(moments), max(moments)) if moments else None


@DAYS
@given(sheets())
def test_every_entry_belongs_to_exactly_one_day(made: tuple[Timesheet, Rules, datetime | None]) -> None:
    """None is lost, none counts twice, and a day has them by time."""
    sheet, rules, now = made
    places = {one.id: n for n, one in enumerate(sheet.entries)}
    found = [list(day.entries) for day in days(widened(sheet), rules, now)]
    assert sorted(places) == sorted(one for entries in found for one in entries)
    assert all([places[one] for one in entries] == sorted(places[one] for one in entries) for entries in found)


@DAYS
@given(sheets())
def test_days_never_overlap(made: tuple[Timesheet, Rules, datetime | None]) -> None:
    """One has ended before the next begins, closed ones too."""
    sheet, rules, now = made
    claimed = sorted(claim for day in days(widened(sheet), rules, now) if (claim := ends(day)) is not None)
    assert all(one[1] <= two[0] for one, two in pairwise(claimed))


@DAYS
@given(sheets())
def test_work_and_break_never_exceed_the_presence(made: tuple[Timesheet, Rules, datetime | None]) -> None:
    """Nor is overtime more than work, nor anything less than nothing."""
    sheet, rules, now = made
    for day in days(sheet, rules, now):
        assert day.worked_minutes + day.break_minutes <= day.presence_minutes
        assert 0 <= day.overtime_minutes <= day.worked_minutes
        assert min(day.worked_minutes, day.break_minutes, day.late_minutes, day.early_minutes) >= 0


@DAYS
@given(sheets(), st.randoms(use_true_random=False))
def test_the_answer_does_not_hang_on_the_order(
    made: tuple[Timesheet, Rules, datetime | None], chance: random.Random
) -> None:
    """Entries that arrive late land where they belong; asked again, the answer is the same."""
    sheet, rules, now = made
    expected = days(sheet, rules, now)
    mixed = list(sheet.entries)
    chance.shuffle(mixed)
    assert days(replace(sheet, entries=mixed), rules, now) == expected
    assert days(sheet, rules, now) == expected


@DAYS
@given(sheets(), st.integers(0, LENGTH - 1), st.integers(0, LENGTH - 1))
def test_each_date_has_the_same_answer_in_any_range(
    made: tuple[Timesheet, Rules, datetime | None], one: int, other: int
) -> None:
    """A day that is computed with no more than the margin around it is what it is in its month."""
    sheet, rules, now = made
    first, last = (FIRST + timedelta(days=n) for n in sorted((one, other)))
    whole = [day for day in days(sheet, rules, now) if first <= day.date <= last]
    start, end = entries_between(first, last, sheet.timezone)
    near = [one for one in sheet.entries if start <= one.at < end]
    windows = [one for one in sheet.plan.windows if first - MARGIN <= one.date <= last + MARGIN]
    part = replace(
        sheet, first=first, last=last, entries=near, plan=Plan(tuple(windows), sheet.plan.unplanned)
    )  # fmt: skip
    assert days(part, rules, now) == whole


@DAYS
@given(sheets(STEADY), st.integers(-60, 60))
def test_whole_weeks_later_all_is_the_same(made: tuple[Timesheet, Rules, datetime | None], weeks: int) -> None:
    """Where no clock is changed, only the dates differ."""
    sheet, rules, now = made
    later = timedelta(weeks=weeks)
    turns: dict[date, list[Shift]] = defaultdict(list)
    for window in sheet.plan.windows:
        turns[window.date + later].append(window.shift)
    first, last = sheet.first - MARGIN + later, sheet.last + MARGIN + later
    every = [tuple(turns.get(first + timedelta(days=n), ())) for n in range((last - first).days + 1)]
    roster = Roster(
        [Schedule("s", Rotation(first, tuple(every)), first, BEGIN)] if sheet.plan.unplanned == frozenset() else []
    )
    moved = replace(
        sheet, first=sheet.first + later, last=sheet.last + later, plan=roster.plan("p", None, first, last),
        entries=[one._replace(at=one.at + later) for one in sheet.entries],
        holidays=frozenset(day + later for day in sheet.holidays),
        leave=[replace(one, first=one.first + later, last=one.last + later) for one in sheet.leave],
    )  # fmt: skip
    expected = [
        day._replace(
            date=day.date + later,
            first_in=day.first_in and day.first_in + later,
            last_out=day.last_out and day.last_out + later,
            closed_at=day.closed_at and day.closed_at + later,
        )
        for day in days(sheet, rules, now)
    ]
    assert days(moved, rules, now and now + later) == expected


@DAYS
@given(sheets(), st.integers(0, 7 * 24 * 3600))
def test_every_moment_is_within_its_working_day(made: tuple[Timesheet, Rules, datetime | None], seconds: int) -> None:
    """And so is every other moment of that day: the answer for its first and its last one is the same."""
    sheet, zone = made[0], ZoneInfo(made[0].timezone)
    at = BEGIN + timedelta(seconds=seconds)
    start, end = working_day(at, sheet.plan, zone)
    assert start <= at < end
    assert working_day(start, sheet.plan, zone) == (start, end)
    assert working_day(end - timedelta(microseconds=1), sheet.plan, zone) == (start, end)
