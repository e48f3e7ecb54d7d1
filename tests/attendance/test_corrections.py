"""What counts after corrections."""

from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest

from server.attendance.corrections import Change, Correction, effective
from server.attendance.entry import Entry

NINE = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
FIVE = NINE + timedelta(hours=8)
LATER = datetime(2026, 3, 4, 10, 0, tzinfo=UTC)
IN, OUT = Entry("in", NINE, "in", guessed=True), Entry("out", FIVE, "out")


def correction(id: str, entry_id: str, change: Change, after: int = 0, **more: Any) -> Correction:
    return Correction(id, entry_id, change, LATER + timedelta(minutes=after), "mary", "the reader was off", **more)


REMOVE = correction("1", "in", Change.REMOVE)
EARLIER = correction("2", "in", Change.REPLACE, 1, at=NINE - timedelta(minutes=10), direction="in")
ADDED = correction("3", "new", Change.ADD, 2, at=NINE + timedelta(hours=3), direction="out")
MOVED = correction("4", "new", Change.REPLACE, 3, at=NINE + timedelta(hours=4), direction="out")


def test_without_corrections_the_facts_count() -> None:
    """By time."""
    assert effective([OUT, IN]) == [IN, OUT]


def test_an_entry_that_is_removed_does_not_count() -> None:
    """The fact itself stays where it is."""
    facts = [IN, OUT]
    assert effective(facts, [REMOVE]) == [OUT]
    assert facts == [IN, OUT]


def test_an_entry_is_replaced_under_its_own_id() -> None:
    """What somebody has said about its direction is no guess any more."""
    assert effective([IN, OUT], [EARLIER]) == [Entry("in", NINE - timedelta(minutes=10), "in"), OUT]


def test_an_entry_is_added_and_may_be_corrected_in_turn() -> None:
    """By the id that the addition has given it."""
    assert effective([IN], [ADDED]) == [IN, Entry("new", NINE + timedelta(hours=3), "out")]
    assert effective([IN], [ADDED, MOVED]) == [IN, Entry("new", NINE + timedelta(hours=4), "out")]


def test_the_newest_correction_counts_in_whichever_order_they_arrive() -> None:
    """Also one that brings back what was removed."""
    expected = [Entry("in", NINE - timedelta(minutes=10), "in"), Entry("new", NINE + timedelta(hours=4), "out"), OUT]
    for corrections in permutations([REMOVE, EARLIER, ADDED, MOVED]):
        for facts in permutations([IN, OUT]):
            assert effective(facts, corrections) == expected


def test_of_two_at_the_same_moment_the_greater_id_counts() -> None:
    """So that the answer does not hang on the order in which a database reads."""
    same = correction("9", "in", Change.REMOVE, 1)
    assert effective([IN], [EARLIER, same]) == effective([IN], [same, EARLIER]) == []


def test_a_correction_whose_entry_is_not_there_yet() -> None:
    """It changes nothing, until the entry arrives."""
    assert effective([OUT], [EARLIER]) == [OUT]
    assert effective([OUT], [MOVED]) == [OUT]


@pytest.mark.parametrize(
    ("change", "more"),
    [
        (Change.REMOVE, {"at": NINE, "direction": "in"}),
        (Change.ADD, {}),
        (Change.REPLACE, {"at": NINE}),
        (Change.REPLACE, {"direction": "in"}),
        (Change.REMOVE, {"at": NINE}),
    ],
)
def test_a_correction_says_the_whole_of_it(change: Change, more: dict[str, Any]) -> None:
    """Time and direction, or neither."""
    with pytest.raises(ValueError, match="^at:"):
        correction("1", "in", change, **more)


def test_a_correction_needs_a_reason() -> None:
    """Blanks are none."""
    with pytest.raises(ValueError, match="^reason:"):
        Correction("1", "in", Change.REMOVE, LATER, "mary", "  ")
