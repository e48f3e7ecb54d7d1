"""Encoded pictures for the tests of live video: real H.264 as a camera gives it, and a feed that plays it."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from fractions import Fraction
from typing import cast

import av
import numpy as np

from server.media.packet import TIME_BASE, Packet
from server.media.packets import PacketQueue

TICKS_A_FRAME = 3600


def encoded(count: int, *, codec: str = "libx264", gop: int = 10, size: tuple[int, int] = (320, 192)) -> list[bytes]:
    """So many pictures of noise under a moving bar, without B-frames."""
    width, height = size
    context = cast(av.VideoCodecContext, av.CodecContext.create(codec, "w"))
    context.width, context.height, context.pix_fmt = width, height, "yuv420p"
    context.time_base, context.framerate = Fraction(1, 25), Fraction(25)
    context.gop_size = gop
    context.options = (
        {"preset": "ultrafast", "tune": "zerolatency", "bf": "0", "crf": "18"}
        if codec == "libx264"
        else {"deadline": "realtime", "cpu-used": "8"}
    )
    chance = np.random.default_rng(1)
    found: list[bytes] = []
    for index in range(count):
        pixels = chance.integers(0, 40, (height, width, 3), np.uint8)
        at = index * 8 % (width - 32)
        pixels[:, at : at + 32] = (40, 200, 240)
        picture = av.VideoFrame.from_ndarray(pixels, format="bgr24")
        picture.pts, picture.time_base = index, context.time_base
        found += [bytes(packet) for packet in context.encode(picture)]
    return found


def packets(pictures: Sequence[bytes], *, first_pts: int = 0, at_s: float = 0.0, gop: int = 10) -> list[Packet]:
    """The pictures on a camera's time line, 25 a second; the first one was captured at `at_s`."""
    made = []
    for index, content in enumerate(pictures):
        raw = cast("av.Packet[av.VideoStream]", av.Packet(content))
        pts = first_pts + index * TICKS_A_FRAME
        raw.pts = raw.dts = pts
        raw.time_base = TIME_BASE
        made.append(Packet(raw, pts, pts, index % gop == 0, datetime(2026, 1, 5, tzinfo=UTC), at_s + index / 25))
    return made


class Camera:
    """Plays pictures to its readers at 25 a second, over and over, on one time line that begins where a test wants it.

    Who comes late gets the current group first, as from a real camera.
    """

    def __init__(self, pictures: Sequence[bytes], *, first_pts: int = 0, gop: int = 10) -> None:
        self._pictures = pictures
        self._gop = gop
        self._first_pts = first_pts
        self._group: list[Packet] = []
        self._queues: list[PacketQueue] = []
        self.requests = 0
        self.readers = 0
        self.sent: list[int] = []

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        index = 0
        while True:
            self.publish(index, began_s + index / 25)
            index += 1
            await asyncio.sleep(max(0.0, began_s + index / 25 - loop.time()))

    def publish(self, index: int, at_s: float) -> None:
        content = self._pictures[index % len(self._pictures)]
        (packet,) = packets([content], first_pts=self._first_pts + index * TICKS_A_FRAME, at_s=at_s)
        packet = replace(packet, keyframe=index % self._gop == 0)
        if packet.keyframe:
            self._group.clear()
        self._group.append(packet)
        self.sent.append(packet.pts)
        for queue in self._queues:
            queue.put_threadsafe(packet)

    def end(self) -> None:
        """The camera stops for good: its readers are told."""
        for queue in self._queues:
            queue.close()

    @contextmanager
    def watched(self) -> Iterator["CameraFeed"]:
        queue = PacketQueue(256, self._cached())
        self._queues.append(queue)
        self.readers += 1
        try:
            yield CameraFeed(self, queue)
        finally:
            self._queues.remove(queue)
            queue.close()
            self.readers -= 1

    def refill(self, queue: PacketQueue) -> None:
        self.requests += 1
        queue.refill(self._cached())

    def _cached(self) -> list[Packet]:
        return [replace(packet, cached=True) for packet in self._group]


class CameraFeed:
    """What one viewer reads."""

    def __init__(self, camera: Camera, queue: PacketQueue) -> None:
        self._camera = camera
        self._queue = queue
        self.bit_rate: Callable[[], int | None] = lambda: None

    async def take(self) -> Packet:
        return await self._queue.take()

    def request_keyframe(self) -> None:
        self._camera.refill(self._queue)
