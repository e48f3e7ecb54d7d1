"""A challenge is passed by doing what was asked, in its order and in time, and by nothing else."""

from collections.abc import Sequence
from itertools import permutations

import numpy as np
import pytest

from server.identity.challenge import Challenge, Outcome, Step, shuffled
from server.vision.detections import Floats
from server.vision.quality import HEAD

LEFT, RIGHT, CLOSER = Step.TURN_LEFT, Step.TURN_RIGHT, Step.COME_CLOSER


def view(yaw_deg: float = 0.0, near: float = 1.0) -> Floats:
    """A head that is turned to its own left by so many degrees, in an unmirrored picture."""
    yaw = np.radians(yaw_deg)
    points = np.asarray(HEAD, np.float64)
    x = points[:, 0] * np.cos(yaw) + points[:, 2] * np.sin(yaw)
    return np.column_stack([x * near + 320, points[:, 1] * near + 240]).astype(np.float32)


DOES: dict[Step, Sequence[Floats]] = {
    LEFT: [view(yaw) for yaw in (10, 22, 30, 30, 20, 8, 0)],
    RIGHT: [view(-yaw) for yaw in (10, 22, 30, 30, 20, 8, 0)],
    CLOSER: [view(near=near) for near in (1.1, 1.25, 1.3, 1.35, 1.3)],
}


def play(order: Sequence[Step], done: Sequence[Step], every_s: float = 0.2) -> list[Outcome]:
    """Three views at rest, and then what was done; the outcomes that say something, until it is over."""
    challenge = Challenge(0.0, order=lambda: order)
    told: list[Outcome] = []
    views = [view()] * 3 + [one for step in done for one in DOES[step]]
    for number, one in enumerate(views):
        outcome = challenge.saw(one, number * every_s)
        if outcome is not Outcome.GOING_ON:
            told.append(outcome)
        if outcome in (Outcome.PASSED, Outcome.FAILED):
            break
    return told


@pytest.mark.parametrize("order", list(permutations(Step)))
def test_what_was_asked_passes(order: Sequence[Step]) -> None:
    """In every order; also where the head is still turned when the other side is asked for."""
    assert play(order, order) == [Outcome.NEXT, Outcome.NEXT, Outcome.PASSED]


def test_the_other_side_fails() -> None:
    """A film that turns the wrong way first is found out."""
    assert play([LEFT, RIGHT, CLOSER], [RIGHT]) == [Outcome.FAILED]
    assert play([RIGHT, CLOSER, LEFT], [LEFT]) == [Outcome.FAILED]
    assert play([CLOSER, RIGHT, LEFT], [CLOSER, LEFT]) == [Outcome.NEXT, Outcome.FAILED]


def test_who_does_nothing_fails_in_the_end() -> None:
    """Each step has a time of its own."""
    challenge = Challenge(0.0, order=lambda: [LEFT, RIGHT, CLOSER])
    outcomes = [challenge.saw(view(), number * 0.2) for number in range(60)]
    assert outcomes.index(Outcome.FAILED) == 41
    challenge = Challenge(0.0, order=lambda: [LEFT, RIGHT, CLOSER])
    for number, one in enumerate([view()] * 3 + list(DOES[LEFT])):
        challenge.saw(one, 5 + number * 0.2)
    assert challenge.step is RIGHT
    assert challenge.place == (2, 3)
    assert challenge.saw(view(), 13.5) is Outcome.GOING_ON
    assert challenge.saw(view(), 14.5) is Outcome.FAILED


def test_a_flat_picture_does_nothing_of_it() -> None:
    """Squeezed by a tilt, it does not turn; near to the camera it is closer, and that is only one of three."""
    challenge = Challenge(0.0, order=lambda: [CLOSER, LEFT, RIGHT])
    told = []
    for number in range(30):
        squeezed = view(near=1.4 if number > 5 else 1.0) * np.array([0.7 if number > 8 else 1.0, 1.0], np.float32)
        told.append(challenge.saw(squeezed.astype(np.float32), number * 0.2))
    assert [one for one in told if one is not Outcome.GOING_ON] == [Outcome.NEXT]


def test_a_single_wrong_view_counts_for_nothing() -> None:
    """Nor do landmarks that make no face."""
    challenge = Challenge(0.0, order=lambda: [LEFT, RIGHT, CLOSER])
    for number in range(20):
        one = view(-40) if number % 4 == 3 else view(40) if number % 4 == 1 and number > 3 else view()
        assert challenge.saw(one, number * 0.2) is Outcome.GOING_ON
    assert challenge.saw(np.zeros((5, 2), np.float32), 4.2) is Outcome.GOING_ON


def test_every_step_is_asked_once_in_an_order_of_chance() -> None:
    """Sixty times: every order comes."""
    orders = {tuple(shuffled()) for _ in range(200)}
    assert orders == set(permutations(Step))
