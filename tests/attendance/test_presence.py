"""From entries to stretches of time, and from those to work and break."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

from server.attendance.assign import Taken
from server.attendance.day import Mark
from server.attendance.entry import Entry
from server.attendance.moments import MINUTE, micros
from server.attendance.presence import Sums, counted, overlap, paired, sums
from server.attendance.shift import Kind, Pairing, Rounding, Shift, Span, Step
from server.attendance.window import Stretch, Window, window_of

MIDNIGHT = datetime(2026, 3, 2, tzinfo=UTC)
ZERO = micros(MIDNIGHT)


def minute(clock: str) -> int:
    at = time.fromisoformat(clock)
    return ZERO + (at.hour * 60 + at.minute) * MINUTE


def taken(text: str) -> list[Taken]:
    words = text.split()
    return [
        Taken(minute(at), kind == "in", Entry(at, MIDNIGHT + timedelta(microseconds=minute(at) - ZERO), "in"))
        for kind, at in zip(words[::2], words[1::2], strict=True)
    ]


def stretches(text: str) -> list[Stretch]:
    return [(minute(one[:5]), minute(one[6:])) for one in text.split()]


def window(**more: Any) -> Window:
    return window_of(Shift("s", "x", time(9), time(17), **more), MIDNIGHT.date())


@pytest.mark.parametrize(
    ("text", "expected", "still", "marks"),
    [
        ("", "", None, set()),
        ("in 09:00 out 17:00", "09:00-17:00", None, set()),
        ("in 09:00 out 12:00 in 13:00 out 17:00", "09:00-12:00 13:00-17:00", None, set()),
        ("in 09:00", "", "09:00", set()),
        ("in 09:00 out 12:00 in 13:00", "09:00-12:00", "13:00", set()),
        ("in 09:00 in 10:00 out 17:00", "09:00-17:00", None, {Mark.DUPLICATE_IN}),
        ("in 09:00 out 17:00 out 17:05", "09:00-17:05", None, {Mark.DUPLICATE_OUT}),
        ("in 09:00 out 17:00 out 17:06", "09:00-17:00", None, {Mark.MISSING_IN}),
        ("out 17:00", "", None, {Mark.MISSING_IN}),
        ("out 08:00 in 09:00 out 17:00", "09:00-17:00", None, {Mark.MISSING_IN}),
        ("out 17:00 out 17:03", "", None, {Mark.MISSING_IN, Mark.DUPLICATE_OUT}),
        # The second going within minutes is that of the one that is not known.
        ("in 09:00 out 12:00 out 17:00 out 17:03", "09:00-12:00", None, {Mark.MISSING_IN, Mark.DUPLICATE_OUT}),
    ],
)
def test_pairs(text: str, expected: str, still: str | None, marks: set[Mark]) -> None:
    """From each coming to its going; what is missing or doubled is marked."""
    found = paired(taken(text), Pairing.PAIRS, 5 * MINUTE)
    assert found.stretches == stretches(expected)
    assert found.open == (minute(still) if still else None)
    assert found.marks == marks


@pytest.mark.parametrize(
    ("text", "expected", "still", "marks"),
    [
        ("in 09:00 out 12:00 in 13:00 out 17:00", "09:00-17:00", None, set()),
        ("in 09:00 in 10:00 out 11:00 out 17:00", "09:00-17:00", None, set()),
        ("in 09:00 out 12:00 in 13:00", "", "09:00", set()),
        ("out 08:00 in 09:00 out 17:00", "09:00-17:00", None, {Mark.MISSING_IN}),
        ("out 17:00", "", None, {Mark.MISSING_IN}),
    ],
)
def test_first_and_last(text: str, expected: str, still: str | None, marks: set[Mark]) -> None:
    """What lies between them does not matter; who came again after the last check-out is still there."""
    found = paired(taken(text), Pairing.FIRST_LAST, 5 * MINUTE)
    assert found.stretches == stretches(expected)
    assert found.open == (minute(still) if still else None)
    assert found.marks == marks


@pytest.mark.parametrize(
    ("text", "more", "presence", "worked", "rest"),
    [
        ("", {}, 0, 0, 0),
        ("09:00-17:00", {}, 480, 480, 0),
        ("09:00-17:00", {"break_minutes": 30}, 480, 450, 30),
        ("09:00-12:00 12:50-17:00", {"break_minutes": 30}, 480, 430, 50),
        ("09:00-12:00 12:10-17:00", {"break_minutes": 30}, 480, 450, 30),
        ("09:00-17:00", {"break_minutes": 30, "break_after_minutes": 481}, 480, 480, 0),
        ("09:00-17:00", {"breaks": (Span.of("12:00-12:20"),), "break_minutes": 30}, 480, 450, 30),
        ("09:00-17:00", {"breaks": (Span.of("12:00-12:40"),), "break_minutes": 30}, 480, 440, 40),
        ("09:00-17:00 20:00-22:00", {}, 780, 600, 0),
        ("07:00-08:00 08:30-17:00", {}, 600, 570, 0),
        ("07:00-08:00 09:30-17:00", {}, 600, 510, 30),
        ("16:50-17:00", {"break_minutes": 30}, 10, 0, 10),
    ],
)
def test_work_and_break(text: str, more: dict[str, Any], presence: int, worked: int, rest: int) -> None:
    """Only what lies within the shift is a break."""
    assert sums(stretches(text), window(**more)) == Sums(presence * MINUTE, worked * MINUTE, rest * MINUTE)


def test_without_a_shift_all_that_lies_between_is_a_break() -> None:
    """There is nothing that it could be taken off from."""
    assert sums(stretches("10:00-12:00 13:00-14:00"), None) == Sums(240 * MINUTE, 180 * MINUTE, 60 * MINUTE)


def test_rounded_stretches_do_not_overlap() -> None:
    """Who goes for two minutes is not paid twice for a quarter of an hour."""
    one = window(round_in=Rounding(Step.DOWN, 15), round_out=Rounding(Step.UP, 15))
    assert counted(stretches("09:05-12:04 12:06-16:50"), one) == stretches("09:00-12:15 12:15-17:00")
    strict = window(round_in=Rounding(Step.UP, 15), round_out=Rounding(Step.DOWN, 15))
    assert counted(stretches("09:05-09:10"), strict) == stretches("09:15-09:15")


def test_rounding_goes_by_the_clock_of_the_shift() -> None:
    """In Kathmandu, a quarter of an hour beside everybody else's half hours."""
    shift = Shift("s", "x", time(9), time(17), "Asia/Kathmandu", round_in=Rounding(Step.DOWN, 30))
    one = window_of(shift, date(2026, 3, 2))
    ten_past = one.start + 10 * MINUTE
    assert counted([(ten_past, one.end)], one) == [(one.start, one.end)]


def test_the_time_between_parts_is_cut_out_only_where_nobody_checked_out() -> None:
    """Who stays for a part of it has worked that part."""
    one = window(kind=Kind.SPLIT, parts=(Span.of("09:00-11:00"), Span.of("15:00-17:00")))
    assert counted(stretches("09:00-17:00"), one) == stretches("09:00-11:00 15:00-17:00")
    assert counted(stretches("09:00-11:30 15:00-17:00"), one) == stretches("09:00-11:30 15:00-17:00")


def test_overlap() -> None:
    """Of every one with every other."""
    ones, others = stretches("09:00-10:00 12:00-14:00"), stretches("09:30-09:40 09:50-12:30 13:59-20:00")
    assert overlap(ones, others) == (10 + 10 + 30 + 1) * MINUTE
