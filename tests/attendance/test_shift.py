"""What a shift may be, and how times and overtime are rounded and limited."""

from datetime import time
from typing import Any

import pytest

from server.attendance.moments import MINUTE
from server.attendance.shift import Kind, Overtime, Rounding, Shift, Span, Step, zone_of

DAY: dict[str, Any] = {"id": "s", "name": "Day", "start": time(9), "end": time(17)}
SPLIT = (Span.of("09:00-13:00"), Span.of("16:00-17:00"))


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"timezone": "Europe/Atlantis"}, "timezone"),
        ({"timezone": ""}, "timezone"),
        ({"timezone": "../etc/passwd"}, "timezone"),
        ({"days": frozenset({0})}, "days"),
        ({"days": frozenset({8})}, "days"),
        ({"break_minutes": -1}, "break_minutes"),
        ({"break_after_minutes": -1}, "break_minutes"),
        ({"grace_late_minutes": -1}, "grace"),
        ({"least_minutes": -1}, "least_minutes"),
        ({"opens_minutes": 1441}, "opens_minutes"),
        ({"closes_minutes": -1}, "closes_minutes"),
        ({"kind": Kind.SPLIT}, "parts"),
        ({"parts": SPLIT}, "parts"),
        ({"kind": Kind.SPLIT, "parts": SPLIT[:1]}, "parts"),
        ({"kind": Kind.SPLIT, "parts": SPLIT[::-1]}, "parts"),
        ({"kind": Kind.SPLIT, "parts": (Span.of("09:00-13:00"), Span.of("13:00-17:00"))}, "parts"),
        ({"kind": Kind.SPLIT, "parts": (Span.of("09:00-13:00"), Span.of("16:00-18:00"))}, "parts"),
        ({"kind": Kind.SPLIT, "parts": (Span.of("10:00-13:00"), Span.of("16:00-17:00"))}, "parts"),
        ({"core": Span.of("10:00-15:00")}, "core"),
        ({"required_minutes": 450}, "core"),
    ],
)
def test_what_cannot_be_is_refused_with_its_name(given: dict[str, Any], field: str) -> None:
    """The message begins with the field."""
    with pytest.raises(ValueError, match=f"^{field}:"):
        Shift(**(DAY | given))


def test_a_shift_of_every_kind() -> None:
    """Fixed by default, every day of the week."""
    assert Shift(**DAY).days == {1, 2, 3, 4, 5, 6, 7}
    assert Shift(**DAY, kind=Kind.SPLIT, parts=SPLIT).parts == SPLIT
    flexible = Shift(**DAY, kind=Kind.FLEXIBLE, core=Span(time(10), time(15)), required_minutes=450)
    assert flexible.core == Span.of("10:00-15:00")


@pytest.mark.parametrize(
    ("start", "end", "minutes"), [("09:00", "17:00", 480), ("22:00", "06:00", 480), ("08:00", "08:00", 1440)]
)
def test_one_that_does_not_end_after_it_starts_goes_over_midnight(start: str, end: str, minutes: int) -> None:
    """Equal times are a whole day."""
    shift = Shift("s", "x", time.fromisoformat(start), time.fromisoformat(end))
    assert shift.length_minutes() == minutes


def test_a_time_zone_by_its_name() -> None:
    """As IANA has it."""
    assert zone_of("Australia/Lord_Howe").key == "Australia/Lord_Howe"


@pytest.mark.parametrize(
    ("step", "minutes", "at", "ahead", "expected"),
    [
        (Step.NONE, 15, 547, 0, 547),
        (Step.NEAREST, 15, 547, 0, 540),
        (Step.NEAREST, 15, 548, 0, 555),
        (Step.NEAREST, 10, 545, 0, 550),
        (Step.UP, 15, 541, 0, 555),
        (Step.UP, 15, 540, 0, 540),
        (Step.DOWN, 15, 554, 0, 540),
        (Step.DOWN, 30, 550, 345, 525),  # Kathmandu: 14:55 on the wall, down to 14:30
        (Step.DOWN, 15, -1, 0, -15),
    ],
)
def test_rounding_goes_by_the_wall(step: Step, minutes: int, at: int, ahead: int, expected: int) -> None:
    """Half a step goes up; a time that is on a step stays."""
    assert Rounding(step, minutes).of(at * MINUTE, ahead * MINUTE) == expected * MINUTE


@pytest.mark.parametrize("minutes", [0, 7, 61])
def test_steps_divide_an_hour(minutes: int) -> None:
    """Others would not be the same every hour."""
    with pytest.raises(ValueError, match="rounding"):
        Rounding(Step.UP, minutes)


def test_overtime_has_a_least_and_a_limit() -> None:
    """Below the least none at all, beyond the limit no more than it."""
    rule = Overtime(least_minutes=30, limit_minutes=60)
    assert [rule.of(minutes) for minutes in (0, 29, 30, 60, 61)] == [0, 0, 30, 60, 60]
    assert Overtime().of(500) == 500
    with pytest.raises(ValueError, match="overtime"):
        Overtime(limit_minutes=-1)
