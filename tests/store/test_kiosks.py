"""Kiosks."""

import pytest

from server.errors import Conflict, Invalid, NotFound
from server.store import kiosks
from server.store.engine import Store
from server.store.paging import Page
from server.store.tables import Kiosk
from tests.store.conftest import add_camera


async def test_by_camera(store: Store) -> None:
    """Each kiosk greets for the cameras that it names; one named twice counts once."""
    gate, door = await add_camera(store, "Gate"), await add_camera(store, "Door")
    async with store.transaction() as session:
        both = await kiosks.save_kiosk(session, Kiosk(name="Both", camera_ids=[gate.id, door.id, gate.id]))
        one = await kiosks.save_kiosk(session, Kiosk(name="One", camera_ids=[door.id]))
        await kiosks.save_kiosk(session, Kiosk(name="None"))
    async with store.read() as session:
        assert [kiosk.id for kiosk in await kiosks.of_camera(session, door.id)] == [both.id, one.id]
        assert [kiosk.id for kiosk in await kiosks.of_camera(session, gate.id)] == [both.id]
        assert await kiosks.of_camera(session, "nowhere") == []
        assert (await kiosks.get(session, both.id)).camera_ids == [gate.id, door.id]


async def test_those_that_go_by_faces(store: Store) -> None:
    """A kiosk for codes alone has its cameras, and greets for none of them."""
    gate = await add_camera(store, "Gate")
    async with store.transaction() as session:
        by_code = await kiosks.save_kiosk(session, Kiosk(name="A", camera_ids=[gate.id], means=["pin"]))
        usual = await kiosks.save_kiosk(session, Kiosk(name="B", camera_ids=[gate.id]))
    async with store.read() as session:
        assert await kiosks.ids_of_camera(session, gate.id) == [by_code.id, usual.id]
        assert [one.id for one in await kiosks.greeting_at(session, gate.id)] == [usual.id]


async def test_what_cannot_be(store: Store) -> None:
    """A name twice, or a camera that is not there."""
    async with store.transaction() as session:
        await kiosks.save_kiosk(session, Kiosk(name="K"))
    with pytest.raises(Conflict) as conflict:
        async with store.transaction() as session:
            await kiosks.save_kiosk(session, Kiosk(name="K"))
    assert conflict.value.code == "kiosk_name_taken"
    with pytest.raises(Invalid) as invalid:
        async with store.transaction() as session:
            await kiosks.save_kiosk(session, Kiosk(name="L", camera_ids=["nowhere"]))
    assert invalid.value.details[0].field == "cameraIds"


async def test_list_find_and_remove(store: Store) -> None:
    """The usual."""
    async with store.transaction() as session:
        kiosk = await kiosks.save_kiosk(session, Kiosk(name="Front door"))
    async with store.transaction() as session:
        assert (await kiosks.page(session, Page(search="DOOR"))).total == 1
        assert await kiosks.find_by_name(session, "Front door") is not None
        await kiosks.remove(session, await kiosks.get(session, kiosk.id))
    async with store.read() as session:
        assert await kiosks.find(session, kiosk.id) is None
        with pytest.raises(NotFound):
            await kiosks.get(session, kiosk.id)
