"""Before a kiosk somebody is asked for three things in turn, and lives when the same person has done all of them."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from server.clock import ManualClock
from server.identity.challenge import Challenge, Step
from server.identity.liveness import Liveness, LivenessJudge
from server.identity.resolver import Identity
from server.identity.votes import IdentityState
from server.parts import Parts
from server.pipeline import challenges
from server.pipeline.analyse import SeenFace
from server.pipeline.challenges import Challenges
from server.store.tables import Camera
from server.vision.detections import Floats
from server.vision.tracker import Track
from tests.identity.test_challenge import DOES, view
from tests.pipeline.conftest import add_kiosk, events_of

AT = datetime(2026, 3, 2, 8, tzinfo=UTC)
ORDER = [Step.TURN_LEFT, Step.COME_CLOSER, Step.TURN_RIGHT]


class Screen:
    def __init__(self, *, there: bool = True) -> None:
        self.there = there
        self.told: list[str] = []
        self.steps: list[object] = []

    async def has_kiosks(self, camera_id: str) -> bool:
        return self.there

    async def tell_kiosks(self, camera_id: str, data: dict[str, object], at: datetime) -> None:
        self.told.append(str(data["hint"]))
        self.steps.append(data.get("step"))


class Door:
    """One face before the camera, five frames a second, recognised in every other one."""

    def __init__(self, *, there: bool = True, order: Sequence[Step] = tuple(ORDER)) -> None:
        self.judge, self.screen = LivenessJudge(), Screen(there=there)
        self.challenges = Challenges(
            "c", self.judge, self.screen, make=lambda at_s: Challenge(at_s, order=lambda: order)
        )
        self.frames = 0

    async def show(self, views: Sequence[Floats], voted: str | None = "ada", named: str = "ada") -> None:
        for landmarks in views:
            now_s = self.frames / 5
            await self.challenges.look(now_s)
            self.judge.saw(1, landmarks, now_s)
            if self.frames % 2 == 0:
                self.judge.voted(1, voted, now_s)
            await self.challenges.saw([face(1, landmarks, now_s, named)], AT + timedelta(seconds=now_s), now_s)
            self.frames += 1

    @property
    def liveness(self) -> Liveness:
        return self.judge.shown_by(1)[1].liveness


def face(number: int, landmarks: Floats, at_s: float, person_id: str | None) -> SeenFace:
    low, high = landmarks.min(axis=0) - 20, landmarks.max(axis=0) + 20
    track = Track(number, np.concatenate([low, high]).astype(np.float32), landmarks, 0.9, 5, 0, 0.0, at_s, True)
    state = IdentityState.RECOGNIZED if person_id else IdentityState.UNKNOWN
    return SeenFace(track, Identity(state, person_id))


REST = [view()] * 5


async def test_all_three_make_a_living_face() -> None:
    """Each is asked when the one before is done."""
    door = Door()
    await door.show(REST)
    for step in ORDER:
        assert door.liveness is Liveness.UNSURE
        await door.show(DOES[step])
    await door.show(REST)
    assert door.liveness is Liveness.LIVE
    assert door.screen.told == ["turn_left", "come_closer", "turn_right"]
    assert door.screen.steps == [1, 2, 3]


async def test_who_takes_time_to_come_closer_is_no_picture() -> None:
    """Coming closer while looking ahead is what a picture does too: the turn that is asked next tells."""
    door = Door(order=[Step.COME_CLOSER, Step.TURN_LEFT, Step.TURN_RIGHT])
    await door.show(REST * 4 + [view(near=1.23)] * 15)
    assert not door.liveness.known
    for step in (Step.COME_CLOSER, Step.TURN_LEFT, Step.TURN_RIGHT):
        await door.show(DOES[step])
    await door.show(REST)
    assert door.liveness is Liveness.LIVE
    assert door.screen.told == ["come_closer", "turn_left", "turn_right"]


async def test_a_picture_that_fails_is_a_picture() -> None:
    """It is asked as often as a face, and refused as what it is."""
    door = Door()
    for _ in range(6):
        await door.show([view(near=1 + step / 50) for step in range(15)] + REST * 3)
    assert door.screen.told[-1] == "ask_at_desk"
    assert door.liveness is Liveness.FLAT


async def test_a_turn_alone_is_enough_where_there_is_no_kiosk() -> None:
    """Nobody could be asked."""
    door = Door(there=False)
    await door.show(REST + [view(yaw) for yaw in (10, 25, 30, 10, -10, -25, -30, -10)] * 3)
    assert door.liveness is Liveness.LIVE
    assert door.screen.told == []


async def test_after_three_failures_it_is_over() -> None:
    """For this track; between two tries there is a pause."""
    door = Door()
    await door.show(REST)
    for _ in range(3):
        await door.show([*DOES[Step.TURN_RIGHT], *REST * 3])
    await door.show(REST * 4)
    assert door.screen.told == ["turn_left", "try_again", "turn_left", "try_again", "turn_left", "ask_at_desk"]
    assert door.liveness is Liveness.FAILED


async def test_where_the_kiosk_is_gone_a_turn_is_enough_again() -> None:
    """Having failed says nothing about whom nobody asks."""
    door = Door()
    await door.show(REST)
    for _ in range(3):
        await door.show([*DOES[Step.TURN_RIGHT], *REST * 3])
    assert door.liveness is Liveness.FAILED
    door.judge.needs_challenge = False
    assert door.liveness is not Liveness.FAILED


async def test_somebody_elses_turn_does_not_count() -> None:
    """The track keeps its name for a while, but what is seen is not like the person: the try has failed."""
    door = Door()
    await door.show(REST)
    await door.show([*DOES[Step.TURN_LEFT], *DOES[Step.COME_CLOSER]], voted=None)
    assert door.screen.told[-1] == "try_again"
    assert door.liveness is Liveness.UNSURE


async def test_who_leaves_is_asked_no_more() -> None:
    """And the next one is asked from the beginning."""
    door = Door()
    await door.show(REST)
    await door.show(DOES[Step.TURN_LEFT])
    await door.challenges.saw([], AT, door.frames / 5)
    await door.show(REST)
    assert door.screen.told == ["turn_left", "come_closer", "turn_left"]


async def test_the_screen_hears_of_it(parts: Parts, camera: Camera, clock: ManualClock) -> None:
    """As a durable event of each kiosk of the camera, with what it needs and nothing else."""
    assert not await parts.recorder.has_kiosks(camera.id)
    kiosk = await add_kiosk(parts, camera)
    assert await parts.recorder.has_kiosks(camera.id)
    await parts.recorder.tell_kiosks(camera.id, {"at": "now", "hint": "turn_left", "step": 1}, clock.now())
    [(kind, data)] = await events_of(parts, f"kiosks/{kiosk.id}")
    assert kind == "kiosk.challenge"
    assert data == {"kioskId": kiosk.id, "at": "now", "hint": "turn_left", "step": 1}


async def test_nobody_fails_what_the_screen_could_not_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long the database is away, no try is counted; once it is back the challenge begins."""
    door = Door()
    with monkeypatch.context() as patched:

        async def fails(*_arguments: object) -> None:
            raise OSError("away")

        patched.setattr(door.screen, "tell_kiosks", fails)
        await door.show(REST * 60)
    assert not door.liveness.known
    await door.show(REST * 3)
    for step in ORDER:
        await door.show(DOES[step])
    await door.show(REST)
    assert door.liveness is Liveness.LIVE
    assert door.screen.told == ["turn_left", "come_closer", "turn_right"]


async def test_a_step_that_could_not_be_asked_begins_the_try_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """The database goes away in the middle: that is none of the three tries."""
    door = Door()
    await door.show(REST)
    with monkeypatch.context() as patched:

        async def fails(*_arguments: object) -> None:
            raise OSError("away")

        patched.setattr(door.screen, "tell_kiosks", fails)
        await door.show([*DOES[Step.TURN_LEFT], *REST * 30])
    await door.show(REST * 3)
    for _ in range(2):
        await door.show([*DOES[Step.TURN_RIGHT], *REST * 3])
    assert door.screen.told == ["turn_left", "turn_left", "try_again", "turn_left", "try_again", "turn_left"]
    assert door.liveness is Liveness.UNSURE


async def test_a_database_that_hangs_holds_up_no_camera(monkeypatch: pytest.MonkeyPatch) -> None:
    """A word to the screen is waited for a moment: whoever walks past meanwhile is to be seen."""
    monkeypatch.setattr(challenges, "TOLD_WITHIN_S", 0.05)
    door = Door()

    async def hangs(*_arguments: object) -> bool:
        await asyncio.sleep(60)
        return True

    monkeypatch.setattr(door.screen, "tell_kiosks", hangs)
    monkeypatch.setattr(door.screen, "has_kiosks", hangs)
    async with asyncio.timeout(10):
        await door.show(REST)
    monkeypatch.undo()
    door.challenges._look_s = float("-inf")
    await door.show(REST)
    for step in ORDER:
        await door.show(DOES[step])
    await door.show(REST)
    assert door.liveness is Liveness.LIVE
