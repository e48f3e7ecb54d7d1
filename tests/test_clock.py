"""Clocks: aware UTC, and one that stands still."""

from datetime import UTC, timedelta

from server.clock import ManualClock, SystemClock


def test_system_clock_is_aware_and_monotonic() -> None:
    """The time of day carries its zone; the monotonic reading does not go back."""
    clock = SystemClock()
    assert clock.now().tzinfo is UTC
    assert clock.monotonic() <= clock.monotonic()


def test_manual_clock_moves_both_readings() -> None:
    """Advancing moves what is recorded and what is measured alike."""
    clock = ManualClock()
    at, monotonic = clock.now(), clock.monotonic()
    clock.advance(2.5)
    assert clock.now() - at == timedelta(seconds=2.5)
    assert clock.monotonic() - monotonic == 2.5
