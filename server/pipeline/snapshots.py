"""Snapshots that are kept: a frame of the running stream and its thumbnail, on request and on a schedule."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Literal, Protocol

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel.ext.asyncio.session import AsyncSession

from server.clock import Clock
from server.errors import RollcallError
from server.ids import new_id
from server.objects.objects import Objects
from server.pipeline.evidence import jpeg, scaled
from server.pipeline.stills import Still
from server.store import cameras
from server.store.engine import Store
from server.store.tables import Camera, Snapshot

THUMBNAIL_PX = 320
CHECK_EVERY_S = 1.0
QUALITY = 85

Note = Callable[[AsyncSession, Snapshot], Awaitable[None]]


class Frames(Protocol):
    """The running cameras, as far as somebody wants their newest picture."""

    async def still(self, camera_id: str) -> Still: ...


class Snapshots:
    """Takes them, and keeps the schedules of the cameras that run here."""

    def __init__(self, store: Store, objects: Objects, frames: Frames, clock: Clock) -> None:
        self._store = store
        self._objects = objects
        self._frames = frames
        self._clock = clock
        self._due_s: dict[str, float] = {}

    async def take(
        self, camera_id: str, origin: Literal["request", "schedule"] = "request", note: Note | None = None
    ) -> Snapshot:
        """The newest frame, stored. Raises Unavailable where the camera shows nothing, or the storage is away.

        `note` is awaited in the transaction of the row.
        """
        still = await self._frames.still(camera_id)
        picture, thumbnail = await asyncio.to_thread(_encoded, still)
        snapshot_id = new_id()
        stem = f"snapshots/{still.captured_at:%Y/%m/%d}/{snapshot_id}"
        row = Snapshot(
            id=snapshot_id, camera_id=camera_id, taken_at=still.captured_at, origin=origin, width=still.width,
            height=still.height, size_bytes=len(picture) + len(thumbnail), object_key=f"{stem}.jpg",
            thumbnail_key=f"{stem}-small.jpg",
        )  # fmt: skip
        await self._objects.put(row.object_key, picture)
        await self._objects.put(row.thumbnail_key, thumbnail)
        try:
            async with self._store.transaction() as session:
                await cameras.get(session, camera_id)  # it may have been removed meanwhile
                session.add(row)
                await session.flush()
                if note is not None:
                    await note(session, row)
        except BaseException:
            await self._objects.delete(row.object_key, row.thumbnail_key)
            raise
        return row

    async def run(self) -> None:
        """Keeps the schedules until cancelled."""
        while True:
            await asyncio.sleep(CHECK_EVERY_S)
            await self.check()

    async def check(self) -> None:
        """Takes what is due. A camera that is away at that moment misses one, and is not caught up with."""
        async with self._store.read() as session:
            wanted = {row.id: row for row in await cameras.all_enabled(session) if row.snapshot_every_s}
        self._due_s = {camera_id: due_s for camera_id, due_s in self._due_s.items() if camera_id in wanted}
        for row in wanted.values():
            if self._is_due(row):
                await self._try(row.id)

    def _is_due(self, row: Camera) -> bool:
        now_s = self._clock.monotonic()
        due_s = self._due_s.setdefault(row.id, now_s + row.snapshot_every_s)
        # A schedule that was shortened counts from now on.
        due_s = min(due_s, now_s + row.snapshot_every_s)
        self._due_s[row.id] = now_s + row.snapshot_every_s if now_s >= due_s else due_s
        return now_s >= due_s

    async def _try(self, camera_id: str) -> None:
        try:
            await self.take(camera_id, "schedule")
        except (RollcallError, SQLAlchemyError, OSError) as error:
            structlog.get_logger(__name__).info("snapshot_missed", camera=camera_id, reason=type(error).__name__)


def _encoded(still: Still) -> tuple[bytes, bytes]:
    image = still.pixels()
    return jpeg(image, QUALITY), jpeg(scaled(image, THUMBNAIL_PX), QUALITY)
