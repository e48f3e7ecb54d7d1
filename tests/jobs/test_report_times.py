"""When reports are due and which dates they are of."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.jobs.report_times import Frequency, Rule, latest_due, moment_of, next_due, period_of

BERLIN, APIA = ZoneInfo("Europe/Berlin"), ZoneInfo("Pacific/Apia")
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "America/Santiago")


@pytest.mark.parametrize(
    ("day", "clock", "zone", "at"),
    [
        ("2026-01-05", "07:30", BERLIN, "2026-01-05T06:30"),
        ("2026-07-05", "07:30", BERLIN, "2026-07-05T05:30"),
        ("2026-03-29", "01:59", BERLIN, "2026-03-29T00:59"),
        ("2026-03-29", "02:00", BERLIN, "2026-03-29T01:00"),  # does not come: when clocks jump
        ("2026-03-29", "02:30", BERLIN, "2026-03-29T01:00"),
        ("2026-03-29", "03:00", BERLIN, "2026-03-29T01:00"),
        ("2026-10-25", "02:30", BERLIN, "2026-10-25T00:30"),  # comes twice: the first
        ("2026-10-25", "03:00", BERLIN, "2026-10-25T02:00"),
        ("2011-12-30", "13:00", APIA, "2011-12-30T10:00"),  # a date that never came there
        ("2011-12-31", "00:00", APIA, "2011-12-30T10:00"),
    ],
)
def test_clocks_of_a_zone(day: str, clock: str, zone: ZoneInfo, at: str) -> None:
    """Where they jump over a time it is the moment of the jump, and of two that show the same the first."""
    found = moment_of(date.fromisoformat(day), time.fromisoformat(clock), zone)
    assert found == datetime.fromisoformat(at).replace(tzinfo=UTC)


def rule(frequency: Frequency, clock: str = "07:30", **of: int) -> Rule:
    return Rule(frequency, time.fromisoformat(clock), BERLIN, **of)


@pytest.mark.parametrize(
    ("wanted", "after", "at"),
    [
        (rule("daily"), "2026-01-05T06:29", "2026-01-05T06:30"),
        (rule("daily"), "2026-01-05T06:30", "2026-01-06T06:30"),  # after, and not at
        (rule("daily"), "2026-03-28T12:00", "2026-03-29T05:30"),  # an hour sooner from then on
        (rule("daily", "02:30"), "2026-03-28T12:00", "2026-03-29T01:00"),
        (rule("daily", "02:30"), "2026-10-25T00:30", "2026-10-26T01:30"),  # the second 02:30 does not count
        (rule("weekly", weekday=1), "2026-01-05T06:30", "2026-01-12T06:30"),
        (rule("weekly", weekday=7), "2026-01-05T06:30", "2026-01-11T06:30"),
        (rule("monthly", month_day=1), "2026-01-01T06:30", "2026-02-01T06:30"),
        (rule("monthly", month_day=28), "2026-01-31T12:00", "2026-02-28T06:30"),
        (rule("monthly", month_day=31), "2026-02-01T12:00", "2026-02-28T06:30"),  # a month without it: its last day
        (rule("monthly", month_day=1), "2026-12-02T12:00", "2027-01-01T06:30"),
    ],
)
def test_the_next_moment(wanted: Rule, after: str, at: str) -> None:
    """By the clocks of the zone, whatever they do in between."""
    assert next_due(wanted, datetime.fromisoformat(f"{after}+00:00")) == datetime.fromisoformat(f"{at}+00:00")


def test_of_what_was_missed_only_the_last_is_due() -> None:
    """A week without a server is one report, not seven."""
    first = datetime(2026, 1, 5, 6, 30, tzinfo=UTC)
    assert latest_due(rule("daily"), first, first) == (first.date(), first)
    assert latest_due(rule("daily"), first, first + timedelta(days=6, hours=23))[1] == first + timedelta(days=6)
    assert latest_due(rule("daily"), first, first + timedelta(days=5000))[1] > first + timedelta(days=4998)
    monthly = rule("monthly", month_day=5)
    assert latest_due(monthly, first, datetime(2027, 3, 1, tzinfo=UTC))[1] == datetime(2027, 2, 5, 6, 30, tzinfo=UTC)


@pytest.mark.parametrize("zone", ["America/Nuuk", "America/Scoresbysund"])
def test_a_moment_after_the_jump_over_midnight_is_of_the_date_before(zone: str) -> None:
    """Clocks go from 23:00 of a Saturday to Sunday: what is due at half past eleven is of the Saturday all the same."""
    late = Rule("daily", time(23, 30), ZoneInfo(zone))
    jumped = datetime(2026, 3, 29, 1, 0, tzinfo=UTC)
    assert jumped.astimezone(late.zone).date() == date(2026, 3, 29)
    assert latest_due(late, jumped, jumped) == (date(2026, 3, 28), jumped)
    assert latest_due(late, next_due(late, jumped), jumped + timedelta(days=1))[0] == date(2026, 3, 29)


@pytest.mark.parametrize(
    ("frequency", "today", "first", "last"),
    [
        ("daily", "2026-03-01", "2026-02-28", "2026-02-28"),
        ("weekly", "2026-01-05", "2025-12-29", "2026-01-04"),
        ("weekly", "2026-01-11", "2025-12-29", "2026-01-04"),
        ("monthly", "2026-03-31", "2026-02-01", "2026-02-28"),
        ("monthly", "2026-01-01", "2025-12-01", "2025-12-31"),
    ],
)
def test_the_latest_whole_period(frequency: Frequency, today: str, first: str, last: str) -> None:
    """The day before, the week from Monday to Sunday before, the month before."""
    assert period_of(frequency, date.fromisoformat(today)) == (date.fromisoformat(first), date.fromisoformat(last))


RULES = st.builds(
    Rule,
    st.sampled_from(("daily", "weekly", "monthly")),
    st.times().map(lambda one: one.replace(second=0, microsecond=0, tzinfo=None)),
    st.sampled_from(ZONES).map(ZoneInfo),
    st.integers(1, 7),
    st.integers(1, 28),
)
MOMENTS = st.integers(0, 19_000_000).map(lambda minutes: datetime(2000, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes))


@given(RULES, MOMENTS)
def test_moments_follow_each_other(wanted: Rule, after: datetime) -> None:
    """Each after the one before, on a date of the schedule, no further away than a month, and never two on one date."""
    days = []
    for _ in range(4):
        at = next_due(wanted, after)
        assert after < at <= after + timedelta(days=33)
        day = at.astimezone(wanted.zone).date()
        assert wanted.has(day)
        days.append(day)
        after = at
    assert len(set(days)) == len(days)


@given(RULES, MOMENTS, st.integers(0, 100))
def test_the_latest_is_the_last_before_the_next(wanted: Rule, began: datetime, days: int) -> None:
    """Between the latest one and now there is no other."""
    first = next_due(wanted, began)
    now = first + timedelta(days=days)
    day, latest = latest_due(wanted, first, now)
    assert wanted.has(day)
    assert first <= latest <= now < next_due(wanted, latest)
