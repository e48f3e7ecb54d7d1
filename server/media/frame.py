"""A decoded picture with the time at which the camera showed it."""

from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from threading import Lock

import av
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]


@dataclass(slots=True, eq=False)
class _Converted:
    """The conversion of one frame. PyAV keeps a converter in each picture that two threads may not use at once."""

    lock: Lock = field(default_factory=Lock)
    bgr: Pixels | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One picture of one camera.

    `pts` counts in `time_base` on the stream's own continuous time line (it never jumps, also when a file loops or a
    camera reconnects). `captured_at` is UTC, taken when the packet arrived. The pixels stay in the decoder's own
    format until somebody asks: conversion costs about a millisecond, so ask on a thread and only for what is analysed.
    """

    camera_id: str
    picture: av.VideoFrame
    pts: int
    time_base: Fraction
    captured_at: datetime
    captured_monotonic: float
    _converted: _Converted = field(default_factory=_Converted, init=False, repr=False)

    @property
    def width(self) -> int:
        return self.picture.width

    @property
    def height(self) -> int:
        return self.picture.height

    @property
    def seconds(self) -> float:
        """Position on the stream's time line, in seconds."""
        return float(self.pts * self.time_base)

    def to_bgr(self) -> Pixels:
        """(height, width, 3) uint8, BGR, read-only: converted once, for whoever asks, from any thread.

        Takes a millisecond or two the first time: never on the event loop.
        """
        with self._converted.lock:
            if self._converted.bgr is None:
                pixels = np.asarray(self.picture.to_ndarray(format="bgr24"), np.uint8)
                pixels.flags.writeable = False
                self._converted.bgr = pixels
            return self._converted.bgr
