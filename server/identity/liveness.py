"""Whether the faces of one camera's tracks live, each as the person that it is taken for. Pure.

What is seen of a track counts only between two frames in which it was recognised as the same person: whoever turns the
head first and then holds up a picture of somebody else has shown nothing.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from server.vision.detections import Floats
from server.vision.flatness import Flatness, Shape


class Liveness(StrEnum):
    LIVE = "live"
    FLAT = "flat"  # it moved, and stayed flat
    SPOOF = "spoof"  # the passive network says so
    FAILED = "failed"  # it was asked at a kiosk, and did not do it
    UNSURE = "unsure"

    @property
    def fake(self) -> bool:
        return self in (Liveness.FLAT, Liveness.SPOOF)

    @property
    def known(self) -> bool:
        return self is not Liveness.UNSURE


@dataclass(frozen=True, slots=True)
class Shown:
    """What a track has shown of the person that it is taken for. `share` is the passive network's mean, if there is
    one.

    `score` is 0...1: the share, or without one what the landmarks say; None while nothing is known.
    """

    liveness: Liveness
    share: float | None = None
    flat: bool = False  # it has stayed so until now, and a kiosk's challenge is to tell

    @property
    def score(self) -> float | None:
        by_landmarks = {Liveness.LIVE: 1.0, Liveness.FLAT: 0.0}.get(self.liveness)
        known = [one for one in (by_landmarks, self.share) if one is not None]
        return min(known) if known else None


@dataclass(frozen=True, slots=True)
class LivenessRules:
    """`least_share` is the passive pack's threshold, None where there is no pack. A pack only speaks against a face."""

    least_share: float | None = None
    shares_needed: int = 4
    shares_kept: int = 30
    strangers_allowed: int = 1  # frames in a row that were not recognised, between two that were
    votes_every_s: float = 0.4  # while it is not known


UNSURE = Shown(Liveness.UNSURE)
_MEANS = {Shape.SOLID: Liveness.LIVE, Shape.FLAT: Liveness.FLAT, Shape.UNSURE: Liveness.UNSURE}


@dataclass(slots=True, eq=False)
class _Watched:
    flatness: Flatness
    shares: deque[float]
    person_id: str | None = None
    since_vote: list[tuple[Floats, float]] = field(default_factory=list)  # views that the next vote must confirm
    strangers: int = 0
    voted_s: float = float("-inf")
    shape: Shape = Shape.UNSURE
    votes: int = 0  # for the person
    passed: bool = False  # a challenge
    failed: bool = False  # the last try of it

    def look(self) -> None:
        """A solid one stays solid: a head that comes to rest is none the less one."""
        if self.shape is not Shape.SOLID:
            self.shape = self.flatness.shape()

    def start_over(self, person_id: str) -> None:
        self.person_id, self.shape = person_id, Shape.UNSURE
        self.votes, self.passed, self.failed = 0, False, False
        self.flatness.forget()
        self.shares.clear()
        self.since_vote.clear()


class LivenessJudge:
    """One camera's tracks. Feed it in the order of the frames: what was seen, then whom it was recognised as."""

    def __init__(
        self, rules: LivenessRules | None = None, *, flatness: Callable[[], Flatness] = Flatness, most_unvoted: int = 60
    ) -> None:
        self._rules = rules or LivenessRules()
        self._flatness = flatness
        self._most_unvoted = most_unvoted
        self._tracks: dict[int, _Watched] = {}
        self.needs_challenge = False  # a turn of the head is not enough: a film shows one too

    def saw(self, track_id: int, landmarks: Floats, at_s: float) -> None:
        """A frame with the track in it."""
        track = self._track(track_id)
        track.since_vote.append((landmarks, at_s))
        if len(track.since_vote) > self._most_unvoted:
            track.since_vote.clear()

    def voted(self, track_id: int, person_id: str | None, at_s: float) -> None:
        """An embedded frame: whom it is like by itself, or nobody."""
        track = self._track(track_id)
        track.voted_s = at_s
        if person_id is None:
            track.strangers += 1
            if track.strangers > self._rules.strangers_allowed:
                track.since_vote.clear()
            return
        again = person_id == track.person_id and track.strangers <= self._rules.strangers_allowed
        if person_id != track.person_id:
            track.start_over(person_id)
        if again:
            for landmarks, seen_s in track.since_vote:
                track.flatness.saw(landmarks, seen_s)
            track.look()
        track.since_vote.clear()
        track.strangers = 0
        track.votes += 1

    def share(self, track_id: int, live: float) -> None:
        """What the passive network says of a frame in which the track was recognised."""
        self._track(track_id).shares.append(live)

    def wants_vote(self, track_id: int, at_s: float) -> bool:
        """Whether a frame should be embedded although the track has its name: what it shows waits to be confirmed."""
        track = self._tracks.get(track_id)
        if track is None or track.person_id is None or self._shown(track).liveness is Liveness.LIVE:
            return False
        return at_s - track.voted_s >= self._rules.votes_every_s

    def shown_by(self, track_id: int) -> tuple[str | None, Shown]:
        """As whom the track was seen, and what it has shown as that person."""
        track = self._tracks.get(track_id)
        return (track.person_id, self._shown(track)) if track else (None, UNSURE)

    def votes_for(self, track_id: int, person_id: str) -> int | None:
        """How often the track was recognised as the person since it first was; None where it is in doubt."""
        track = self._tracks.get(track_id)
        if track is None or track.person_id != person_id or track.strangers > self._rules.strangers_allowed:
            return None
        return track.votes

    def passed(self, track_id: int, person_id: str) -> None:
        """The track did what it was asked for, as that person."""
        track = self._track(track_id)
        track.passed = track.person_id == person_id

    def failed(self, track_id: int, person_id: str) -> None:
        """The track was asked for the last time, as that person, and did not do it."""
        track = self._track(track_id)
        track.failed = track.person_id == person_id

    def ended(self, track_id: int) -> None:
        self._tracks.pop(track_id, None)

    def _shown(self, track: _Watched) -> Shown:
        rules = self._rules
        share = sum(track.shares) / len(track.shares) if track.shares else None
        if rules.least_share is not None:
            enough = len(track.shares) >= rules.shares_needed
            if enough and share is not None and share < rules.least_share:
                return Shown(Liveness.SPOOF, share)
            if not enough:
                return Shown(Liveness.UNSURE, share)
        if track.passed:
            return Shown(Liveness.LIVE, share)
        found = _MEANS[track.shape]
        if self.needs_challenge and not track.failed:
            # Whoever comes closer as asked and looks ahead moves like a picture: the steps to come tell the two apart.
            return Shown(Liveness.UNSURE, share, flat=found is Liveness.FLAT)
        if self.needs_challenge and not found.fake:
            found = Liveness.FAILED
        return Shown(found, share)

    def _track(self, track_id: int) -> _Watched:
        track = self._tracks.get(track_id)
        if track is None:
            track = self._tracks[track_id] = _Watched(self._flatness(), deque(maxlen=self._rules.shares_kept))
        return track
