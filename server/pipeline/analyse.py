"""One frame in; tracks with names and changes of sightings out."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from server.identity.resolver import Identity, Resolver
from server.identity.sightings import SightingChange
from server.identity.votes import IdentityState, Vote, worth
from server.pipeline.roster import Roster
from server.vision.detections import Detections
from server.vision.quality import FaceQuality, QualityLimits, assess, refusal
from server.vision.tracker import Track, Tracker

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float32]


class Device(Protocol):
    """The inference loop, as far as one camera sees it."""

    async def detect(self, image: Pixels, captured_monotonic: float) -> Detections: ...

    async def embed(self, chips: Pixels) -> Floats: ...


@dataclass(frozen=True, slots=True)
class SeenFace:
    """A track in this frame, with who it is."""

    track: Track
    identity: Identity


@dataclass(frozen=True, slots=True, eq=False)
class Analysis:
    faces: list[SeenFace]
    changes: list[SightingChange]


@dataclass(frozen=True, slots=True, eq=False)
class _Probe:
    track: Track
    quality: FaceQuality
    why: str | None
    chip: Pixels | None


class Analyser:
    """The analysis of one camera: tracker and resolver are its memory, the device and the roster are shared."""

    def __init__(
        self,
        device: Device,
        tracker: Tracker,
        resolver: Resolver,
        roster: Roster,
        limits: QualityLimits,
        align: Callable[[Pixels, Floats], Pixels],
    ) -> None:
        self._device = device
        self._tracker = tracker
        self.resolver = resolver
        self._roster = roster
        self._limits = limits
        self._align = align

    async def analyse(self, image: Pixels, at: datetime, monotonic: float) -> Analysis:
        """`image` is BGR; `at` and `monotonic` are the time of its capture. Raises StaleFrame when it came too late."""
        detections = await self._device.detect(image, monotonic)
        update = self._tracker.update(detections, monotonic)
        for track_id in update.ended:
            self.resolver.ended(track_id, at)
        current = [track for track in update.tracks if track.confirmed and track.seen_s == monotonic]
        for track in current:
            self.resolver.seen(track.id, at)
        wanted = [track for track in current if self.resolver.wants_embedding(track.id, at)]
        changes = await self._vote(image, wanted, at) if wanted else []
        changes += self.resolver.tick(at)
        return Analysis([SeenFace(track, self.resolver.identity(track.id)) for track in current], changes)

    async def _vote(self, image: Pixels, tracks: Sequence[Track], at: datetime) -> list[SightingChange]:
        probes = await asyncio.to_thread(self._look, image, tracks)
        good: list[_Probe] = []
        for probe in probes:
            if probe.why is not None:
                self.resolver.refused(probe.track.id, at, probe.why)
            else:
                good.append(probe)
        if not good:
            return []
        embeddings = await self._device.embed(np.stack([probe.chip for probe in good if probe.chip is not None]))
        threshold = self._roster.threshold
        changes: list[SightingChange] = []
        for probe, embedding, match in zip(good, embeddings, self._roster.gallery.search(embeddings), strict=True):
            vote = Vote(match=match, embedding=embedding, quality=worth(probe.quality))
            changes += self.resolver.vote(probe.track.id, at, vote, threshold)
        return changes

    def _look(self, image: Pixels, tracks: Sequence[Track]) -> list[_Probe]:
        """Quality first: a face that cannot be told apart is not embedded. Runs on a thread."""
        probes = []
        for track in tracks:
            quality = assess(image, track.box, track.landmarks, track.confidence)
            why = refusal(quality, self._limits)
            probes.append(_Probe(track, quality, why, None if why else self._align(image, track.landmarks)))
        return probes


def track_messages(faces: Sequence[SeenFace], width: int, height: int, names: Roster) -> list[dict[str, object]]:
    """The `tracks` of `tracks.updated`: boxes as x y w h in 0...1."""
    messages: list[dict[str, object]] = []
    for face in faces:
        x1, y1, x2, y2 = (float(v) for v in face.track.box)
        identity = face.identity
        known = identity.state is IdentityState.RECOGNIZED
        messages.append(
            {
                "trackId": face.track.id,
                "box": [round(v, 4) for v in (x1 / width, y1 / height, (x2 - x1) / width, (y2 - y1) / height)],
                "state": identity.state.value,
                "personId": identity.person_id if known else None,
                "name": names.name_of(identity.person_id) if known else None,
                "similarity": round(identity.similarity, 3) if identity.similarity is not None else None,
                "why": identity.why,
            }
        )
    return messages
