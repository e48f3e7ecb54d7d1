"""Tickets for the WebSocket."""

from server.access.principal import Principal
from server.access.tickets import Tickets
from server.clock import ManualClock

SOMEBODY = Principal("u", "a@b.c", "A", "Viewer", frozenset(), "s", None)


def test_once_and_soon() -> None:
    """Good once, within its time."""
    clock = ManualClock()
    tickets = Tickets(clock)
    first, second = tickets.issue(SOMEBODY), tickets.issue(SOMEBODY)
    clock.advance(29)
    assert tickets.redeem(first) is SOMEBODY
    assert tickets.redeem(first) is None
    clock.advance(1)
    assert tickets.redeem(second) is None
    assert tickets.redeem("") is None


def test_bounded() -> None:
    """Beyond the bound the oldest is dropped, and those that ran out are swept."""
    clock = ManualClock()
    tickets = Tickets(clock, max_open=2)
    issued = [tickets.issue(SOMEBODY) for _ in range(3)]
    assert [tickets.redeem(ticket) for ticket in issued] == [None, SOMEBODY, SOMEBODY]
    tickets.issue(SOMEBODY)
    clock.advance(31)
    tickets.issue(SOMEBODY)
    assert len(tickets._open) == 1
