"""Follows faces from picture to picture: detections and a time in, tracks out."""

import itertools
import math
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from server.vision.boxes import centres, overlap
from server.vision.detections import Detections, Floats


@dataclass(frozen=True, slots=True)
class TrackerLimits:
    """When tracks begin, are believed, and end.

    A detection below `start_confidence` goes on with a track but begins none. A track is confirmed at its
    `confirm_hits`-th detection, and ends when it was not seen for `lost_after_s`, or half of that if unconfirmed.
    """

    start_confidence: float = 0.5
    confirm_hits: int = 2
    lost_after_s: float = 1.2
    min_overlap: float = 0.2
    # How far a middle may be from where it is expected, in widths of the face, plus so much for each second unseen.
    # Nothing is known of the pace of a track with one detection: somebody who walks past covers 8 widths a second.
    reach: float = 0.6
    reach_per_s: float = 1.5
    first_reach_per_s: float = 8.0
    # The largest factor by which a face's size may differ from what is expected.
    growth: float = 2.0


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """One face over time. `box` is where it was seen, or is expected to be while `missed` pictures lack it.

    Box and landmarks are in pixels of the picture; landmarks and confidence are of the last detection.
    """

    id: int
    box: Floats
    landmarks: Floats
    confidence: float
    hits: int
    missed: int
    started_s: float
    seen_s: float
    confirmed: bool


@dataclass(frozen=True, slots=True)
class TrackerUpdate:
    """The tracks that live after a picture, and the ids of those that it ended."""

    tracks: list[Track]
    ended: list[int]


@dataclass(slots=True, eq=False)
class _Live:
    """A track that goes on: its last detection and how it moves (middle and log of size, a second)."""

    id: int
    box: Floats
    landmarks: Floats
    confidence: float
    started_s: float
    seen_s: float
    hits: int = 1
    missed: int = 0
    velocity: Floats = field(default_factory=lambda: np.zeros(2, np.float32))
    growth: float = 0.0

    def expected(self, at_s: float) -> Floats:
        """The box at a time, for at most half a second of going on as before."""
        ahead = min(max(at_s - self.seen_s, 0.0), 0.5)
        middle = (self.box[:2] + self.box[2:]) / 2 + self.velocity * ahead
        half = (self.box[2:] - self.box[:2]) / 2 * math.exp(self.growth * ahead)
        return np.concatenate([middle - half, middle + half]).astype(np.float32)

    def follow(self, box: Floats, landmarks: Floats, confidence: float, at_s: float) -> None:
        passed = at_s - self.seen_s
        if passed > 1e-3:
            moved = ((box[:2] + box[2:]) - (self.box[:2] + self.box[2:])) / 2 / passed
            grown = math.log(max(_width(box), 1e-3) / max(_width(self.box), 1e-3)) / passed
            # A new pace counts the more the longer the way on which it was measured.
            weight = 1.0 if self.hits == 1 else min(0.8, 0.3 + passed)
            self.velocity = np.asarray(self.velocity + weight * (moved - self.velocity), np.float32)
            self.growth = max(-1.0, min(1.0, self.growth + weight * (grown - self.growth)))
        self.box, self.landmarks, self.confidence = box, landmarks, confidence
        self.seen_s, self.missed = max(at_s, self.seen_s), 0
        self.hits += 1


class Tracker:
    """The faces of one camera. Times may come irregularly; ids count up from 1 and are never used again."""

    def __init__(self, limits: TrackerLimits | None = None) -> None:
        self.limits = limits or TrackerLimits()
        self._ids = itertools.count(1)
        self._live: list[_Live] = []

    def update(self, detections: Detections, at_s: float) -> TrackerUpdate:
        """Take the detections of the picture of that time, in seconds of any clock that does not go backwards."""
        ended = self._end(at_s)
        pairs = self._matches(detections, at_s)
        for track, n in pairs:
            track.follow(detections.boxes[n], detections.landmarks[n], float(detections.confidence[n]), at_s)
        followed = {id(track) for track, _ in pairs}
        for track in self._live:
            if id(track) not in followed:
                track.missed += 1
        self._begin(detections, {n for _, n in pairs}, at_s)
        return TrackerUpdate([self._shown(track, at_s) for track in self._live], ended)

    def _end(self, at_s: float) -> list[int]:
        """Let those go that were not seen for too long, before anything could be taken for them."""
        limits = self.limits
        gone = [
            track
            for track in self._live
            if at_s - track.seen_s > limits.lost_after_s * (1.0 if track.hits >= limits.confirm_hits else 0.5)
        ]
        self._live = [track for track in self._live if track not in gone]
        return [track.id for track in gone]

    def _matches(self, detections: Detections, at_s: float) -> list[tuple[_Live, int]]:
        """Pairs of track and detection, the best first, each used once."""
        if not self._live or not len(detections):
            return []
        expected = np.stack([track.expected(at_s) for track in self._live])
        scores = self._scores(expected, detections.boxes, at_s)
        pairs: list[tuple[_Live, int]] = []
        while True:
            row, column = np.unravel_index(int(scores.argmax()), scores.shape)
            if scores[row, column] <= 0:
                return pairs
            pairs.append((self._live[row], int(column)))
            scores[row, :] = 0
            scores[:, column] = 0

    def _scores(self, expected: Floats, boxes: Floats, at_s: float) -> Floats:
        """(tracks, detections): 0 where they cannot be one face, else higher for a better fit."""
        limits = self.limits
        shared = overlap(expected, boxes)
        apart = np.linalg.norm(centres(expected)[:, None] - centres(boxes)[None], axis=2)
        before, after = _widths(expected)[:, None], _widths(boxes)[None, :]
        slack = np.array([self._slack(track, at_s) for track in self._live], np.float32)[:, None]
        reach = np.minimum(before, after) * slack
        alike = (after / before < limits.growth) & (before / after < limits.growth)
        fits = alike & ((shared >= limits.min_overlap) | (apart <= reach))
        closeness = np.clip(1 - apart / np.maximum(reach, 1e-6), 0, 1)
        # A track that was believed goes before one that was not.
        sure = np.array([0.05 if track.hits >= limits.confirm_hits else 0.0 for track in self._live], np.float32)
        return np.asarray(np.where(fits, 0.01 + shared + 0.5 * closeness + sure[:, None], 0), np.float32)

    def _slack(self, track: _Live, at_s: float) -> float:
        """How far the track may be from where it is expected, in widths."""
        unseen = min(max(at_s - track.seen_s, 0.0), self.limits.lost_after_s)
        return self.limits.reach + unseen * (
            self.limits.first_reach_per_s if track.hits == 1 else self.limits.reach_per_s
        )

    def _begin(self, detections: Detections, used: Iterable[int], at_s: float) -> None:
        taken = set(used)
        for n, (box, landmarks, confidence) in enumerate(detections):
            if n not in taken and confidence >= self.limits.start_confidence:
                self._live.append(_Live(next(self._ids), box, landmarks, confidence, at_s, at_s))

    def _shown(self, track: _Live, at_s: float) -> Track:
        return Track(
            id=track.id,
            box=track.expected(at_s) if track.missed else track.box,
            landmarks=track.landmarks,
            confidence=track.confidence,
            hits=track.hits,
            missed=track.missed,
            started_s=track.started_s,
            seen_s=track.seen_s,
            confirmed=track.hits >= self.limits.confirm_hits,
        )


def _width(box: Floats) -> float:
    return float(box[2] - box[0])


def _widths(boxes: Floats) -> Floats:
    return np.asarray(np.maximum(boxes[:, 2] - boxes[:, 0], 1e-3), np.float32)
