"""One that does not answer is left alone, for longer each time, until somebody's try is answered."""

import pytest

from server.clock import ManualClock
from server.objects.rest import Rest


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def rest(clock: ManualClock) -> Rest:
    return Rest(clock, first_s=4, cap_s=16, try_s=10)


def began(rest: Rest) -> int:
    begun = rest.begin()
    assert begun is not None
    return begun


def test_all_may_ask_while_it_answers(rest: Rest) -> None:
    """At the same time, as often as they like."""
    assert [rest.begin() for _ in range(3)] == [0, 0, 0]
    rest.answered()
    assert rest.begin() is not None


def test_after_a_silence_nobody_asks_for_a_while(rest: Rest, clock: ManualClock) -> None:
    """Then one tries, and the others wait for what comes of it."""
    rest.silent(began(rest))
    assert rest.begin() is None
    clock.advance(4)
    began(rest)
    assert rest.begin() is None
    rest.answered()
    assert [rest.begin() is None for _ in range(3)] == [False, False, False]


def test_a_try_that_was_given_up_keeps_nobody_waiting_for_ever(rest: Rest, clock: ManualClock) -> None:
    """Whoever tried was cancelled and told nothing: after the time of a try it is the next one's turn."""
    rest.silent(began(rest))
    clock.advance(4)
    began(rest)
    clock.advance(9)
    assert rest.begin() is None
    clock.advance(1)
    began(rest)


def test_silences_that_began_together_are_one(rest: Rest, clock: ManualClock) -> None:
    """Twelve cameras that waited together do not make the pause twelve times as long."""
    together = [began(rest) for _ in range(12)]
    for begun in together:
        rest.silent(begun)
    clock.advance(4)
    began(rest)


def test_pauses_grow_up_to_their_limit(rest: Rest, clock: ManualClock) -> None:
    """By about twice each time, and begin small again after an answer."""
    pauses = []
    for _ in range(6):
        rest.silent(began(rest))
        waited = 0.0
        while rest.begin() is None:
            clock.advance(0.5)
            waited += 0.5
        pauses.append(waited)
        clock.advance(10)
    assert pauses[0] <= 4
    assert max(pauses) <= 16
    assert min(pauses[3:]) >= 8
    rest.answered()
    rest.silent(began(rest))
    clock.advance(4)
    began(rest)


def test_a_rest_can_be_ended(rest: Rest) -> None:
    """By whoever wants to know how it is now."""
    rest.silent(began(rest))
    rest.end()
    began(rest)
