"""What a sighting means for attendance, as a table."""

from datetime import UTC, date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import pytest

from server.attendance.rules import CameraRole, Decision, Why, day_bounds, day_of, decide

AT = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
JUST_NOW = timedelta(seconds=299)
LONG_AGO = timedelta(seconds=300)


@pytest.mark.parametrize(
    ("role", "ago", "last_today", "direction", "why"),
    [
        ("in", None, None, "in", "role"),
        ("in", None, "in", "in", "role"),
        ("in", None, "out", "in", "role"),
        ("in", LONG_AGO, "in", "in", "role"),
        ("in", JUST_NOW, "in", None, "cooldown"),
        ("out", None, None, "out", "role"),
        ("out", None, "in", "out", "role"),
        ("out", LONG_AGO, "out", "out", "role"),
        ("out", JUST_NOW, "in", None, "cooldown"),
        ("both", None, None, "in", "first_today"),
        ("both", None, "in", "out", "other_direction"),
        ("both", None, "out", "in", "other_direction"),
        ("both", LONG_AGO, "in", "out", "other_direction"),
        ("both", LONG_AGO, None, "in", "first_today"),
        ("both", JUST_NOW, "in", None, "cooldown"),
        ("both", JUST_NOW, None, None, "cooldown"),
        ("monitor", None, None, None, "monitor"),
        ("monitor", LONG_AGO, "in", None, "monitor"),
        ("monitor", JUST_NOW, "in", None, "monitor"),
        ("both", -JUST_NOW, "in", None, "cooldown"),
        ("both", -LONG_AGO, "in", "out", "other_direction"),
    ],
)
def test_the_table(role: str, ago: timedelta | None, last_today: str | None, direction: str | None, why: str) -> None:
    """Role, cool-down and the day's last direction decide; a late arrival has the cool-down behind it too."""
    decision = decide(
        role=role,
        at=AT,
        last_at_camera=None if ago is None else AT - ago,
        last_direction_today=last_today,
        cooldown_s=300,
    )
    assert (decision.direction, decision.why) == (direction, why)


def test_without_a_cooldown_every_sighting_counts() -> None:
    """A cool-down of nothing refuses nothing."""
    decision = decide(role="in", at=AT, last_at_camera=AT, last_direction_today="in", cooldown_s=0)
    assert decision == Decision("in", Why.ROLE)


def test_an_unknown_role_is_a_mistake() -> None:
    """The set of roles is closed."""
    with pytest.raises(ValueError, match="side"):
        decide(role="side", at=AT, last_at_camera=None, last_direction_today=None, cooldown_s=0)
    assert {role.value for role in CameraRole} == {"in", "out", "both", "monitor"}


def test_the_day_is_that_of_the_site() -> None:
    """Late in the evening in UTC it is already tomorrow in Tokyo."""
    late = datetime(2026, 3, 2, 20, 0, tzinfo=UTC)
    assert day_of(late) == date(2026, 3, 2)
    assert day_of(late, ZoneInfo("Asia/Tokyo")) == date(2026, 3, 3)


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 3, 28), 24), (date(2026, 3, 29), 23), (date(2026, 10, 25), 25)])
def test_a_day_has_the_hours_that_its_clocks_give_it(day: date, hours: int) -> None:
    """Bounds follow the changes of the clocks, and a time within them falls on that day."""
    berlin = ZoneInfo("Europe/Berlin")
    start, end = day_bounds(day, berlin)
    assert end - start == timedelta(hours=hours)
    assert day_of(start, berlin) == day_of(end - timedelta(microseconds=1), berlin) == day
    assert day_of(end, berlin) == day + timedelta(days=1)


@pytest.mark.parametrize(
    ("role", "passed", "ago", "direction", "why"),
    [
        ("both", "in", None, "in", "passed"),
        ("both", "out", None, "out", "passed"),
        ("both", None, None, None, "not_passed"),
        ("in", "in", None, "in", "passed"),
        ("in", "out", None, None, "other_way"),
        ("out", "out", LONG_AGO, "out", "passed"),
        ("out", "in", None, None, "other_way"),
        ("in", None, None, None, "not_passed"),
        ("both", "out", JUST_NOW, None, "cooldown"),
        ("monitor", "in", None, None, "monitor"),
    ],
)
def test_a_line_decides(
    role: str, passed: Literal["in", "out"] | None, ago: timedelta | None, direction: str | None, why: str
) -> None:
    """Where a camera has one, who has not passed makes no entry, whatever the last one of the day was."""
    last = None if ago is None else AT - ago
    for last_today in (None, "in", "out"):
        decision = decide(
            role=role, at=AT, last_at_camera=last, last_direction_today=last_today, cooldown_s=300, passed=passed,
            must_pass=True,
        )  # fmt: skip
        assert (decision.direction, decision.why) == (direction, why)


def test_a_line_that_was_removed_meanwhile() -> None:
    """Who has passed it has passed: the direction stays good."""
    decision = decide(
        role="both", at=AT, last_at_camera=None, last_direction_today="in", cooldown_s=300, passed="in", must_pass=False
    )
    assert decision == Decision("in", Why.PASSED)


@pytest.mark.parametrize(
    ("role", "last_today", "direction", "why"),
    [
        ("both", None, "in", "first_today"),
        ("both", "in", "out", "later_today"),
        ("both", "out", "out", "later_today"),
        ("in", "in", "in", "role"),
        ("out", None, "out", "role"),
    ],
)
def test_a_day_that_counts_from_its_first_to_its_last(
    role: str, last_today: str | None, direction: str, why: str
) -> None:
    """The first comes in, and every later one may be the last; a camera for one way says it itself."""
    decision = decide(
        role=role, at=AT, last_at_camera=None, last_direction_today=last_today, cooldown_s=300, first_and_last=True
    )
    assert (decision.direction, decision.why) == (direction, why)
