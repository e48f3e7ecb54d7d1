"""Kinds: when a schedule comes round, and what people are told of an error."""

from datetime import UTC, datetime, timedelta

import pytest

from server.errors import Invalid, Unavailable
from server.jobs.kinds import LONGEST_ERROR, Every, TimeLimit, reason_of

NIGHTLY = Every(timedelta(days=1), at=timedelta(hours=3, minutes=20))


@pytest.mark.parametrize(
    ("now", "slot"),
    [
        ("2026-01-05T03:20:00", "2026-01-05T03:20:00"),
        ("2026-01-05T03:19:59", "2026-01-04T03:20:00"),
        ("2026-01-05T23:59:59", "2026-01-05T03:20:00"),
        ("2026-03-29T12:00:00", "2026-03-29T03:20:00"),
    ],
)
def test_the_newest_moment_that_has_come(now: str, slot: str) -> None:
    """What was missed before it is one with it."""
    moment = datetime.fromisoformat(now).replace(tzinfo=UTC)
    assert NIGHTLY.slot(moment) == datetime.fromisoformat(slot).replace(tzinfo=UTC)


def test_moments_of_an_hour() -> None:
    """They count from midnight UTC."""
    now = datetime(2026, 1, 5, 7, 44, tzinfo=UTC)
    assert Every(timedelta(hours=2)).slot(now) == datetime(2026, 1, 5, 6, tzinfo=UTC)
    assert Every(timedelta(minutes=15)).slot(now) == datetime(2026, 1, 5, 7, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (Invalid.field("to", "too_much", "Choose a shorter time."), "Choose a shorter time."),
        (Unavailable("The storage\ndoes not answer."), "The storage does not answer."),
        (TimeLimit(), "It took longer than 90 s."),
        (OSError("no space\n  left"), "OSError: no space left"),
        (KeyError("x"), "KeyError: 'x'"),
        (ValueError("rtsp://admin:hunter2@10.0.0.9/1"), "ValueError: rtsp://admin:***@10.0.0.9/1"),
    ],
)
def test_an_error_is_one_line_without_secrets(error: Exception, told: str) -> None:
    """Ours as it is, others with the name of their kind."""
    assert reason_of(error, 90) == told


def test_an_endless_error_is_cut() -> None:
    """It has a column of limited width."""
    told = reason_of(ValueError("x y " * 500), 90)
    assert len(told) == LONGEST_ERROR
    assert told.endswith("…")
