"""Encoder: pictures in, H.264 for browsers out, on the thread of whoever calls; no picture waits for the next."""

from dataclasses import dataclass
from fractions import Fraction
from typing import cast

import av
import numpy as np
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType
from av.video.reformatter import ColorRange, VideoReformatter

from server.media.frame import Frame
from server.media.packet import TICKS, TIME_BASE, Packet

_BITS_PER_PIXEL = 0.09
_LEAST_BIT_RATE, _MOST_BIT_RATE = 400_000, 6_000_000
# The room for a burst: a keyframe may take this much of a second's bits, not more.
_BURST_S = 0.4
_QUALITY = 23
_SHARE, _SLOWEST, _WAVERS = 0.9, 150_000, 0.1
_X264 = {
    # Nothing that looks ahead or waits, and one thread: the cheapest for each picture, with none held back.
    "rc-lookahead": 0,
    "sync-lookahead": 0,
    "sliced-threads": 0,
    "scenecut": 0,
    "bframes": 0,
    # Keyframes come by time and on request, not by counting.
    "keyint": 1_000_000,
    "repeat-headers": 1,
    "annexb": 1,
}


@dataclass(frozen=True, slots=True)
class _Shape:
    width: int
    height: int
    colours: tuple[int, int, int]


class Encoder:
    """One encode of one camera: constrained baseline, no B-frames, parameter sets before every keyframe, Annex B.

    The quality is constant, within a bit rate that follows from the size: a still scene costs next to nothing. Where
    `limit` is set the bit rate stays below it, from the next keyframe on. Sizes that are odd lose a line or a column.
    Belongs to one caller at a time.
    """

    def __init__(self, *, fps: float = 25.0, bit_rate: int | None = None, gop_s: float = 2.0) -> None:
        self._fps = fps
        self._bit_rate = bit_rate
        self.limit: int | None = None  # bits a second
        self._opened_with = 0
        self._gop = round(gop_s * TICKS)
        self._context: VideoCodecContext | None = None
        self._shape: _Shape | None = None
        self._converter = VideoReformatter()
        self._last_pts: int | None = None
        self._keyframe_pts = 0

    def encode(self, picture: av.VideoFrame, frame: Frame, *, keyframe: bool = False) -> list[Packet]:
        """The picture, which may be the frame's own, with the frame's times. Blocks for some milliseconds.

        A picture that is not newer than the last gives nothing. Raises av.FFmpegError.
        """
        picture = self._prepared(picture)
        shape = _shape(picture)
        context = self._context
        if context is None or shape != self._shape:
            context = self._open(shape)
            self._last_pts = None
        if self._last_pts is not None and frame.pts <= self._last_pts:
            return []
        first = self._last_pts is None
        keyframe = keyframe or first or frame.pts - self._keyframe_pts >= self._gop
        if keyframe and not first and self._moved_on(shape):
            context = self._open(shape)
        # A decoded picture brings the type that it had at the camera.
        picture.pict_type = PictureType.I if keyframe else PictureType.NONE
        picture.pts, picture.time_base = frame.pts, TIME_BASE
        encoded = context.encode(picture)
        self._last_pts = frame.pts
        if keyframe:
            self._keyframe_pts = frame.pts
        return [_packet(cast("av.Packet[av.VideoStream]", each), frame) for each in encoded]

    def close(self) -> None:
        """Lets the encoder go; the next picture opens another. May be called twice."""
        self._context = self._shape = self._last_pts = None

    def _prepared(self, picture: av.VideoFrame) -> av.VideoFrame:
        if picture.format.name != "yuv420p":
            picture = self._converter.reformat(picture, format="yuv420p", dst_color_range=ColorRange.MPEG, threads=1)
        if picture.width % 2 or picture.height % 2:
            picture = _even(picture)
        return picture

    def _moved_on(self, shape: _Shape) -> bool:
        """Whether the bit rate is another than that which the encoder was opened with, by more than it wavers."""
        return abs(self._most(shape) - self._opened_with) > _WAVERS * self._opened_with

    def _most(self, shape: _Shape) -> int:
        """Bits a second, with some room in the network for what comes beside the pictures."""
        usual = self._bit_rate or default_bit_rate(shape.width, shape.height, self._fps)
        return usual if self.limit is None else min(usual, max(round(self.limit * _SHARE), _SLOWEST))

    def _open(self, shape: _Shape) -> VideoCodecContext:
        self._opened_with = bit_rate = self._most(shape)
        context = av.CodecContext.create("libx264", "w")
        context.width, context.height, context.pix_fmt = shape.width, shape.height, "yuv420p"
        context.time_base = TIME_BASE
        context.framerate = Fraction(self._fps).limit_denominator(1001)
        context.thread_count = 1
        context.color_range, context.colorspace, context.color_primaries = shape.colours
        context.options = {
            "preset": "ultrafast",
            "tune": "zerolatency",
            "profile": "baseline",
            "crf": str(_QUALITY),
            "maxrate": str(bit_rate),
            "bufsize": str(round(bit_rate * _BURST_S)),
            "forced-idr": "1",
            "x264-params": ":".join(f"{name}={value}" for name, value in _X264.items()),
        }
        context.open()
        self._context, self._shape = context, shape
        return context


def default_bit_rate(width: int, height: int, fps: float) -> int:
    """The most that a picture of this size may take, in bits a second: 2 Mbit/s for 1280x720 at 25."""
    return round(min(max(width * height * fps * _BITS_PER_PIXEL, _LEAST_BIT_RATE), _MOST_BIT_RATE))


def _shape(picture: av.VideoFrame) -> _Shape:
    colours = (picture.color_range, picture.colorspace, picture.color_primaries)
    return _Shape(picture.width, picture.height, (int(colours[0]), int(colours[1]), int(colours[2])))


def _even(picture: av.VideoFrame) -> av.VideoFrame:
    """A copy without the last line or column, where that is one too many for pairs."""
    even = av.VideoFrame(picture.width & ~1, picture.height & ~1, "yuv420p")
    for source, target in zip(picture.planes, even.planes, strict=True):
        pixels = np.frombuffer(memoryview(source), np.uint8).reshape(-1, source.line_size)
        room = np.frombuffer(memoryview(target), np.uint8).reshape(-1, target.line_size)
        room[: target.height, : target.width] = pixels[: target.height, : target.width]
    even.color_range, even.colorspace = picture.color_range, picture.colorspace
    return even


def _packet(encoded: "av.Packet[av.VideoStream]", frame: Frame) -> Packet:
    encoded.time_base = TIME_BASE
    encoded.pts = encoded.dts = frame.pts
    return Packet(encoded, frame.pts, frame.pts, encoded.is_keyframe, frame.captured_at, frame.captured_monotonic)
