"""Resolver: from the votes of one camera's tracks to identities, and from those to sightings. Times come in."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np

from server.identity.liveness import Shown
from server.identity.sightings import Direction, OpenSighting, SightingChange, SightingRules, Sightings, SightingState
from server.identity.votes import (
    Cast,
    IdentityState,
    Verdict,
    Vote,
    VotingRules,
    contradicting,
    count,
)
from server.ids import new_id as uuid7
from server.vision.detections import Floats

_FORGET_UNSEEN_S = 60.0
_NOTHING_YET = Verdict(IdentityState.PENDING)


@dataclass(frozen=True, slots=True)
class ResolverLimits:
    """How much evidence, how often to look, and how long a sighting lasts."""

    voting: VotingRules = field(default_factory=VotingRules)
    sightings: SightingRules = field(default_factory=SightingRules)
    embed_every_sure_s: float = 2.0
    embed_every_unknown_s: float = 1.0
    embed_every_doubt_s: float = 0.2  # an identity that was just contradicted, or votes that lead nowhere


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a track is, with the evidence; `why` says what stands against a name."""

    state: IdentityState
    person_id: str | None = None
    similarity: float | None = None
    margin: float | None = None
    votes: int = 0
    why: str | None = None


@dataclass(slots=True, eq=False)
class _Track:
    id: int
    since: datetime  # from when on its next sighting counts
    seen_at: datetime
    casts: deque[Cast]
    voting_since: datetime
    verdict: Verdict = _NOTHING_YET
    refusal: str | None = None  # why the latest frame was not embedded
    refused: set[str] = field(default_factory=set)  # people whom an operator has ruled out
    pinned: bool = False  # an operator has said who it is
    embedded_at: datetime | None = None
    sighting: str | None = None
    direction: Direction | None = None  # the last one in which it passed

    def face(self) -> Floats | None:
        """The weighted sum of the embeddings that still count."""
        looks = [cast.vote.embedding * np.float32(cast.vote.quality) for cast in self.casts]
        return np.sum(looks, axis=0, dtype=np.float32) if looks else None

    def start_over(self, casts: list[Cast], at: datetime) -> None:
        """Only these votes count from now on."""
        self.casts = deque(casts, self.casts.maxlen)
        self.voting_since = casts[0].at if casts else at
        self.embedded_at = None


class Resolver:
    """One camera's tracks. A name needs agreeing votes, and so does "unknown"; until then a track is pending.

    Pure: no I/O, no clock. Feed it in the order of the frames, from one task.
    """

    def __init__(
        self,
        camera_id: str,
        pack_name: str,
        limits: ResolverLimits | None = None,
        *,
        new_id: Callable[[], str] = uuid7,
    ) -> None:
        self._limits = limits or ResolverLimits()
        self._voting = self._limits.voting
        self._sightings = Sightings(camera_id, pack_name, self._limits.sightings, new_id)
        self._tracks: dict[int, _Track] = {}

    def wants_embedding(self, track_id: int, at: datetime) -> bool:
        """Whether this frame of the track is worth embedding: always while pending, rarely once it is sure."""
        track = self._track(track_id, at)
        if track.embedded_at is None:
            return True
        return (at - track.embedded_at).total_seconds() >= self._pause(track)

    def seen(self, track_id: int, at: datetime) -> None:
        """The track was in the picture at that time."""
        track = self._track(track_id, at)
        track.seen_at = max(track.seen_at, at)
        sighting = self._sightings.get(track.sighting)
        if track.sighting is not None and (sighting is None or not self._sightings.seen(sighting, track_id, at)):
            track.sighting = None
            track.since = at

    def crossed(self, track_id: int, direction: Direction, at: datetime) -> list[SightingChange]:
        """The track has crossed a line or entered a zone; its sighting has, too, or will have once it is there."""
        track = self._track(track_id, at)
        track.direction = direction
        sighting = self._sightings.get(track.sighting)
        if sighting is None or sighting.state.direction == direction:
            return []
        return [self._sightings.cross(sighting, direction, at)]

    def judged(self, track_id: int, person_id: str, shown: Shown, at: datetime) -> list[SightingChange]:
        """What the track has shown of the person that its sighting is of; nothing where that is of somebody else."""
        track = self._tracks.get(track_id)
        sighting = self._sightings.get(track.sighting) if track else None
        if sighting is None or sighting.state.person_id != person_id:
            return []
        change = self._sightings.judge(sighting, shown, at)
        return [change] if change else []

    def refused(self, track_id: int, at: datetime, why: str) -> None:
        """This frame was too poor to embed, and why."""
        self._track(track_id, at).refusal = why

    def vote(self, track_id: int, at: datetime, vote: Vote, threshold: float) -> list[SightingChange]:
        """An embedded frame of the track, looked up in the gallery whose threshold that is."""
        changes = self._sightings.close_overdue(at)
        self.seen(track_id, at)
        track = self._tracks[track_id]
        track.refusal = None
        track.embedded_at = at
        if not track.pinned:
            if not track.casts:
                track.voting_since = at
            track.casts.append(Cast(vote, at, threshold))
            self._judge(track, at)
        changes += self._settle(track, at)
        sighting = self._sightings.get(track.sighting)
        if sighting is not None and sighting.state.person_id is None:
            sighting.remember(vote.embedding, vote.quality)
        return changes

    def ended(self, track_id: int, at: datetime) -> None:
        """The track is gone; its sighting stays open for the gap, so that a returning track extends it."""
        self._tracks.pop(track_id, None)

    def tick(self, at: datetime) -> list[SightingChange]:
        """Close and extend what is due. To be called every second or so, also while no frame comes."""
        for track in list(self._tracks.values()):
            if (at - track.seen_at).total_seconds() > _FORGET_UNSEEN_S:
                del self._tracks[track.id]
        return self._sightings.close_overdue(at) + self._sightings.extend_due(at)

    def close_all(self, at: datetime) -> list[SightingChange]:
        """The camera stops: every sighting closes when it was last seen, every track is forgotten."""
        self._tracks.clear()
        return self._sightings.close_all()

    def identity(self, track_id: int) -> Identity:
        """Who the track is, as far as can be told."""
        track = self._tracks.get(track_id)
        if track is None:
            return Identity(IdentityState.PENDING)
        verdict = track.verdict
        pending = verdict.state is IdentityState.PENDING
        why = track.refusal if pending and track.refusal else verdict.why
        return Identity(verdict.state, verdict.person_id, verdict.similarity, verdict.margin, verdict.votes, why)

    def sighting_of(self, track_id: int) -> SightingState | None:
        """The open sighting to which the track belongs."""
        track = self._tracks.get(track_id)
        sighting = self._sightings.get(track.sighting) if track else None
        return sighting.state if sighting else None

    def open_sightings(self) -> list[SightingState]:
        """All that are open at this camera, the oldest first."""
        return self._sightings.states()

    def gallery_changed(self) -> None:
        """Somebody was enrolled: tracks without a name vote anew, at once, and keep their sighting."""
        for track in self._tracks.values():
            if track.verdict.state is not IdentityState.RECOGNIZED:
                track.start_over([], track.seen_at)

    def forget_person(self, person_id: str) -> list[SightingChange]:
        """The person was erased: no vote for them counts any more, and their open sighting closes without a name."""
        for track in self._tracks.values():
            left = [cast for cast in track.casts if cast.names() != person_id]
            if track.verdict.person_id == person_id:
                self._part(track, track.seen_at)
                track.start_over(left, track.seen_at)
                track.pinned = False
            elif len(left) < len(track.casts):
                track.start_over(left, track.seen_at)
        sighting = self._sightings.of_person(person_id)
        if sighting is None:
            return []
        self._sightings.name(sighting, None, sighting.told_at)
        sighting.face = None  # of when it was not known yet whose it is
        return [self._sightings.close(sighting)]

    def correct(self, sighting_id: str, person_id: str | None) -> list[SightingChange]:
        """An operator says who an open sighting is, or with None that it is not whom it was taken for.

        Either holds for its tracks as long as they last: a pinned one votes no more, a refused pair is not offered
        again. Nothing happens where no sighting of that id is open here.
        """
        sighting = self._sightings.get(sighting_id)
        if sighting is None:
            return []
        tracks = [track for track in self._tracks.values() if track.sighting == sighting_id]
        return self._refuse(sighting, tracks) if person_id is None else self._pin(sighting, tracks, person_id)

    def _pin(self, sighting: OpenSighting, tracks: list[_Track], person_id: str) -> list[SightingChange]:
        changes = []
        other = self._sightings.of_person(person_id)
        if other is not None and other is not sighting:
            for track in self._tracks.values():
                if track.sighting == other.state.id:
                    track.sighting = sighting.state.id
            changes.append(self._sightings.close(other))
        for track in tracks:
            track.pinned = True
            track.refused.discard(person_id)
            track.verdict = Verdict(IdentityState.RECOGNIZED, person_id, why="corrected")
        sighting.refused.discard(person_id)
        changes.append(self._sightings.name(sighting, person_id, sighting.told_at))
        return changes

    def _refuse(self, sighting: OpenSighting, tracks: list[_Track]) -> list[SightingChange]:
        person_id = sighting.state.person_id
        if person_id is None:
            return []
        sighting.refused.add(person_id)
        for track in tracks:
            track.pinned = False
            track.refused.add(person_id)
            track.verdict = Verdict(IdentityState.UNKNOWN, votes=len(track.casts), why="corrected")
            face = track.face()
            if face is not None:
                sighting.remember(face, 1.0)
        return [self._sightings.name(sighting, None, sighting.told_at)]

    def _judge(self, track: _Track, at: datetime) -> None:
        """Count the votes anew; what was decided before holds until it is contradicted."""
        verdict, held = self._count(track, at), track.verdict
        if held.state is IdentityState.RECOGNIZED and held.person_id is not None:
            against = contradicting(track.casts, held.person_id, self._voting.margin)
            agrees = verdict.person_id in (None, held.person_id)
            if agrees and against < self._voting.taken_back_after:
                track.verdict = held if verdict.person_id is None else verdict
                return
            kept = list(track.casts)[len(track.casts) - against :]
            self._part(track, kept[0].at if kept else at)
            track.start_over(kept, at)
            track.embedded_at = at
            track.verdict = self._count(track, at)
        elif verdict.state is not IdentityState.PENDING or held.state is IdentityState.PENDING:
            track.verdict = verdict

    def _count(self, track: _Track, at: datetime) -> Verdict:
        voted_for_s = (at - track.voting_since).total_seconds()
        return count(track.casts, voted_for_s, self._voting, track.refused)

    def _part(self, track: _Track, at: datetime) -> None:
        """The track is not whom its sighting is of: from `at` on it stands for itself."""
        sighting = self._sightings.get(track.sighting)
        shared = any(other is not track and other.sighting == track.sighting for other in self._tracks.values())
        if sighting is not None and not shared:
            self._sightings.unseen_since(sighting, at)
        track.sighting = None
        track.since = at
        track.verdict = _NOTHING_YET

    def _settle(self, track: _Track, at: datetime) -> list[SightingChange]:
        """Bring the track's sighting in line with its verdict. Does nothing where it already is."""
        if track.verdict.state is IdentityState.PENDING:
            return []
        if track.verdict.person_id is None:
            return self._settle_unknown(track, at)
        return self._settle_known(track, track.verdict.person_id, at)

    def _settle_unknown(self, track: _Track, at: datetime) -> list[SightingChange]:
        current = self._sightings.get(track.sighting)
        if current is not None and current.state.person_id is None:
            self._sightings.weigh(current, track.verdict)
            return []
        again = self._sightings.like(track.face(), track.since)
        if again is None:
            return [self._open(track, at)]
        track.refused |= again.refused
        return [self._join(track, again, at)]

    def _settle_known(self, track: _Track, person_id: str, at: datetime) -> list[SightingChange]:
        current, existing = self._sightings.get(track.sighting), self._sightings.of_person(person_id)
        if current is not None and current is existing:
            self._sightings.weigh(current, track.verdict)
            return []
        if current is None and not track.pinned:
            again = self._sightings.like(track.face(), track.since)
            if again is not None and person_id in again.refused:
                track.refused.add(person_id)
                track.verdict = self._count(track, at)
                return self._settle(track, at)
            current = again if existing is None else None
        if current is None or current.state.person_id is not None:
            return [self._open(track, at) if existing is None else self._join(track, existing, at)]
        if existing is None:
            return [self._name(track, current, person_id, at)]
        # The unknown turns out to be somebody who is already here: one visit, so its own sighting ends.
        self._let_go(current, track)
        self._sightings.name(current, person_id, at)
        return [self._sightings.close(current), self._join(track, existing, at)]

    def _open(self, track: _Track, at: datetime) -> SightingChange:
        last = max(track.seen_at, at)
        change = self._sightings.open(track.verdict, track.id, track.since, last, track.direction)
        track.sighting = change.sighting.id
        return change

    def _join(self, track: _Track, sighting: OpenSighting, at: datetime) -> SightingChange:
        track.sighting = sighting.state.id
        self._sightings.seen(sighting, track.id, at)
        self._sightings.weigh(sighting, track.verdict)
        if track.direction not in (None, sighting.state.direction):
            return self._sightings.cross(sighting, track.direction, at)
        return self._sightings.extend(sighting, at)

    def _name(self, track: _Track, sighting: OpenSighting, person_id: str, at: datetime) -> SightingChange:
        """The unknown has become known; other tracks that were taken for the same unknown stand for themselves."""
        self._let_go(sighting, track)
        track.sighting = sighting.state.id
        self._sightings.seen(sighting, track.id, at)
        self._sightings.weigh(sighting, track.verdict)
        return self._sightings.name(sighting, person_id, at)

    def _let_go(self, sighting: OpenSighting, stays: _Track) -> None:
        for track in self._tracks.values():
            if track is not stays and track.sighting == sighting.state.id:
                track.sighting = None
                track.since = track.seen_at

    def _pause(self, track: _Track) -> float:
        """Seconds between two embeddings of the track."""
        verdict, votes = track.verdict, len(track.casts)
        if verdict.state is IdentityState.RECOGNIZED and verdict.person_id is not None:
            if track.sighting is None:
                return 0.0
            doubted = not track.pinned and contradicting(track.casts, verdict.person_id, self._voting.margin) > 0
            return self._limits.embed_every_doubt_s if doubted else self._limits.embed_every_sure_s
        if verdict.state is IdentityState.UNKNOWN and votes >= self._voting.unknown_votes:
            return self._limits.embed_every_unknown_s
        return self._limits.embed_every_doubt_s if votes >= self._voting.window else 0.0

    def _track(self, track_id: int, at: datetime) -> _Track:
        track = self._tracks.get(track_id)
        if track is None:
            track = _Track(track_id, at, at, deque(maxlen=self._voting.window), at)
            self._tracks[track_id] = track
        return track
