"""Liveness at one camera: what its tracks show, by their landmarks and by a passive network where one is in use."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
import structlog
from numpy.typing import NDArray

from server.errors import PackRefused, TooMany
from server.identity.liveness import LivenessJudge
from server.identity.resolver import Resolver
from server.identity.sightings import SightingChange
from server.vision.tracker import Track

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class PassiveCheck:
    """A passive network: what it looks at, made on a thread, and the device that it runs on."""

    chips: Callable[[Pixels, Floats], Pixels]
    run: Callable[[Pixels], Awaitable[Floats]]


@dataclass(slots=True, eq=False)
class TrackLiveness:
    """One camera's, beside its resolver. Without a judge, where the policy is off, it does nothing."""

    judged_by: LivenessJudge | None
    passive: PassiveCheck | None = None
    _recognised: list[Track] = field(default_factory=list)  # in this frame, for the network to look at
    _now_s: float = 0.0

    def saw(self, tracks: Sequence[Track], monotonic: float) -> None:
        """The tracks that are in this frame."""
        self._now_s = monotonic
        self._recognised.clear()
        if self.judged_by is not None:
            for track in tracks:
                self.judged_by.saw(track.id, track.landmarks, monotonic)

    def wants_vote(self, track_id: int, monotonic: float) -> bool:
        return self.judged_by is not None and self.judged_by.wants_vote(track_id, monotonic)

    def voted(self, track: Track, person_id: str | None) -> None:
        """Whom this frame of the track is like, or nobody."""
        if self.judged_by is not None:
            self.judged_by.voted(track.id, person_id, self._now_s)
            if person_id is not None:
                self._recognised.append(track)

    async def check(self, image: Pixels) -> None:
        """Lets the network look at those who were recognised in this frame."""
        if self.judged_by is None or self.passive is None or not self._recognised:
            return
        boxes = np.stack([track.box for track in self._recognised])
        try:
            shares = await self.passive.run(await asyncio.to_thread(self.passive.chips, image, boxes))
        except (TooMany, PackRefused) as error:  # without its word nobody is shown to live
            structlog.get_logger(__name__).warning("liveness_not_checked", reason=str(error))
            return
        for track, share in zip(self._recognised, shares[:, 0], strict=True):
            self.judged_by.share(track.id, float(share))

    def judge(self, resolver: Resolver, tracks: Sequence[Track], at: datetime) -> list[SightingChange]:
        """What the sightings of these tracks have shown, where that is news."""
        changes: list[SightingChange] = []
        if self.judged_by is None:
            return changes
        for track in tracks:
            person_id, shown = self.judged_by.shown_by(track.id)
            if person_id is not None:
                changes += resolver.judged(track.id, person_id, shown, at)
        return changes

    def is_fake(self, track_id: int) -> bool:
        return self.judged_by is not None and self.judged_by.shown_by(track_id)[1].liveness.fake

    def ended(self, track_id: int) -> None:
        if self.judged_by is not None:
            self.judged_by.ended(track_id)
