"""How often something may be tried. That every kind of attempts counts alike is tested beside them."""

import pytest

from server.access.attempts import LONGEST_S, MemoryAttempts
from server.access.throttle import Throttle
from server.clock import ManualClock
from server.errors import TooMany


async def test_a_sliding_window() -> None:
    """An attempt frees its place when it is older than the window, not when a new window begins."""
    clock = ManualClock()
    throttle = Throttle(MemoryAttempts(clock), limit=2, window_s=60)
    await throttle.take("a")
    clock.advance(40)
    await throttle.take("a")
    with pytest.raises(TooMany) as caught:
        await throttle.take("a")
    assert caught.value.retry_after_s == 20
    await throttle.take("b")
    clock.advance(20)
    await throttle.take("a")
    with pytest.raises(TooMany) as caught:
        await throttle.take("a")
    assert caught.value.retry_after_s == 40


async def test_good_attempts_do_not_count() -> None:
    """What was given back or forgotten leaves nothing behind."""
    attempts = MemoryAttempts(ManualClock())
    throttle = Throttle(attempts, limit=1, window_s=60)
    for _ in range(5):
        await throttle.take("a")
        await throttle.give_back("a")
    await throttle.give_back("never")
    assert len(attempts) == 0
    await throttle.take("a")
    await throttle.forget("a")
    await throttle.forget("never")
    await throttle.take("a")


async def test_by_name() -> None:
    """Two throttles on the same attempts do not count for each other, unless they have the same name."""
    attempts = MemoryAttempts(ManualClock())
    first, other, again = (Throttle(attempts, limit=1, window_s=60, name=name) for name in ("a", "b", "a"))
    await first.take("key")
    await other.take("key")
    with pytest.raises(TooMany):
        await again.take("key")


async def test_any_key() -> None:
    """What somebody typed is not what is stored: however long, with whatever characters."""
    attempts = MemoryAttempts(ManualClock())
    throttle = Throttle(attempts, limit=1, window_s=60, name="n")
    keys = ("", "x" * 9999, "nul\0", "half \ud800", "ada@example.com")
    for key in keys:
        await throttle.take(key)
        with pytest.raises(TooMany):
            await throttle.take(key)
        assert key not in attempts
    assert len(attempts) == len(keys)


@pytest.mark.parametrize(("limit", "window_s"), [(0, 60), (1, 0), (1, LONGEST_S + 1)])
def test_what_is_no_throttle(limit: int, window_s: float) -> None:
    """Nothing through, no time, or longer than attempts are kept."""
    with pytest.raises(ValueError, match="throttle"):
        Throttle(MemoryAttempts(ManualClock()), limit=limit, window_s=window_s)
