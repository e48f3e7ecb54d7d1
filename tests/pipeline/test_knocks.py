"""Terminals that were not let in, and how often one may ask."""

import pytest
from structlog.testing import capture_logs

from server.clock import ManualClock
from server.errors import TooMany
from server.pipeline.knocks import MOST_ASKED, MOST_KNOCKS, SAID_EVERY_S, WINDOW_S, Knocks


def test_the_newest_are_kept_and_counted(clock: ManualClock) -> None:
    """A bounded list: of too many the oldest goes."""
    knocks = Knocks()
    for number in range(MOST_KNOCKS + 5):
        knocks.note(f"S{number}", "192.0.2.1", "push 2.4.1", "unknown", clock)
    knocks.note("S10", "192.0.2.9", "", "unknown", clock)
    found = knocks.all()
    assert len(found) == MOST_KNOCKS
    assert (found[0].serial_number, found[0].count, found[0].address) == ("S10", 2, "192.0.2.9")
    assert found[0].firmware == "push 2.4.1"
    knocks.forget("S10")
    assert "S10" not in {one.serial_number for one in knocks.all()}


def test_one_line_of_the_log_a_minute(clock: ManualClock) -> None:
    """However many knock; the next says how many were not said."""
    knocks = Knocks()
    with capture_logs() as logs:
        for number in range(20):
            knocks.note(f"S{number}", "192.0.2.1", "", "unknown", clock)
        clock.advance(SAID_EVERY_S)
        knocks.note("S0", "192.0.2.1", "", "address", clock)
    assert [(log["event"], log["reason"], log["unsaid"]) for log in logs] == [
        ("terminal_refused", "unknown", 0), ("terminal_refused", "address", 19),
    ]  # fmt: skip


def test_who_asks_without_end_waits(clock: ManualClock) -> None:
    """One terminal, not the others; after the window it may ask again."""
    knocks = Knocks()
    for _ in range(MOST_ASKED):
        knocks.pace("t1", clock)
    with pytest.raises(TooMany) as refused:
        knocks.pace("t1", clock)
    assert 0 < refused.value.retry_after_s <= WINDOW_S + 1
    knocks.pace("t2", clock)
    clock.advance(WINDOW_S)
    knocks.pace("t1", clock)
