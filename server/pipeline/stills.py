"""Stills: single pictures of one running camera, without what its masks hide."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from server.errors import Unavailable
from server.media.frame import Frame, Pixels
from server.media.mailbox import Closed, Mailbox
from server.pipeline.evidence import jpeg, scaled
from server.pipeline.zoning import Zoning

QUALITY = 80
_FIRST_PICTURE_S = 3.0


class Video(Protocol):
    """A camera's stream, as far as its newest frame is wanted."""

    def frames(self) -> AbstractContextManager[Mailbox[Frame]]: ...

    def latest(self) -> Frame | None: ...


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A frame of the running stream as JPEG, no wider than `width`."""

    pts: int
    width: int
    captured_at: datetime
    jpeg: bytes


@dataclass(frozen=True, slots=True)
class Still:
    """The newest frame; `pixels` is BGR, the masks painted over, and takes a millisecond or two: on a thread."""

    captured_at: datetime
    width: int
    height: int
    pixels: Callable[[], Pixels]


class Stills:
    """One a camera. Those who want the same frame in the same size encode it once."""

    def __init__(self, video: Video, zoning: Zoning) -> None:
        self._video = video
        self._zoning = zoning
        self._encoded: dict[int, Snapshot] = {}  # by width
        self._turn = asyncio.Lock()

    async def take(self) -> Still:
        """Raises Unavailable where nothing has been shown yet."""
        frame = await self._newest()
        return Still(frame.captured_at, frame.width, frame.height, lambda: self._zoning.now.painted(frame.to_bgr()))

    async def encoded(self, width: int) -> Snapshot:
        """The same as JPEG, no wider than `width`. Raises Unavailable."""
        async with self._turn:
            frame = await self._newest()
            kept = self._encoded.get(width)
            if kept is None or kept.pts != frame.pts:
                areas = self._zoning.now
                picture = await asyncio.to_thread(lambda: jpeg(scaled(areas.painted(frame.to_bgr()), width), QUALITY))
                kept = Snapshot(frame.pts, width, frame.captured_at, picture)
                if areas is self._zoning.now:
                    self._encoded = {key: one for key, one in self._encoded.items() if one.pts == frame.pts}
                    self._encoded[width] = kept
        return kept

    def forget(self) -> None:
        """The zones have changed: what was encoded shows the old ones."""
        self._encoded.clear()

    async def _newest(self) -> Frame:
        """Decoded for this alone where nobody else reads frames."""
        with self._video.frames() as mailbox:
            frame = self._video.latest()
            if frame is not None:
                return frame
            try:
                async with asyncio.timeout(_FIRST_PICTURE_S):
                    return await mailbox.take()
            except (TimeoutError, Closed):
                raise Unavailable("The camera has not shown a picture yet.", code="camera_offline") from None
