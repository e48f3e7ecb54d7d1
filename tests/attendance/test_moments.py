"""Moments as numbers, and the clocks on the wall."""

from datetime import UTC, date, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from server.attendance.moments import HOUR, MINUTE, instant, local_day, micros, minutes, moment, offset

BERLIN = ZoneInfo("Europe/Berlin")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")


@pytest.mark.parametrize(
    "at",
    [
        datetime(2026, 3, 2, 8, 7, 30, 123456, UTC),
        datetime(1969, 12, 31, 23, 59, 59, 999999, UTC),
        datetime(2026, 3, 2, 8, 7, tzinfo=timezone(timedelta(hours=5, minutes=45))),
        datetime(2026, 10, 25, 2, 30, fold=1, tzinfo=BERLIN),
    ],
)
def test_nothing_is_lost_on_the_way(at: datetime) -> None:
    """There and back is the same moment, to the microsecond."""
    assert moment(micros(at)) == at.astimezone(UTC)


def test_minutes_are_whole_ones_that_have_passed() -> None:
    """Of a sum, and never more than there were."""
    assert [minutes(span) for span in (0, MINUTE - 1, MINUTE, 90 * MINUTE + 1)] == [0, 0, 1, 90]


@pytest.mark.parametrize(
    ("day", "clock", "zone", "expected"),
    [
        (date(2026, 3, 2), time(9), BERLIN, datetime(2026, 3, 2, 8, 0, tzinfo=UTC)),
        (date(2026, 3, 29), time(2, 30), BERLIN, datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),  # shows 03:30 then
        (date(2026, 10, 25), time(2, 30), BERLIN, datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),  # the first of both
        (date(2026, 10, 25), time(2, 30, fold=1), BERLIN, datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
        (date(2026, 10, 4), time(2, 15), LORD_HOWE, datetime(2026, 10, 3, 15, 45, tzinfo=UTC)),  # shows 02:45 then
        (date(2026, 4, 5), time(1, 45), LORD_HOWE, datetime(2026, 4, 4, 14, 45, tzinfo=UTC)),
    ],
)
def test_a_time_on_the_wall_is_one_moment(day: date, clock: time, zone: ZoneInfo, expected: datetime) -> None:
    """One that comes twice is the first; one that does not come moves forward by the gap."""
    assert moment(instant(day, clock, zone)) == expected


def test_the_date_and_the_offset_are_those_on_the_wall() -> None:
    """At half past eleven in the evening in UTC it is tomorrow in Berlin."""
    late = micros(datetime(2026, 7, 1, 23, 30, tzinfo=UTC))
    assert local_day(late, BERLIN) == date(2026, 7, 2)
    assert offset(late, BERLIN) == 2 * HOUR
    assert offset(late, LORD_HOWE) == 10 * HOUR + 30 * MINUTE
    assert offset(late, ZoneInfo("America/New_York")) == -4 * HOUR
