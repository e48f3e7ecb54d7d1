"""When a camera is analysed: always, at certain hours, or while something moves in its picture."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, time, tzinfo
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from server.media.watch import Luma

HOLD_S = 8.0  # how long it is looked at after the last movement, or the last face
_MOVED = 10  # steps of luma in a cell, above what noise and an encoder make of one that stands still
_CELLS = 2  # fewer are a fly, or a lamp in the distance
_SETTLES = 0.05  # the share of each picture in what counts as the background


@dataclass(frozen=True, slots=True)
class Hours:
    """From `start` to `end` on days of the week (1 is Monday); one that ends before it starts goes over midnight."""

    days: frozenset[int]
    start: time
    end: time

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> "Hours":
        """From the row of a camera: `{"days": [1, 2], "start": "07:00", "end": "18:00"}`."""
        return cls(frozenset(stored["days"]), time.fromisoformat(stored["start"]), time.fromisoformat(stored["end"]))

    def hold(self, local: datetime) -> bool:
        """Whether that moment, in the site's own time, is within. Equal ends are a whole day."""
        today, now = local.isoweekday(), local.time()
        if self.start < self.end:
            return today in self.days and self.start <= now < self.end
        yesterday = 7 if today == 1 else today - 1
        return (today in self.days and now >= self.start) or (yesterday in self.days and now < self.end)


class When:
    """Of one camera. `open` is asked before frames are taken, so that outside its hours none is even decoded."""

    def __init__(self, analysis: str, hours: Iterable[Mapping[str, Any]], zone: Callable[[], tzinfo]) -> None:
        self._hours = [Hours.of(one) for one in hours] if analysis == "schedule" else None
        self._zone = zone
        self._by_motion = analysis == "motion"
        self._background: NDArray[np.float32] | None = None
        self._last_s = -HOLD_S

    def open(self, now: datetime) -> bool:
        """Whether this is an hour to look at the picture at all."""
        if self._hours is None:
            return True
        local = now.astimezone(self._zone())
        return any(one.hold(local) for one in self._hours)

    def wants(self, luma: Luma, at_s: float) -> bool:
        """Whether a frame, by its thumbnail, is worth a look for faces. Seen on a thread, one after another."""
        if not self._by_motion:
            return True
        if self._moved(luma.astype(np.float32)):
            self._last_s = at_s
        return at_s - self._last_s < HOLD_S

    def saw_faces(self, at_s: float) -> None:
        """Whoever stands still before the camera is still looked at."""
        self._last_s = at_s

    def _moved(self, pixels: NDArray[np.float32]) -> bool:
        if self._background is None:
            self._background = pixels
            return True  # whoever is there already has not been seen moving
        changed = int(np.count_nonzero(np.abs(pixels - self._background) > _MOVED))
        cv2.accumulateWeighted(pixels, self._background, _SETTLES)
        return changed >= _CELLS
