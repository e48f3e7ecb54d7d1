"""Zones that are drawn while a camera runs: they count at once, here and in another process."""

import asyncio
from pathlib import Path

from server.lifespan import running
from server.media.areas import PAINT
from server.parts import Parts
from server.pipeline.zoning import Zoning
from server.store import zones
from server.store.tables import Camera, Zone
from tests.journeys.films import decoded
from tests.opened import parts_in
from tests.pipeline.test_live import decoded as pictures
from tests.pipeline.test_live import taken
from tests.pipeline.test_placement import film, until

LEFT_HALF = [[0.0, 0.0], [0.5, 0.0], [0.5, 1.0], [0.0, 1.0]]


async def draw(parts: Parts, camera: Camera) -> Zone:
    async with parts.store.transaction() as session:
        return await zones.save_zone(session, Zone(camera_id=camera.id, name="Desk", kind="mask", points=LEFT_HALF))


async def is_hidden(parts: Parts, camera: Camera) -> bool:
    """Whether the left half of the picture is painted over, and the right one is not."""
    picture = decoded((await parts.cameras.snapshot(camera.id, 160)).jpeg)
    hidden = [abs(half - PAINT).max(axis=-1).mean() < 12 for half in (picture[:, :72].astype(int), picture[:, 88:])]
    return hidden == [True, False]


def test_nothing_is_drawn_at_first() -> None:
    assert Zoning().now.counts(0.5, 0.5)


async def test_a_mask_counts_at_once(tmp_path: Path) -> None:
    """Who watches and may not see behind it gets an encode without it, who may goes on; all pictures are painted."""
    async with (
        parts_in(tmp_path / "state", media={"roots": [tmp_path]}) as parts,
        film(parts, tmp_path) as camera,
        running(parts),
    ):
        await until(lambda: parts.cameras.status(camera).state == "online")
        assert not await is_hidden(parts, camera)
        live = parts.cameras.online(camera.id)
        with live.viewer() as guest, live.viewer(unmasked=True) as guard, live.viewer(annotated=True) as drawn:
            assert guest.source is guard.source
            await taken(guest, 5)
            zone = await draw(parts, camera)
            await parts.cameras.rezone(camera.id)
            assert await is_hidden(parts, camera)
            packets = await asyncio.gather(taken(guest, 20), taken(guard, 20), taken(drawn, 40))
            shown = [pictures(one)[-1].to_ndarray(format="bgr24")[:, :72].astype(int) for one in packets]
            hidden = [bool(abs(half - PAINT).max(axis=-1).mean() < 12) for half in shown]
            assert hidden == [True, False, True]
            assert guest.source is not guard.source
            async with parts.store.transaction() as session:
                await session.delete(await zones.lock(session, camera.id, zone.id))
            await parts.cameras.rezone(camera.id)
            assert not await is_hidden(parts, camera)
            await taken(guest, 20)
            assert guest.source is guard.source


async def test_masks_are_there_from_the_first_picture_on(tmp_path: Path) -> None:
    """When the server starts, when the camera is started again, and when another process has drawn or removed one."""
    async with parts_in(tmp_path / "state", media={"roots": [tmp_path]}) as parts, film(parts, tmp_path) as camera:
        zone = await draw(parts, camera)
        async with running(parts):
            await until(lambda: parts.cameras.status(camera).state == "online")
            assert await is_hidden(parts, camera)
            await parts.cameras.settle(camera.id, afresh=True)
            await until(lambda: parts.cameras.status(camera).state == "online")
            assert await is_hidden(parts, camera)
            async with parts.store.transaction() as session:
                await session.delete(await zones.lock(session, camera.id, zone.id))

            async def seen() -> bool:
                return not await is_hidden(parts, camera)

            await until(seen)
