"""A decoded picture with the time at which the camera showed it."""

from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from threading import Lock

import av
import numpy as np
from av.video.reformatter import ColorRange, VideoReformatter
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]


class Converter:
    """Turns pictures of one camera into other formats, one at a time: FFmpeg's converters are for one thread each.

    They are kept, because making one costs more than a conversion, and megabytes as long as it lives.
    """

    def __init__(self) -> None:
        self.lock = Lock()
        self._bgr = VideoReformatter()
        self._yuv420p = VideoReformatter()

    def bgr(self, picture: av.VideoFrame) -> Pixels:
        """With the lock held."""
        pixels = np.asarray(self._bgr.reformat(picture, format="bgr24", threads=1).to_ndarray(), np.uint8)
        pixels.flags.writeable = False
        return pixels

    def yuv420p(self, picture: av.VideoFrame) -> av.VideoFrame:
        """With the lock held."""
        # MJPEG uses all 256 steps of brightness; video that leaves room at both ends is what every decoder expects.
        full = picture.format.name.startswith("yuvj") or picture.color_range == ColorRange.JPEG
        return self._yuv420p.reformat(
            picture,
            format="yuv420p",
            src_color_range=ColorRange.JPEG if full else None,
            dst_color_range=ColorRange.MPEG,
            threads=1,
        )


@dataclass(slots=True, eq=False)
class _Converted:
    """What one frame was converted to."""

    bgr: Pixels | None = None
    yuv420p: av.VideoFrame | None = None


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
    converter: Converter = field(default_factory=Converter, repr=False)
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
        with self.converter.lock:
            if self._converted.bgr is None:
                self._converted.bgr = self.converter.bgr(self.picture)
            return self._converted.bgr

    def to_yuv420p(self) -> av.VideoFrame:
        """The picture as encoders take it, shared and never to be drawn on: itself where it is in that format.

        Otherwise converted once, for whoever asks, from any thread: a millisecond or two, never on the event loop.
        """
        if self.picture.format.name == "yuv420p":
            return self.picture
        with self.converter.lock:
            if self._converted.yuv420p is None:
                self._converted.yuv420p = self.converter.yuv420p(self.picture)
            return self._converted.yuv420p
