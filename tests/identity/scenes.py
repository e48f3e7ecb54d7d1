"""Votes, times and embeddings by hand, for tests of who it is."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np

from server.identity.gallery import Match
from server.identity.resolver import Resolver
from server.identity.sightings import SightingChange
from server.identity.votes import Vote
from server.vision.detections import Floats

START = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)


def at(seconds: float) -> datetime:
    """So many seconds into the scene."""
    return START + timedelta(seconds=seconds)


def face(axis: int) -> Floats:
    """An embedding of unit length; two of different axes have nothing in common."""
    embedding = np.zeros(8, np.float32)
    embedding[axis] = 1.0
    return embedding


def vote(
    person: str | None, similarity: float = 0.7, *, margin: float = 0.3, quality: float = 0.8, axis: int = 0
) -> Vote:
    """A frame whose best match is that."""
    match = None if person is None else Match(person, f"{person}-1", similarity, margin)
    return Vote(match, face(axis), quality)


@dataclass
class Scene:
    """A resolver at five frames a second, and everything that it ever said."""

    resolver: Resolver
    changes: list[SightingChange] = field(default_factory=list)
    threshold: float = 0.5

    def votes(self, track: int, start: float, votes: list[Vote], every: float = 0.2) -> float:
        """Show a track for as long as there are votes; answers when the last one was."""
        now = start
        for number, one in enumerate(votes):
            now = start + number * every
            self.resolver.seen(track, at(now))
            self.note(self.resolver.vote(track, at(now), one, self.threshold))
        return now

    def tick(self, seconds: float) -> list[SightingChange]:
        return self.note(self.resolver.tick(at(seconds)))

    def note(self, changes: list[SightingChange]) -> list[SightingChange]:
        self.changes += changes
        return changes

    @property
    def kinds(self) -> list[str]:
        return [change.kind for change in self.changes]
