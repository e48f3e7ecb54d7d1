"""Votes along a track -> a verdict: who it is, that it is nobody known, or that it is too early to tell. Pure."""

from collections import defaultdict
from collections.abc import Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from server.identity.bars import Bar
from server.identity.gallery import Match
from server.vision.detections import Floats
from server.vision.quality import FaceQuality


class IdentityState(StrEnum):
    PENDING = "pending"
    RECOGNIZED = "recognized"
    UNKNOWN = "unknown"


class Doubt(StrEnum):
    """Why a track has no name. A frame that was not embedded adds its own reason, such as `face_too_small`."""

    FEW_VOTES = "few_votes"
    BELOW_THRESHOLD = "below_threshold"
    MARGIN_TOO_SMALL = "margin_too_small"
    DISAGREEMENT = "disagreement"


@dataclass(frozen=True, slots=True, eq=False)
class Vote:
    """One embedded frame of a track: its best match, and how much the frame is worth (0...1)."""

    match: Match | None
    embedding: Floats
    quality: float
    bar: Bar | None = None  # what the threshold of this match is made of


@dataclass(frozen=True, slots=True)
class VotingRules:
    """When votes are enough. Both outcomes need evidence; without it a track stays pending."""

    votes_needed: int = 3  # agreeing frames that make an identity
    margin: float = 0.05  # the least lead over the next person for a vote to count
    window: int = 12  # the latest votes that are looked at
    majority: float = 0.6  # the share of their weight that the winner must hold
    taken_back_after: int = 5  # votes in a row that contradict an identity
    unknown_votes: int = 5
    unknown_weight: float = 1.5  # five poor frames are not enough
    unknown_after_s: float = 2.0


@dataclass(frozen=True, slots=True, eq=False)
class Cast:
    """A vote with the time and the threshold at which it was cast."""

    vote: Vote
    at: datetime
    threshold: float

    def names(self) -> str | None:
        """Whom it is most like, however little."""
        return self.vote.match.person_id if self.vote.match else None

    def supports(self, person_id: str, margin: float) -> bool:
        """Whether it says by itself that this is the person."""
        match = self.vote.match
        return (
            match is not None
            and match.person_id == person_id
            and match.similarity >= self.threshold
            and match.margin >= margin
        )


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the votes say, with the evidence: means over the agreeing votes, or the best near miss."""

    state: IdentityState
    person_id: str | None = None
    similarity: float | None = None
    best_similarity: float | None = None
    margin: float | None = None
    threshold: float | None = None
    votes: int = 0
    why: str | None = None
    bar: Bar | None = None  # of the vote with the highest
    weights: tuple[float, ...] = ()  # of the votes counted


def count(casts: Sequence[Cast], voted_for_s: float, rules: VotingRules, refused: Set[str] = frozenset()) -> Verdict:
    """The verdict on the latest votes; `refused` are people whom an operator has ruled out."""
    recent = list(casts)[-rules.window :]
    weights: dict[str, float] = defaultdict(float)
    for cast in recent:
        name = cast.names()
        if name is not None and name not in refused and cast.supports(name, rules.margin):
            weights[name] += cast.vote.quality
    if weights:
        leader = max(weights, key=lambda name: weights[name])
        agreeing = [cast for cast in recent if cast.supports(leader, rules.margin)]
        if len(agreeing) >= rules.votes_needed and _share(recent, leader, rules) >= rules.majority:
            return _recognized(leader, agreeing)
    why = _doubt(recent, bool(weights), rules, refused)
    weight = sum(cast.vote.quality for cast in recent)
    enough = len(recent) >= rules.unknown_votes and weight >= rules.unknown_weight
    if enough and voted_for_s >= rules.unknown_after_s:
        return _near_miss(IdentityState.UNKNOWN, recent, why)
    return _near_miss(IdentityState.PENDING, recent, why if enough else Doubt.FEW_VOTES)


def worth(quality: FaceQuality) -> float:
    """What a frame's vote weighs, 0.1...1: small, blurred and turned faces say less, though they may be embedded."""
    size = min(max(quality.size_px / 64.0, 0.3), 1.0)
    sharp = min(max(quality.sharpness / 0.012, 0.3), 1.0)
    frontal = 1.0 - 0.6 * min(max(abs(quality.yaw), abs(quality.pitch)) / 45.0, 1.0)
    return max(size * sharp * frontal, 0.1)


def contradicting(casts: Sequence[Cast], person_id: str, margin: float) -> int:
    """How many of the latest votes in a row do not support an identity."""
    run = 0
    for cast in reversed(casts):
        if cast.supports(person_id, margin):
            break
        run += 1
    return run


def _share(recent: Sequence[Cast], leader: str, rules: VotingRules) -> float:
    """The leader's share of the weight. A frame most like the leader, but not enough, counts against by half."""
    support = against = 0.0
    for cast in recent:
        if cast.supports(leader, rules.margin):
            support += cast.vote.quality
        else:
            against += cast.vote.quality * (0.5 if cast.names() == leader else 1.0)
    return support / (support + against) if support else 0.0


def _doubt(recent: Sequence[Cast], any_support: bool, rules: VotingRules, refused: Set[str]) -> Doubt:
    if any_support:
        return Doubt.DISAGREEMENT
    matches = [(cast.vote.match, cast.threshold) for cast in recent]
    near = [m for m, threshold in matches if m and m.similarity >= threshold and m.person_id not in refused]
    return Doubt.MARGIN_TOO_SMALL if len(near) * 2 > len(recent) else Doubt.BELOW_THRESHOLD


def _recognized(person_id: str, agreeing: Sequence[Cast]) -> Verdict:
    matches = [cast.vote.match for cast in agreeing if cast.vote.match]
    strictest = max(agreeing, key=lambda cast: cast.threshold)
    return Verdict(
        IdentityState.RECOGNIZED,
        person_id,
        similarity=sum(match.similarity for match in matches) / len(matches),
        best_similarity=max(match.similarity for match in matches),
        margin=sum(match.margin for match in matches) / len(matches),
        threshold=strictest.threshold,
        votes=len(agreeing),
        bar=strictest.vote.bar,
        weights=tuple(round(cast.vote.quality, 2) for cast in agreeing),
    )


def _near_miss(state: IdentityState, recent: Sequence[Cast], why: str) -> Verdict:
    nearest = max(recent, key=lambda cast: cast.vote.match.similarity if cast.vote.match else -1.0, default=None)
    best = nearest.vote.match if nearest else None
    return Verdict(
        state,
        similarity=best.similarity if best else None,
        best_similarity=best.similarity if best else None,
        margin=best.margin if best else None,
        threshold=nearest.threshold if nearest else None,
        votes=len(recent),
        why=why,
        bar=nearest.vote.bar if nearest else None,
        weights=tuple(round(cast.vote.quality, 2) for cast in recent),
    )
