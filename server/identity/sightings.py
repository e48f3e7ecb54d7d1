"""The open sightings of one camera: one a person, extended while seen, closed once unseen for the gap."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal

import numpy as np

from server.identity.bars import Bar
from server.identity.liveness import Liveness, Shown
from server.identity.votes import Verdict
from server.vision.detections import Floats

ChangeKind = Literal["recognized", "unknown", "extended", "crossed", "judged", "closed"]
Direction = Literal["in", "out"]


@dataclass(frozen=True, slots=True)
class SightingRules:
    """How long a sighting lasts, and when two tracks of an unknown are one."""

    gap_s: Callable[[], float] = lambda: 10.0  # unseen for so long, it is over; asked each time, for it may change
    extend_every_s: float = 5.0
    same_face: float = 0.55  # the least similarity of a returning unknown's face
    overlap_s: float = 1.0  # seen at once for longer, two faces are two people


@dataclass(frozen=True, slots=True)
class SightingState:
    """One person, or an unknown, at one camera from first to last seen, with the evidence for who it is."""

    id: str
    camera_id: str
    person_id: str | None
    state: Literal["open", "closed"]
    started_at: datetime
    last_seen_at: datetime
    ended_at: datetime | None
    similarity: float | None  # mean over the agreeing votes, or the best near miss of an unknown
    best_similarity: float | None
    margin: float | None
    threshold: float | None
    votes: int
    pack: str
    track_id: int  # the latest track
    direction: Direction | None = None  # the last one in which it crossed a line or entered a zone
    shown: Shown | None = None  # whether it lives, where somebody asks; as the person that it is taken for
    bar: Bar | None = None  # what the threshold is made of
    weights: tuple[float, ...] = ()  # of the votes


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """What an unknown looked like: a unit vector, and what the best of its frames was worth (0...1)."""

    embedding: Floats
    quality: float


@dataclass(frozen=True, slots=True)
class SightingChange:
    """The resulting state; `opened` where this id appears for the first time."""

    kind: ChangeKind
    sighting: SightingState
    opened: bool = False
    face: Face | None = field(default=None, compare=False)  # of an unknown that has closed


@dataclass(slots=True, eq=False)
class OpenSighting:
    """A sighting that goes on. `face` adds up the embeddings of an unknown, to know it again."""

    state: SightingState
    told_at: datetime
    refused: set[str] = field(default_factory=set)
    face: Floats | None = None
    quality: float = 0.0  # of the best look at it
    left_flat: Shown | None = None  # what it is at its end, unless it shows something else before

    def remember(self, embedding: Floats, weight: float) -> None:
        """Add one look at the face."""
        seen = embedding * np.float32(weight)
        self.face = seen if self.face is None else self.face + seen
        self.quality = max(self.quality, weight)

    def look(self) -> Face | None:
        """All looks together, of one who has no name."""
        length = float(np.linalg.norm(self.face)) if self.face is not None else 0.0
        if self.face is None or length <= 0 or self.state.person_id is not None:
            return None
        return Face(np.asarray(self.face / np.float32(length), np.float32), min(self.quality, 1.0))


class Sightings:
    """Opens, names, extends and closes. Every change that others should hear of is returned."""

    def __init__(self, camera_id: str, pack: str, rules: SightingRules, new_id: Callable[[], str]) -> None:
        self._camera_id = camera_id
        self._pack = pack
        self._rules = rules
        self._new_id = new_id
        self._open: dict[str, OpenSighting] = {}

    def states(self) -> list[SightingState]:
        """All that are open, the oldest first."""
        return [sighting.state for sighting in self._open.values()]

    def get(self, sighting_id: str | None) -> OpenSighting | None:
        """The open sighting of that id."""
        return self._open.get(sighting_id) if sighting_id is not None else None

    def of_person(self, person_id: str) -> OpenSighting | None:
        """The one open sighting of a person."""
        return next((one for one in self._open.values() if one.state.person_id == person_id), None)

    def like(self, face: Floats | None, since: datetime) -> OpenSighting | None:
        """The unknown whose face this is, unless both were before the camera at once."""
        if face is None:
            return None
        best, best_similarity = None, self._rules.same_face
        for sighting in self._open.values():
            overlap = (sighting.state.last_seen_at - since).total_seconds()
            if sighting.state.person_id is not None or sighting.face is None or overlap > self._rules.overlap_s:
                continue
            similarity = _cosine(sighting.face, face)
            if similarity >= best_similarity:
                best, best_similarity = sighting, similarity
        return best

    def open(
        self, verdict: Verdict, track_id: int, started_at: datetime, at: datetime, direction: Direction | None = None
    ) -> SightingChange:
        """A new sighting, of the person of the verdict or of an unknown."""
        state = SightingState(
            id=self._new_id(),
            camera_id=self._camera_id,
            person_id=verdict.person_id,
            state="open",
            started_at=started_at,
            last_seen_at=at,
            ended_at=None,
            similarity=verdict.similarity,
            best_similarity=verdict.best_similarity,
            margin=verdict.margin,
            threshold=verdict.threshold,
            votes=verdict.votes,
            pack=self._pack,
            track_id=track_id,
            direction=direction,
            bar=verdict.bar,
            weights=verdict.weights,
        )
        self._open[state.id] = OpenSighting(state, at)
        return SightingChange("recognized" if verdict.person_id else "unknown", state, opened=True)

    def name(self, sighting: OpenSighting, person_id: str | None, at: datetime) -> SightingChange:
        """The same sighting, now of that person, or of nobody known."""
        sighting.state = replace(sighting.state, person_id=person_id, shown=None)
        sighting.told_at = at
        return SightingChange("recognized" if person_id else "unknown", sighting.state)

    def seen(self, sighting: OpenSighting, track_id: int, at: datetime) -> bool:
        """Go on until `at`; False where it has been over for too long to go on."""
        if self._is_over(sighting, at):
            return False
        last = max(sighting.state.last_seen_at, at)
        sighting.state = replace(sighting.state, last_seen_at=last, track_id=track_id)
        return True

    def unseen_since(self, sighting: OpenSighting, at: datetime) -> None:
        """Take back what turned out to be somebody else: it was last seen at `at`."""
        last = max(sighting.state.started_at, min(sighting.state.last_seen_at, at))
        sighting.state = replace(sighting.state, last_seen_at=last)

    def weigh(self, sighting: OpenSighting, verdict: Verdict) -> None:
        """Keep the evidence of the latest verdict, and the best of all."""
        state = sighting.state
        if verdict.similarity is None or verdict.best_similarity is None:
            return
        sighting.state = replace(
            state,
            similarity=verdict.similarity,
            best_similarity=max(state.best_similarity or -1.0, verdict.best_similarity),
            margin=verdict.margin,
            threshold=verdict.threshold,
            votes=max(state.votes, verdict.votes),
            bar=verdict.bar,
            weights=verdict.weights,
        )

    def extend(self, sighting: OpenSighting, at: datetime) -> SightingChange:
        """Say that it goes on."""
        sighting.told_at = at
        return SightingChange("extended", sighting.state)

    def cross(self, sighting: OpenSighting, direction: Direction, at: datetime) -> SightingChange:
        """It goes on, and has passed in that direction."""
        sighting.state = replace(sighting.state, direction=direction)
        sighting.told_at = at
        return SightingChange("crossed", sighting.state)

    def judge(self, sighting: OpenSighting, shown: Shown, at: datetime) -> SightingChange | None:
        """Keep what a track has shown of it; a change where that says something new. Who has shown to live, lives on,
        whatever a later track leaves open, unless the passive network speaks against it."""
        before = sighting.state.shown.liveness if sighting.state.shown else Liveness.UNSURE
        weaker = before is Liveness.LIVE and shown.liveness in (Liveness.FLAT, Liveness.FAILED)
        sighting.left_flat = Shown(Liveness.FLAT, shown.share) if shown.flat else None
        if shown.liveness is Liveness.UNSURE or weaker or (before.fake and shown.liveness is Liveness.FAILED):
            return None
        sighting.state = replace(sighting.state, shown=shown)
        if shown.liveness is before:
            return None
        sighting.told_at = at
        return SightingChange("judged", sighting.state)

    def close(self, sighting: OpenSighting) -> SightingChange:
        """Over, when it was last seen. Who left in the middle of a challenge and had stayed flat, was that."""
        del self._open[sighting.state.id]
        shown = sighting.state.shown or sighting.left_flat
        ended = replace(sighting.state, state="closed", ended_at=sighting.state.last_seen_at, shown=shown)
        return SightingChange("closed", ended, face=sighting.look())

    def close_overdue(self, at: datetime) -> list[SightingChange]:
        """Close what has been unseen for longer than the gap."""
        return [self.close(one) for one in list(self._open.values()) if self._is_over(one, at)]

    def close_all(self) -> list[SightingChange]:
        """Close everything, as when the camera stops."""
        return [self.close(one) for one in list(self._open.values())]

    def extend_due(self, at: datetime) -> list[SightingChange]:
        """Say of each that went on since it was last told of, but not more often than every so many seconds."""
        pause = timedelta(seconds=self._rules.extend_every_s)
        return [
            self.extend(one, at)
            for one in self._open.values()
            if at - one.told_at >= pause and one.state.last_seen_at > one.told_at
        ]

    def _is_over(self, sighting: OpenSighting, at: datetime) -> bool:
        return (at - sighting.state.last_seen_at).total_seconds() > self._rules.gap_s()


def _cosine(a: Floats, b: Floats) -> float:
    lengths = float(np.linalg.norm(a)) * float(np.linalg.norm(b))
    return float(a @ b) / lengths if lengths > 0 else -1.0
