"""Stored snapshots, on SQLite and on PostgreSQL."""

import pytest

from server.errors import NotFound
from server.store import cameras, snapshots
from server.store.engine import Store
from server.store.paging import Page
from server.store.tables import Snapshot
from tests.store.conftest import add_camera, after


async def add(store: Store, camera_id: str, minutes: float, size_bytes: int = 100) -> Snapshot:
    row = Snapshot(
        camera_id=camera_id, taken_at=after(minutes), origin="request", width=64, height=36, size_bytes=size_bytes,
        object_key=f"snapshots/{minutes}.jpg", thumbnail_key=f"snapshots/{minutes}-small.jpg",
    )  # fmt: skip
    async with store.transaction() as session:
        session.add(row)
    return row


async def test_pages_of_one_camera(store: Store) -> None:
    """Newest first, within a time, and none of another camera."""
    door, yard = await add_camera(store, "Door"), await add_camera(store, "Yard")
    for minutes in (1, 3, 2):
        await add(store, door.id, minutes)
    other = await add(store, yard.id, 9)
    async with store.read() as session:
        found = await snapshots.page(session, door.id, Page(page_size=2))
        assert ([row.taken_at for row in found.rows], found.total) == ([after(3), after(2)], 3)
        within = await snapshots.page(session, door.id, Page(), start=after(2), end=after(3))
        assert [row.taken_at for row in within.rows] == [after(2)]
        assert (await snapshots.get(session, yard.id, other.id)).id == other.id
        with pytest.raises(NotFound):
            await snapshots.get(session, door.id, other.id)


async def test_the_oldest_and_the_sum(store: Store) -> None:
    """Also of a camera that is gone: its snapshots stay until retention takes them."""
    door = await add_camera(store, "Door")
    rows = [await add(store, door.id, minutes, 100 + minutes) for minutes in range(3)]
    async with store.transaction() as session:
        await cameras.remove(session, await cameras.get(session, door.id))
    async with store.transaction() as session:
        assert await snapshots.total_bytes(session) == 303
        assert [row.id for row in await snapshots.oldest(session, 2)] == [rows[0].id, rows[1].id]
        assert [row.id for row in await snapshots.oldest(session, 9, after(1))] == [rows[0].id]
        assert await snapshots.remove_all(session, [rows[0].id, rows[1].id]) == 2
        assert await snapshots.remove_all(session, []) == 0
        assert await snapshots.total_bytes(session) == 102
