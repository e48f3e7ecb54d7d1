"""Challenges before the kiosks of one camera: who is asked for what, and what the screens are told of it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import structlog
from sqlalchemy.exc import SQLAlchemyError

from server.identity.challenge import Challenge, Outcome
from server.identity.liveness import LivenessJudge
from server.identity.votes import IdentityState
from server.pipeline.analyse import SeenFace
from server.vision.detections import Floats
from server.wire import rfc3339

TRIES = 3
RETRY_S = 2.0
TOLD_WITHIN_S = 2.0  # meanwhile the camera sees nobody
LOOK_S = 5.0  # a kiosk that was added counts so soon
AGAIN_HINT = "try_again"
GIVEN_UP_HINT = "ask_at_desk"


class Screens(Protocol):
    """The kiosks of the camera."""

    async def has_kiosks(self, camera_id: str) -> bool: ...

    async def tell_kiosks(self, camera_id: str, data: dict[str, object], at: datetime) -> None:
        """`kiosk.challenge` with this data, on every one of them."""


@dataclass(slots=True, eq=False)
class _Asked:
    track_id: int
    person_id: str
    challenge: Challenge
    tries: int = 1
    votes: int = 0  # when the step was asked
    done: bool = False  # only to be seen once more as the same person
    again_s: float | None = None  # when it failed or could not be asked: not before


class Challenges:
    """One person at a time, the nearest: the screen speaks to one. Without kiosks there is nobody to ask."""

    def __init__(
        self, camera_id: str, judge: LivenessJudge, screens: Screens, *, make: Callable[[float], Challenge] = Challenge
    ) -> None:
        self._camera_id = camera_id
        self._judge = judge
        self._screens = screens
        self._make = make
        self._asked: _Asked | None = None
        self._given_up: set[tuple[int, str]] = set()  # of tracks that are there
        self._look_s = float("-inf")

    async def look(self, now_s: float) -> None:
        """Before a frame: whether there are kiosks, and so whether a turn of the head is enough."""
        if now_s - self._look_s >= LOOK_S:
            self._look_s = now_s
            async with _away():
                self._judge.needs_challenge = await self._screens.has_kiosks(self._camera_id)

    async def saw(self, faces: Sequence[SeenFace], at: datetime, now_s: float) -> None:
        """After a frame: goes on with whom it asks, or asks the next."""
        if not self._judge.needs_challenge:
            self._asked = None
            return
        self._given_up = {one for one in self._given_up if any(face.track.id == one[0] for face in faces)}
        if self._asked is not None and not self._still_there(self._asked, faces):
            self._asked = None
        if self._asked is None:
            self._asked = self._next(faces, now_s)
            if self._asked is not None:
                await self._ask(self._asked, at, now_s)
            return
        landmarks = next(face.track.landmarks for face in faces if face.track.id == self._asked.track_id)
        await self._go_on(self._asked, landmarks, at, now_s)

    async def _go_on(self, asked: _Asked, landmarks: Floats, at: datetime, now_s: float) -> None:
        if asked.again_s is not None:
            if now_s >= asked.again_s:
                asked.challenge, asked.again_s, asked.done = self._make(now_s), None, False
                await self._ask(asked, at, now_s)
            return
        votes = self._judge.votes_for(asked.track_id, asked.person_id)
        if votes is None:  # somebody else's face, perhaps: what it does is not done by the person
            await self._fail(asked, at, now_s)
            return
        if asked.done:
            if votes > asked.votes:
                self._judge.passed(asked.track_id, asked.person_id)
                self._asked = None
            return
        match asked.challenge.saw(landmarks, now_s):
            case Outcome.FAILED:
                await self._fail(asked, at, now_s)
            case Outcome.NEXT:
                await self._ask(asked, at, now_s)
            case Outcome.PASSED:
                asked.done, asked.votes = True, votes

    async def _fail(self, asked: _Asked, at: datetime, now_s: float) -> None:
        if asked.tries >= TRIES:
            self._given_up.add((asked.track_id, asked.person_id))
            self._judge.failed(asked.track_id, asked.person_id)
            self._asked = None
            await self._tell(at, GIVEN_UP_HINT)
            return
        asked.tries += 1
        asked.again_s = now_s + RETRY_S
        await self._tell(at, AGAIN_HINT)

    async def _ask(self, asked: _Asked, at: datetime, now_s: float) -> None:
        step, of = asked.challenge.place
        deadline = at + timedelta(seconds=asked.challenge.deadline_s - now_s)
        if not await self._tell(at, asked.challenge.step.value, step=step, of=of, deadline=rfc3339(deadline)):
            asked.again_s = now_s + RETRY_S  # nobody fails what nobody was asked: it is no try, and has no deadline

    async def _tell(self, at: datetime, hint: str, **more: object) -> bool:
        """Whether the screens will show it."""
        async with _away():
            await self._screens.tell_kiosks(self._camera_id, {"at": rfc3339(at), "hint": hint, **more}, at)
            return True
        return False

    def _still_there(self, asked: _Asked, faces: Sequence[SeenFace]) -> bool:
        return any(
            face.track.id == asked.track_id and face.identity.person_id == asked.person_id and not face.fake
            for face in faces
        )

    def _next(self, faces: Sequence[SeenFace], now_s: float) -> _Asked | None:
        """The largest face that has a name, does not live yet, and has not failed too often."""
        waiting = [face for face in faces if self._waits(face)]
        if not waiting:
            return None
        nearest = max(waiting, key=lambda face: float(face.track.box[2] - face.track.box[0]))
        return _Asked(nearest.track.id, nearest.identity.person_id or "", self._make(now_s))

    def _waits(self, face: SeenFace) -> bool:
        person_id = face.identity.person_id
        if face.identity.state is not IdentityState.RECOGNIZED or person_id is None or face.fake:
            return False
        shown = self._judge.shown_by(face.track.id)
        return (
            shown[0] == person_id and not shown[1].liveness.known and (face.track.id, person_id) not in self._given_up
        )


@asynccontextmanager
async def _away() -> AsyncIterator[None]:
    """A database that is away or hangs costs a word on the screen, which is said later."""
    try:
        async with asyncio.timeout(TOLD_WITHIN_S):
            yield
    except (SQLAlchemyError, OSError) as error:
        structlog.get_logger(__name__).warning("kiosk_not_told", reason=type(error).__name__)
