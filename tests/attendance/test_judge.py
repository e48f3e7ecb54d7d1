"""Late, early and overtime of a window with somebody in it."""

from datetime import date, time
from typing import Any

import pytest

from server.attendance.judge import Judged, early, late, overtime
from server.attendance.moments import MINUTE
from server.attendance.shift import Kind, Overtime, Shift, Span
from server.attendance.window import Stretch, Window, window_of

EIGHT = time(9), time(17)


def window(**more: Any) -> Window:
    return window_of(Shift("s", "x", *EIGHT, **more), date(2026, 3, 2))


def judged(one: Window, *spans: tuple[int, int], **more: Any) -> Judged:
    """Spans in minutes from the start of the shift."""
    stretches: list[Stretch] = [(one.start + start * MINUTE, one.start + end * MINUTE) for start, end in spans]
    given: dict[str, Any] = {
        "window": one, "stretches": stretches, "paid": stretches, "expected": one.expected(),
        "worked": sum(end - start for start, end in spans), "half": None, "now": None, "last_out": None,
        "starts_unknown": False, "ends_unknown": False, "carried": False,
    }  # fmt: skip
    return Judged(**(given | more))


@pytest.mark.parametrize(("comes", "grace", "expected"), [(0, 0, 0), (-10, 0, 0), (5, 5, 0), (6, 5, 6), (500, 5, 480)])
def test_late_is_all_of_it_or_nothing(comes: int, grace: int, expected: int) -> None:
    """Within the grace nothing; never more than the shift is long."""
    assert late(judged(window(grace_late_minutes=grace), (comes, 510))) == expected


@pytest.mark.parametrize(("goes", "grace", "expected"), [(480, 0, 0), (490, 0, 0), (475, 5, 0), (474, 5, 6)])
def test_early_is_the_same_at_the_end(goes: int, grace: int, expected: int) -> None:
    """Within the grace nothing."""
    assert early(judged(window(grace_early_minutes=grace), (0, goes))) == expected


def test_what_is_not_known_is_not_held_against_anybody() -> None:
    """Without a check-in nobody is late, without a check-out nobody has gone early."""
    one = window()
    assert late(judged(one, (60, 300), starts_unknown=True)) == 0
    assert early(judged(one, (60, 300), ends_unknown=True)) == 0
    assert late(judged(one, (60, 300), carried=True)) == 0


def test_nothing_is_expected_on_a_holiday() -> None:
    """Nobody is late for nothing."""
    day = judged(window(), (60, 300), expected=())
    assert (late(day), early(day)) == (0, 0)


def test_the_last_going_counts_even_where_its_coming_is_not_known() -> None:
    """The person was there until then."""
    one = window()
    assert early(judged(one, (0, 180), last_out=one.end)) == 0
    assert early(judged(one, last_out=one.start + 420 * MINUTE)) == 60


def test_nobody_has_gone_early_before_the_end_has_come() -> None:
    """They may come back."""
    one = window()
    assert early(judged(one, (0, 180), now=one.end - 1)) == 0
    assert early(judged(one, (0, 180), now=one.end)) == 300


def test_each_part_of_a_split_shift_by_itself() -> None:
    """One in which nobody was at all is early after the coming, and late before it."""
    parts = (Span.of("09:00-11:00"), Span.of("12:00-14:00"), Span.of("15:00-17:00"))
    one = window(kind=Kind.SPLIT, parts=parts)
    middle = judged(one, (190, 290))
    assert (late(middle), early(middle)) == (120 + 10, 10 + 120)
    ends = judged(one, (0, 120), (360, 480))
    assert (late(ends), early(ends)) == (0, 120)


def test_flexible_without_core_hours_goes_by_minutes() -> None:
    """Half of them on half a day of leave; what is missing within the grace is not."""
    one = window(kind=Kind.FLEXIBLE, required_minutes=400, grace_early_minutes=10)
    assert late(judged(one, (100, 480))) == 0
    assert [early(judged(one, (0, worked))) for worked in (400, 390, 389)] == [0, 0, 11]
    assert early(judged(one, (0, 150), half="first")) == 50
    free = window(kind=Kind.FLEXIBLE)
    assert early(judged(free, (0, 10))) == 0


@pytest.mark.parametrize(
    ("rule", "span", "expected"),
    [
        (Overtime(), (0, 500), 20),
        (Overtime(), (-30, 500), 20),
        (Overtime(early_counts=True), (-30, 500), 50),
        (Overtime(least_minutes=30), (0, 500), 0),
        (Overtime(limit_minutes=15), (0, 500), 15),
        (Overtime(after_minutes=450), (0, 480), 30),
        (Overtime(after_minutes=450, early_counts=True), (30, 470), 0),
    ],
)
def test_overtime_by_its_rule(rule: Overtime, span: tuple[int, int], expected: int) -> None:
    """After the end, before the start where that counts, or beyond so many minutes."""
    assert overtime(judged(window(overtime=rule), span)) == expected


def test_overtime_is_never_more_than_was_worked() -> None:
    """A break that was taken off is off."""
    assert overtime(judged(window(), (500, 560), worked=40)) == 40


def test_overtime_begins_where_nothing_more_is_expected() -> None:
    """Who is on leave in the afternoon and stays does more than was asked."""
    one = window()
    assert overtime(judged(one, (0, 300), expected=one.expected("second"))) == 60
    assert overtime(judged(one, (0, 500), expected=())) == 20
