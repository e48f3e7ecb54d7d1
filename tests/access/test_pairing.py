"""Pairing codes."""

import pytest

from server.access.pairing import MAX_OPEN, Pairings
from server.clock import ManualClock
from server.errors import Invalid, TooMany


def test_six_digits() -> None:
    """As they are typed: with spaces or without."""
    pairings = Pairings(ManualClock())
    for number in range(50):
        issued = pairings.issue(f"k{number}")
        assert len(issued.code) == 6
        assert issued.code.isdigit()
        assert pairings.redeem(f" {issued.code[:3]} {issued.code[3:]} ", "a") == f"k{number}"


def test_guessing_from_one_address() -> None:
    """After ten wrong codes an address waits, and others do not."""
    clock = ManualClock()
    pairings = Pairings(clock)
    issued = pairings.issue("k")
    for _ in range(10):
        with pytest.raises(Invalid):
            pairings.redeem("none", "a")
    with pytest.raises(TooMany):
        pairings.redeem(issued.code, "a")
    assert pairings.redeem(issued.code, "b") == "k"


def test_guessing_from_many_addresses() -> None:
    """All together have 300 guesses at a million codes in the life of one."""
    clock = ManualClock()
    pairings = Pairings(clock)
    issued = pairings.issue("k")
    for number in range(300):
        with pytest.raises(Invalid):
            pairings.redeem("none", str(number))
    with pytest.raises(TooMany):
        pairings.redeem(issued.code, "fresh")
    clock.advance(600)
    assert pairings.redeem(pairings.issue("k").code, "fresh") == "k"


def test_bounded() -> None:
    """Beyond a thousand open codes the oldest is dropped."""
    pairings = Pairings(ManualClock())
    first = pairings.issue("first")
    for number in range(MAX_OPEN):
        last = pairings.issue(str(number))
    with pytest.raises(Invalid):
        pairings.redeem(first.code, "a")
    assert pairings.redeem(last.code, "a") == str(MAX_OPEN - 1)
