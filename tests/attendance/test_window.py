"""A shift on one date, as moments."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from server.attendance.moments import HOUR, MINUTE
from server.attendance.shift import Kind, Shift, Span
from server.attendance.window import Half, Stretch, Window, window_of


def window(times: str, day: date, zone: str = "Europe/Berlin", **more: Any) -> Window:
    span = Span.of(times)
    return window_of(Shift("s", "x", span.start, span.end, zone, **more), day)


def hours(one: Window, *stretches: Stretch) -> list[tuple[float, float]]:
    return [((start - one.start) / HOUR, (end - one.start) / HOUR) for start, end in stretches]


@pytest.mark.parametrize(
    ("times", "day", "zone", "length"),
    [
        ("09:00-17:00", date(2026, 3, 29), "Europe/Berlin", 8),
        ("22:00-06:00", date(2026, 3, 27), "Europe/Berlin", 8),
        ("22:00-06:00", date(2026, 3, 28), "Europe/Berlin", 7),
        ("22:00-06:00", date(2026, 10, 24), "Europe/Berlin", 9),
        ("00:00-00:00", date(2026, 3, 29), "Europe/Berlin", 23),
        ("00:00-00:00", date(2026, 10, 25), "Europe/Berlin", 25),
        ("00:00-00:00", date(2026, 3, 8), "America/New_York", 23),
        ("00:00-00:00", date(2026, 11, 1), "America/New_York", 25),
        ("00:00-00:00", date(2026, 10, 4), "Australia/Lord_Howe", 23.5),
        ("00:00-00:00", date(2026, 4, 5), "Australia/Lord_Howe", 24.5),
        ("02:15-02:45", date(2026, 3, 29), "Europe/Berlin", 0.5),  # both move forward
        ("02:30-03:00", date(2026, 3, 29), "Europe/Berlin", 0),  # swallowed
        ("01:30-03:00", date(2026, 3, 29), "Europe/Berlin", 0.5),
    ],
)
def test_it_is_as_long_as_the_clocks_make_it(times: str, day: date, zone: str, length: float) -> None:
    """Every time is looked up on its own date; nothing ends before it starts."""
    one = window(times, day, zone)
    assert (one.end - one.start) / HOUR == length
    assert one.ends_at - one.starts_at == timedelta(hours=length)


def test_it_starts_on_its_date() -> None:
    """Over midnight it still is of the date on which it starts."""
    one = window("22:00-06:00", date(2026, 12, 31))
    assert one.date == date(2026, 12, 31)
    assert one.starts_at == datetime(2026, 12, 31, 21, 0, tzinfo=UTC)
    assert one.ends_at == datetime(2027, 1, 1, 5, 0, tzinfo=UTC)


def test_entries_may_belong_to_it_before_and_after() -> None:
    """As long before its start and after its end as the shift says."""
    one = window("09:00-17:00", date(2026, 3, 2), opens_minutes=30, closes_minutes=60)
    assert (one.start - one.opens, one.closes - one.end) == (30 * MINUTE, 60 * MINUTE)


def test_breaks_and_parts_lie_behind_its_start() -> None:
    """A break at one in the morning of a night shift is on the next day."""
    night = window("22:00-06:00", date(2026, 3, 2), breaks=(Span.of("23:30-00:15"), Span.of("01:00-01:30")))
    assert hours(night, *night.breaks) == [(1.5, 2.25), (3, 3.5)]
    split = window(
        "20:00-06:00", date(2026, 3, 2), kind=Kind.SPLIT, parts=(Span.of("20:00-23:00"), Span.of("02:00-06:00"))
    )
    assert hours(split, *split.parts) == [(0, 3), (6, 10)]
    assert hours(split, *split.between) == [(3, 6)]


@pytest.mark.parametrize(
    ("more", "half", "expected"),
    [
        ({}, None, [(0, 8)]),
        ({}, "first", [(4, 8)]),
        ({}, "second", [(0, 4)]),
        ({"kind": Kind.FLEXIBLE}, None, [(0, 8)]),
        ({"kind": Kind.FLEXIBLE, "core": Span.of("10:00-15:00")}, None, [(1, 6)]),
        ({"kind": Kind.FLEXIBLE, "core": Span.of("10:00-15:00")}, "first", [(4, 6)]),
        ({"kind": Kind.FLEXIBLE, "core": Span.of("10:00-15:00")}, "second", [(1, 4)]),
        ({"kind": Kind.FLEXIBLE, "core": Span.of("10:00-12:00")}, "first", [(3, 3)]),
        ({"kind": Kind.SPLIT, "parts": (Span.of("09:00-11:00"), Span.of("15:00-17:00"))}, "first", [(6, 8)]),
        ({"kind": Kind.SPLIT, "parts": (Span.of("09:00-11:00"), Span.of("15:00-17:00"))}, "second", [(0, 2)]),
    ],
)
def test_half_a_day_of_leave(more: dict[str, Any], half: Half | None, expected: list[tuple[float, float]]) -> None:
    """The middle of the time, or the parts of a split shift; nothing is left of core hours in the other half."""
    one = window("09:00-17:00", date(2026, 3, 2), **more)
    assert hours(one, *one.expected(half)) == expected


def test_half_of_a_night_that_is_longer() -> None:
    """The middle is that of the time that passes, not of the clock."""
    one = window("22:00-06:00", date(2026, 10, 24))
    assert hours(one, *one.expected("second")) == [(0, 4.5)]
