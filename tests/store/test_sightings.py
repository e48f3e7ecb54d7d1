"""Sightings."""

import pytest

from server.errors import NotFound
from server.store import sightings
from server.store.engine import Store
from server.store.paging import Page
from server.store.sightings import SightingFilter
from tests.store.conftest import add_camera, add_person, add_sighting, after


async def test_filters(store: Store) -> None:
    """By camera, person, state, time and whether unknown; newest first."""
    gate, door = await add_camera(store, "Gate"), await add_camera(store, "Door")
    ada = await add_person(store, "Ada")
    ids = {
        (await add_sighting(store, gate, ada, 0)).id: 0,
        (await add_sighting(store, door, None, 10)).id: 1,
        (await add_sighting(store, gate, None, 20, "open")).id: 2,
        (await add_sighting(store, door, ada, 30, "open")).id: 3,
    }

    async def found(which: SightingFilter | None = None, page: Page | None = None) -> list[int]:
        async with store.read() as session:
            return [ids[row.sighting.id] for row in (await sightings.page(session, page or Page(), which)).rows]

    assert await found() == [3, 2, 1, 0]
    assert await found(SightingFilter(camera_id=gate.id)) == [2, 0]
    assert await found(SightingFilter(person_id=ada.id)) == [3, 0]
    assert await found(SightingFilter(state="open")) == [3, 2]
    assert await found(SightingFilter(unknown=True)) == [2, 1]
    assert await found(SightingFilter(unknown=False)) == [3, 0]
    assert await found(SightingFilter(start=after(10), end=after(30))) == [2, 1]
    assert await found(SightingFilter(camera_id=gate.id, unknown=True, state="closed")) == []
    assert await found(page=Page(search="ada")) == [3, 0]
    assert await found(page=Page(search="gate")) == [2, 0]
    assert await found(page=Page(sort="startedAt", page=2, page_size=3)) == [3]


async def test_a_row_knows_who_and_where(store: Store) -> None:
    """With the person and the camera's name, or neither."""
    gate, ada = await add_camera(store, "Gate"), await add_person(store, "Ada")
    seen, nobody = await add_sighting(store, gate, ada, 0), await add_sighting(store, None, None, 0)
    async with store.read() as session:
        row = await sightings.get(session, seen.id)
        assert row.person is not None
        assert (row.person.full_name, row.camera_name) == ("Ada", "Gate")
        row = await sightings.get(session, nobody.id)
        assert (row.person, row.camera_name) == (None, None)
        assert await sightings.find(session, "nowhere") is None
        with pytest.raises(NotFound):
            await sightings.get(session, "nowhere")


async def test_open_ones(store: Store) -> None:
    """What a crash has left open, of all cameras or of one."""
    gate, door = await add_camera(store, "Gate"), await add_camera(store, "Door")
    later = await add_sighting(store, gate, None, 5, "open")
    first = await add_sighting(store, door, None, 1, "open")
    await add_sighting(store, gate, None, 0)
    async with store.read() as session:
        assert [row.id for row in await sightings.open_ones(session)] == [first.id, later.id]
        assert [row.id for row in await sightings.open_ones(session, camera_id=gate.id)] == [later.id]


async def test_any_since(store: Store) -> None:
    """Whether a person was seen lately by one of some cameras."""
    gate, door = await add_camera(store, "Gate"), await add_camera(store, "Door")
    ada, bob = await add_person(store, "Ada"), await add_person(store, "Bob")
    await add_sighting(store, gate, ada, 0)
    async with store.read() as session:
        assert await sightings.any_since(session, ada.id, [door.id, gate.id], after(1))
        assert not await sightings.any_since(session, ada.id, [gate.id], after(2))
        assert not await sightings.any_since(session, ada.id, [door.id], after(0))
        assert not await sightings.any_since(session, ada.id, [], after(0))
        assert not await sightings.any_since(session, bob.id, [gate.id], after(0))
