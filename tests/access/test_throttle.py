"""How often something may be tried."""

import pytest

from server.access.throttle import Throttle
from server.clock import ManualClock
from server.errors import TooMany


def test_a_sliding_window() -> None:
    """An attempt frees its place when it is older than the window, not when a new window begins."""
    clock = ManualClock()
    throttle = Throttle(clock, limit=2, window_s=60)
    throttle.take("a")
    clock.advance(40)
    throttle.take("a")
    with pytest.raises(TooMany) as caught:
        throttle.take("a")
    assert caught.value.retry_after_s == 20
    throttle.take("b")
    clock.advance(20)
    throttle.take("a")
    with pytest.raises(TooMany) as caught:
        throttle.take("a")
    assert caught.value.retry_after_s == 40


def test_good_attempts_do_not_count() -> None:
    """What was given back or forgotten leaves nothing behind."""
    throttle = Throttle(ManualClock(), limit=1, window_s=60)
    for _ in range(5):
        throttle.take("a")
        throttle.give_back("a")
    throttle.give_back("never")
    assert len(throttle) == 0
    throttle.take("a")
    throttle.forget("a")
    throttle.forget("never")
    throttle.take("a")


def test_bounded() -> None:
    """Beyond the bound, the key unused for longest is forgotten."""
    throttle = Throttle(ManualClock(), limit=1, window_s=60, max_keys=2)
    for key in ("a", "b", "c"):
        throttle.take(key)
    assert len(throttle) == 2
    throttle.take("a")
    with pytest.raises(TooMany):
        throttle.take("c")
