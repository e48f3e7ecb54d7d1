"""Ids: UUIDs of version 7, which sort by the time they were made."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from uuid import RFC_4122, UUID

from server.clock import SystemClock
from server.ids import new_id


def _made_at(one: str) -> datetime:
    """The first 48 bits: milliseconds since 1970."""
    return datetime.fromtimestamp((UUID(one).int >> 80) / 1000, UTC)


def test_version_and_variant() -> None:
    """36 characters in lower case, of version 7 in the variant of RFC 9562."""
    one = new_id()
    assert one == str(UUID(one))
    assert len(one) == 36
    assert (UUID(one).version, UUID(one).variant) == (7, RFC_4122)


def test_they_ascend_within_a_millisecond_too() -> None:
    """In one process each is greater than the one before, as text, and none comes twice."""
    made = [new_id() for _ in range(20_000)]
    assert made == sorted(set(made))
    [(_, most)] = Counter(_made_at(one) for one in made).most_common(1)
    assert most > 1, "some were made within the same millisecond"


def test_the_time_in_it_is_now() -> None:
    """To the second, whoever reads it."""
    assert abs(_made_at(new_id()) - SystemClock().now()) < timedelta(seconds=1)
