"""Zones of cameras, on SQLite and on PostgreSQL."""

import pytest

from server.errors import Conflict, NotFound
from server.store import cameras, zones
from server.store.engine import Store
from server.store.paging import Page
from server.store.tables import Zone
from tests.store.conftest import add_camera

CORNERS = [[0.0, 0.0], [1.0, 0.0], [1.0, 0.25]]


async def add(store: Store, camera_id: str, name: str, kind: str = "mask", direction: str | None = None) -> Zone:
    async with store.transaction() as session:
        row = Zone(camera_id=camera_id, name=name, kind=kind, points=CORNERS, direction=direction)
        return await zones.save_zone(session, row)


async def test_zones_of_a_camera(store: Store) -> None:
    """Oldest first, as they were drawn, and none of another camera."""
    door, yard = await add_camera(store, "Door"), await add_camera(store, "Yard")
    for camera, name in ((door, "Screen"), (yard, "Road"), (door, "Desk")):
        await add(store, camera.id, name)
    async with store.read() as session:
        found = await zones.of_camera(session, door.id)
        assert [(row.name, row.points) for row in found] == [("Screen", CORNERS), ("Desk", CORNERS)]
        by_camera = await zones.of_all(session)
        assert {key: [row.name for row in rows] for key, rows in by_camera.items()} == {
            door.id: ["Screen", "Desk"], yard.id: ["Road"],
        }  # fmt: skip
        assert (await zones.count(session, door.id), await zones.count(session, "nowhere")) == (2, 0)
        page = await zones.page(session, door.id, Page(search="SCR"))
        assert ([row.name for row in page.rows], page.total) == (["Screen"], 1)


async def test_a_name_is_there_once_a_camera(store: Store) -> None:
    """Two cameras may have a zone of the same name."""
    door, yard = await add_camera(store, "Door"), await add_camera(store, "Yard")
    await add(store, door.id, "Screen")
    await add(store, yard.id, "Screen")
    with pytest.raises(Conflict, match="this name"):
        await add(store, door.id, "Screen")


async def test_an_edit_is_of_the_cameras_own(store: Store) -> None:
    """A zone of another camera is not found; an edit moves the row's time on."""
    door, yard = await add_camera(store, "Door"), await add_camera(store, "Yard")
    made = await add(store, door.id, "Screen")
    async with store.transaction() as session:
        row = await zones.lock(session, door.id, made.id)
        row.direction = "out"
        await zones.save_zone(session, row)
        assert row.updated_at > made.created_at
        for camera_id, zone_id in ((yard.id, made.id), (door.id, "none")):
            with pytest.raises(NotFound):
                await zones.lock(session, camera_id, zone_id)


async def test_they_go_with_their_camera(store: Store) -> None:
    door = await add_camera(store, "Door")
    await add(store, door.id, "Screen")
    async with store.transaction() as session:
        await cameras.remove(session, await cameras.get(session, door.id))
    async with store.read() as session:
        assert await zones.of_all(session) == {}
