"""An active challenge: what somebody before a kiosk is asked to do, in an order that nobody knows before. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import SystemRandom
from statistics import median

import numpy as np

from server.vision.detections import Floats
from server.vision.flatness import nose_place


class Step(StrEnum):
    """As the person hears it: to their own left, which is the right of an unmirrored picture."""

    TURN_LEFT = "turn_left"
    TURN_RIGHT = "turn_right"
    COME_CLOSER = "come_closer"


class Outcome(StrEnum):
    GOING_ON = "going_on"
    NEXT = "next"  # a step was done, another is asked
    PASSED = "passed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class ChallengeLimits:
    """`turned` is how far the nose moves among the other landmarks, in eye distances: 0.14 is about 18 degrees."""

    step_s: float = 8.0
    rest_views: int = 3  # that say how the face looks before anything is asked
    turned: float = 0.14
    grown: float = 1.25
    views: int = 2  # in a row that show it


def shuffled() -> list[Step]:
    return SystemRandom().sample(list(Step), len(Step))


class Challenge:
    """One face. Turning the other way than was asked fails, and so does taking too long."""

    def __init__(
        self, at_s: float, limits: ChallengeLimits | None = None, *, order: Callable[[], Sequence[Step]] = shuffled
    ) -> None:
        self._limits = limits or ChallengeLimits()
        self._steps = list(order())
        self._done = 0
        self._rest: list[tuple[float, float]] = []  # place of the nose, size
        self._right = self._wrong = 0  # views in a row, as asked and the other way
        self._back = True
        self.deadline_s = at_s + self._limits.step_s

    @property
    def step(self) -> Step:
        """What is asked now; the last one once it is over."""
        return self._steps[min(self._done, len(self._steps) - 1)]

    @property
    def place(self) -> tuple[int, int]:
        """The how-manieth of how many, from 1."""
        return min(self._done + 1, len(self._steps)), len(self._steps)

    def saw(self, landmarks: Floats, at_s: float) -> Outcome:
        """A view of the face in pixels, in the order of the pictures."""
        if at_s > self.deadline_s:
            return Outcome.FAILED
        points = np.asarray(landmarks, np.float64)
        nose = nose_place(points)
        if nose is None:
            return Outcome.GOING_ON
        # From the eyes to the mouth: a turn does not make it smaller.
        down = points[3:].mean(axis=0) - points[:2].mean(axis=0)
        place, size = float(nose[0]), float(np.linalg.norm(down))
        if len(self._rest) < self._limits.rest_views:
            self._rest.append((place, size))
            return Outcome.GOING_ON
        return self._judge(place - median(one for one, _ in self._rest), size / self._usual_size(), at_s)

    def _usual_size(self) -> float:
        return max(median(size for _, size in self._rest), 1e-6)

    def _judge(self, turned: float, grown: float, at_s: float) -> Outcome:
        limits, step = self._limits, self.step
        towards = {Step.TURN_LEFT: turned, Step.TURN_RIGHT: -turned}.get(step)
        as_asked = grown >= limits.grown if towards is None else towards >= limits.turned
        wrongly = towards is not None and towards <= -limits.turned
        # Just after the step before, the head may still be on the other side: it has to come back before that counts.
        self._back = self._back or not wrongly
        self._right = self._right + 1 if as_asked else 0
        self._wrong = self._wrong + 1 if wrongly and self._back else 0
        if self._wrong >= limits.views:
            return Outcome.FAILED
        if self._right < limits.views:
            return Outcome.GOING_ON
        self._done += 1
        self._right = self._wrong = 0
        self._back = False
        self.deadline_s = at_s + limits.step_s
        return Outcome.PASSED if self._done == len(self._steps) else Outcome.NEXT
