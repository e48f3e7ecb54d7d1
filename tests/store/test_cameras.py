"""Cameras."""

import pytest

from server.errors import Conflict, NotFound
from server.store import cameras, kiosks, sightings
from server.store.engine import Store
from server.store.paging import Page
from server.store.tables import Kiosk
from tests.store.conftest import add_camera, add_sighting


async def test_pages(store: Store) -> None:
    """By kind, role and whether enabled; words look at the name, never at the source with its password."""
    await add_camera(store, "Gate")
    await add_camera(store, "door", kind="file", role="out", enabled=False)
    async with store.read() as session:
        assert [c.name for c in (await cameras.page(session, Page())).rows] == ["door", "Gate"]
        assert [c.name for c in (await cameras.page(session, Page(), kind="file")).rows] == ["door"]
        assert [c.name for c in (await cameras.page(session, Page(), role="in")).rows] == ["Gate"]
        assert [c.name for c in (await cameras.page(session, Page(), enabled=False)).rows] == ["door"]
        assert (await cameras.page(session, Page(search="hunter2"))).total == 0


async def test_finding(store: Store) -> None:
    """By id or name; several names at once; those that should run."""
    gate, door = await add_camera(store, "Gate"), await add_camera(store, "Door", enabled=False)
    async with store.read() as session:
        assert (await cameras.get(session, gate.id)).name == "Gate"
        assert await cameras.find(session, "nowhere") is None
        assert (await cameras.find_by_name(session, "Door")) is not None
        assert await cameras.names(session, [gate.id, "nowhere"]) == {gate.id: "Gate"}
        assert await cameras.names(session, []) == {}
        assert [camera.id for camera in await cameras.all_enabled(session)] == [gate.id]
        assert [camera.id for camera in await cameras.all_of_them(session)] == [gate.id, door.id]
        with pytest.raises(NotFound) as caught:
            await cameras.get(session, "nowhere")
    assert caught.value.code == "camera_not_found"


async def test_a_name_is_unique(store: Store) -> None:
    """A second camera of that name is a conflict."""
    await add_camera(store, "Gate")
    with pytest.raises(Conflict) as caught:
        await add_camera(store, "Gate")
    assert caught.value.code == "camera_name_taken"


async def test_removing(store: Store) -> None:
    """What it has seen stays, and kiosks no longer wait for it."""
    gate, door = await add_camera(store, "Gate"), await add_camera(store, "Door")
    seen = await add_sighting(store, gate, None, 0)
    async with store.transaction() as session:
        kiosk = await kiosks.save_kiosk(session, Kiosk(name="K", camera_ids=[gate.id, door.id]))
    async with store.transaction() as session:
        await cameras.remove(session, await cameras.get(session, gate.id))
    async with store.read() as session:
        assert (await sightings.get(session, seen.id)).sighting.camera_id is None
        assert (await kiosks.get(session, kiosk.id)).camera_ids == [door.id]
