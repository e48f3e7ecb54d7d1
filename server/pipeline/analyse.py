"""One frame in; tracks with names and changes of sightings out."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from server.errors import TooMany
from server.identity.resolver import Identity, Resolver
from server.identity.sightings import SightingChange
from server.identity.votes import IdentityState, Vote, worth
from server.inference.loop import StaleFrame
from server.media.areas import NO_AREAS, Areas, Point
from server.pipeline.liveness import TrackLiveness
from server.pipeline.roster import Roster
from server.vision.detections import Detections
from server.vision.quality import FaceQuality, QualityLimits, assess, refusal
from server.vision.tracker import Track, Tracker

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float32]
SPOOF = "spoof"


class Device(Protocol):
    """The inference loop, as far as one camera sees it."""

    async def detect(self, image: Pixels, captured_monotonic: float) -> Detections: ...

    async def embed(self, chips: Pixels) -> Floats: ...


@dataclass(frozen=True, slots=True)
class SeenFace:
    """A track in this frame, with who it is."""

    track: Track
    identity: Identity
    fake: bool = False  # it was judged to be a picture of a face


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
        liveness: TrackLiveness | None = None,
    ) -> None:
        self._device = device
        self._tracker = tracker
        self.resolver = resolver
        self._roster = roster
        self._limits = limits
        self._align = align
        self._liveness = liveness or TrackLiveness(None)
        self.decided: list[SightingChange] = []  # by the newest frame, also where its analysis ended half-way
        self._places: dict[int, Point] = {}  # of the tracks, where they were last seen

    async def analyse(self, image: Pixels, at: datetime, monotonic: float, areas: Areas = NO_AREAS) -> Analysis:
        """`image` is BGR; `at` and `monotonic` are the time of its capture. Raises StaleFrame when it came too late and
        TooMany where too many wait: nothing is decided by it then."""
        self.decided = []
        detections = await self._device.detect(image, monotonic)
        height, width = image.shape[:2]
        counted = [areas.counts(*_centre(box, width, height)) for box in detections.boxes]
        update = self._tracker.update(detections[np.array(counted, np.bool_)], monotonic)
        for track_id in update.ended:
            self.resolver.ended(track_id, at)
            self._liveness.ended(track_id)
            self._places.pop(track_id, None)
        current = [track for track in update.tracks if track.confirmed and track.seen_s == monotonic]
        for track in current:
            self.resolver.seen(track.id, at)
        self._liveness.saw(current, monotonic)
        self.decided = changes = self._pass(current, at, width, height, areas)
        wants = self.resolver.wants_embedding, self._liveness.wants_vote
        wanted = [track for track in current if wants[0](track.id, at) or wants[1](track.id, monotonic)]
        if wanted:
            with suppress(StaleFrame, TooMany):  # the device is behind: they get another look; what is decided, is
                await self._vote(image, wanted, at, changes)
        changes += self._liveness.judge(self.resolver, current, at)
        changes += self.resolver.tick(at)
        seen = [SeenFace(one, self.resolver.identity(one.id), self._liveness.is_fake(one.id)) for one in current]
        return Analysis(seen, changes)

    def _pass(
        self, tracks: Sequence[Track], at: datetime, width: int, height: int, areas: Areas
    ) -> list[SightingChange]:
        """Who has crossed a line, or entered a zone, since they were last seen."""
        changes: list[SightingChange] = []
        for track in tracks:
            place = _centre(track.box, width, height)
            if direction := areas.step(self._places.get(track.id), place):
                changes += self.resolver.crossed(track.id, direction, at)
            self._places[track.id] = place
        return changes

    async def _vote(self, image: Pixels, tracks: Sequence[Track], at: datetime, changes: list[SightingChange]) -> None:
        probes = await asyncio.to_thread(self._look, image, tracks)
        good: list[_Probe] = []
        for probe in probes:
            if probe.why is not None:
                self.resolver.refused(probe.track.id, at, probe.why)
            else:
                good.append(probe)
        if not good:
            return
        embeddings = await self._device.embed(np.stack([probe.chip for probe in good if probe.chip is not None]))
        for probe, embedding, match in zip(good, embeddings, self._roster.gallery.search(embeddings), strict=True):
            bar = self._roster.bar(match, embedding) if match is not None else None
            vote = Vote(match=match, embedding=embedding, quality=worth(probe.quality), bar=bar)
            threshold = bar.threshold if bar is not None else self._roster.threshold
            changes += self.resolver.vote(probe.track.id, at, vote, threshold)
            self._liveness.voted(probe.track, match.person_id if match and match.similarity >= threshold else None)
        await self._liveness.check(image)

    def _look(self, image: Pixels, tracks: Sequence[Track]) -> list[_Probe]:
        """Quality first: a face that cannot be told apart is not embedded. Runs on a thread."""
        probes = []
        for track in tracks:
            quality = assess(image, track.box, track.landmarks, track.confidence)
            why = refusal(quality, self._limits)
            probes.append(_Probe(track, quality, why, None if why else self._align(image, track.landmarks)))
        return probes


def _centre(box: Floats, width: int, height: int) -> Point:
    x1, y1, x2, y2 = (float(v) for v in box)
    return (x1 + x2) / 2 / width, (y1 + y2) / 2 / height


def track_messages(faces: Sequence[SeenFace], width: int, height: int, names: Roster) -> list[dict[str, object]]:
    """The `tracks` of `tracks.updated`: boxes as x y w h in 0...1."""
    messages: list[dict[str, object]] = []
    for face in faces:
        x1, y1, x2, y2 = (float(v) for v in face.track.box)
        identity = face.identity
        known = identity.state is IdentityState.RECOGNIZED and not face.fake
        messages.append(
            {
                "trackId": face.track.id,
                "box": [round(v, 4) for v in (x1 / width, y1 / height, (x2 - x1) / width, (y2 - y1) / height)],
                "state": SPOOF if face.fake else identity.state.value,
                "personId": identity.person_id if known else None,
                "name": names.name_of(identity.person_id) if known else None,
                "similarity": round(identity.similarity, 3) if identity.similarity is not None else None,
                "why": identity.why,
            }
        )
    return messages
