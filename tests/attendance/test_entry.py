"""The order of entries."""

from datetime import UTC, datetime, timedelta
from itertools import permutations

from server.attendance.entry import Entry, ordered

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def test_entries_are_ordered_by_time() -> None:
    """Those that are in order already are not copied."""
    one, two = Entry("b", NOON, "in"), Entry("a", NOON + timedelta(seconds=1), "out")
    assert ordered([two, one]) == [one, two]
    entries = [one, two]
    assert ordered(entries) is entries


def test_at_the_same_moment_the_check_out_is_first() -> None:
    """Then the smaller id; however they are read."""
    entries = [Entry("c", NOON, "out"), Entry("a", NOON, "in"), Entry("b", NOON, "in")]
    assert all(ordered(found) == entries for found in permutations(entries))
