"""server/pipeline/snapshots.py: what is kept of a camera, on request and on its schedule."""

import numpy as np
import pytest
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from server.clock import ManualClock
from server.errors import NotFound, Unavailable
from server.parts import Parts
from server.pipeline.snapshots import THUMBNAIL_PX, Snapshots
from server.pipeline.stills import Still
from server.store import cameras
from server.store.tables import Camera, Snapshot
from tests.journeys.films import decoded


class Pictures:
    """A camera that shows a grey picture, unless it is away."""

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock
        self.away = False

    async def still(self, camera_id: str) -> Still:
        if self.away:
            raise Unavailable("The camera is offline.", code="camera_offline")
        return Still(self._clock.now(), 640, 480, lambda: np.full((480, 640, 3), 90, np.uint8))


@pytest.fixture
def pictures(clock: ManualClock) -> Pictures:
    return Pictures(clock)


@pytest.fixture
def taker(parts: Parts, pictures: Pictures, clock: ManualClock) -> Snapshots:
    return Snapshots(parts.store, parts.objects, pictures, clock)


async def kept(parts: Parts) -> list[Snapshot]:
    async with parts.store.read() as session:
        return list((await session.exec(select(Snapshot).order_by(Snapshot.id))).all())


async def scheduled(parts: Parts, camera: Camera, seconds: int) -> None:
    async with parts.store.transaction() as session:
        row = await cameras.get(session, camera.id)
        row.enabled, row.snapshot_every_s = True, seconds
        await cameras.save_camera(session, row)


async def test_a_frame_and_its_thumbnail_are_kept(parts: Parts, taker: Snapshots, camera: Camera) -> None:
    """With its size and time, in one transaction with what is noted of it."""
    noted: list[str] = []

    async def note(_session: AsyncSession, row: Snapshot) -> None:
        noted.append(row.id)

    row = await taker.take(camera.id, note=note)
    assert noted == [row.id]
    assert (row.width, row.height, row.origin, row.taken_at) == (640, 480, "request", parts.clock.now())
    picture, thumbnail = await parts.objects.get(row.object_key), await parts.objects.get(row.thumbnail_key)
    assert row.size_bytes == len(picture) + len(thumbnail)
    assert decoded(picture).shape == (480, 640, 3)
    assert decoded(thumbnail).shape == (240, THUMBNAIL_PX, 3)


async def test_what_is_not_stored_leaves_no_picture(parts: Parts, taker: Snapshots, camera: Camera) -> None:
    """A camera that was removed in between, or a note that fails: no row, and no object that nobody knows of."""

    async def fail(_session: AsyncSession, row: Snapshot) -> None:
        keys.extend((row.object_key, row.thumbnail_key))
        raise RuntimeError("the audit is away")

    keys: list[str] = []
    with pytest.raises(RuntimeError):
        await taker.take(camera.id, note=fail)
    for key in keys:
        with pytest.raises(NotFound):
            await parts.objects.get(key)
    with pytest.raises(NotFound):
        await taker.take("nowhere")
    assert await kept(parts) == []


async def test_a_schedule(
    parts: Parts, taker: Snapshots, camera: Camera, pictures: Pictures, clock: ManualClock
) -> None:
    """Every so many seconds; one that is missed is missed, and a schedule that was shortened counts at once."""
    await scheduled(parts, camera, 60)
    await taker.check()
    for _ in range(6):
        clock.advance(20)
        await taker.check()
    assert [row.origin for row in await kept(parts)] == ["schedule"] * 2
    pictures.away = True
    clock.advance(60)
    await taker.check()
    pictures.away = False
    clock.advance(10)
    await taker.check()
    assert len(await kept(parts)) == 2
    await scheduled(parts, camera, 5)
    clock.advance(0)
    await taker.check()
    clock.advance(5)
    await taker.check()
    assert len(await kept(parts)) == 3
    await scheduled(parts, camera, 0)
    clock.advance(600)
    await taker.check()
    assert len(await kept(parts)) == 3
