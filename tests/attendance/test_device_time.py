"""When somebody checked in at a device whose clock may be wrong and whose net may have been away."""

from datetime import UTC, datetime, timedelta

import pytest

from server.attendance.device_time import KEPT_FOR, Moment, moment_of

NOW = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)


def ago(**time: float) -> datetime:
    return NOW - timedelta(**time)


def test_what_is_sent_at_once_happens_now() -> None:
    """The server's clock decides; how far the device's is off is kept beside it."""
    assert moment_of(ago(seconds=2), NOW) == Moment(NOW, -2000, kept=False)
    assert moment_of(ago(seconds=-5), NOW) == Moment(NOW, 5000, kept=False)
    assert moment_of(ago(seconds=60), NOW) == Moment(NOW, -60_000, kept=False)


@pytest.mark.parametrize("off_h", [0, 2, -3, 24 * 365])
def test_a_wrong_clock_does_no_harm_where_the_device_says_when_it_sends(off_h: int) -> None:
    """Hours ahead or behind: typed a second ago it is now, kept for 20 minutes it was 20 minutes ago."""
    off = timedelta(hours=off_h)
    at_once = moment_of(ago(seconds=1) + off, NOW, sent_at=NOW + off)
    kept = moment_of(ago(minutes=20) + off, NOW, sent_at=NOW + off)
    assert isinstance(at_once, Moment)
    assert (at_once.at, at_once.kept) == (NOW, False)
    assert isinstance(kept, Moment)
    assert (kept.at, kept.kept) == (ago(minutes=20), True)
    assert at_once.offset_ms == kept.offset_ms == min(off_h * 3_600_000, 2**31 - 1)


def test_without_it_the_known_offset_counts() -> None:
    """A device that was two hours ahead before still is."""
    two_h = 2 * 3_600_000
    ahead = timedelta(hours=2)
    assert moment_of(NOW + ahead, NOW, known_offset_ms=two_h) == Moment(NOW, two_h, kept=False)
    assert moment_of(ago(minutes=30) + ahead, NOW, known_offset_ms=two_h) == Moment(ago(minutes=30), two_h, kept=True)
    assert moment_of(ago(minutes=30), NOW) == Moment(ago(minutes=30), 0, kept=True)


def test_what_cannot_be_is_refused() -> None:
    """Still to come, or kept for longer than a week."""
    assert moment_of(ago(minutes=-2), NOW) == "in_the_future"
    assert moment_of(ago(minutes=-2), NOW, sent_at=NOW) == "in_the_future"
    assert moment_of(NOW - KEPT_FOR, NOW) == Moment(NOW - KEPT_FOR, 0, kept=True)
    assert moment_of(NOW - KEPT_FOR - timedelta(seconds=1), NOW) == "too_long_ago"


def test_the_end_of_the_calendar() -> None:
    """No time that a client can send is an error of ours."""
    first, last = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    assert moment_of(first, NOW) == "too_long_ago"
    assert moment_of(last, NOW) == "in_the_future"
    assert moment_of(first, NOW, sent_at=last) == "too_long_ago"
    assert moment_of(last, NOW, sent_at=first) == "in_the_future"
