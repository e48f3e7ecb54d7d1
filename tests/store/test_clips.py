"""Stored clips, on SQLite and on PostgreSQL."""

import pytest

from server.errors import NotFound
from server.events.limits import EVERYTHING, Reach
from server.store import cameras, clips
from server.store.clips import ClipFilter
from server.store.engine import Store
from server.store.paging import Page
from server.store.tables import Camera, Clip, Department, Sighting
from tests.store.conftest import add_camera, add_person, add_sighting, after


async def add(store: Store, camera: Camera | None, sighting: Sighting | None, minutes: float, size: int = 100) -> Clip:
    row = Clip(
        camera_id=camera.id if camera else None, sighting_id=sighting.id if sighting else None,
        started_at=after(minutes), duration_s=10, width=64, height=36, codec="h264", size_bytes=size,
        object_key=f"clips/{minutes}.mp4",
    )  # fmt: skip
    async with store.transaction() as session:
        session.add(row)
    return row


async def test_pages(store: Store) -> None:
    """Newest first; of a camera, of a sighting, within a time."""
    door, yard = await add_camera(store, "Door"), await add_camera(store, "Yard")
    seen = await add_sighting(store, door, None, 1)
    for minutes in (1, 3, 2):
        await add(store, door, seen if minutes == 1 else None, minutes)
    await add(store, yard, None, 9)

    async def found(**which: object) -> list[float]:
        async with store.read() as session:
            rows = (await clips.page(session, Page(), ClipFilter(**which))).rows  # type: ignore[arg-type]
        return [(row.started_at - after(0)).total_seconds() / 60 for row in rows]

    assert await found() == [9, 3, 2, 1]
    assert await found(camera_id=door.id) == [3, 2, 1]
    assert await found(sighting_id=seen.id) == [1]
    assert await found(start=after(2), end=after(9)) == [3, 2]


async def test_who_is_limited_sees_less(store: Store) -> None:
    """By camera, and by whom the sighting shows; one whose sighting is gone may show anybody."""
    door, yard = await add_camera(store, "Door"), await add_camera(store, "Yard")
    night = Department(name="Night")
    async with store.transaction() as session:
        session.add(night)
    ada, bob = await add_person(store, "Ada", department_id=night.id), await add_person(store, "Bob")
    rows = {
        "ada": await add(store, door, await add_sighting(store, door, ada, 1), 1),
        "bob": await add(store, door, await add_sighting(store, door, bob, 2), 2),
        "unknown": await add(store, yard, await add_sighting(store, yard, None, 3), 3),
        "gone": await add(store, yard, None, 4),
        "no camera": await add(store, None, None, 5),
    }

    async def within(reach: Reach) -> set[str]:
        async with store.read() as session:
            seen = {row.id for row in (await clips.page(session, Page(), None, reach)).rows}
            for row in rows.values():
                if row.id in seen:
                    assert (await clips.get(session, row.id, reach)).id == row.id
                else:
                    with pytest.raises(NotFound):
                        await clips.get(session, row.id, reach)
        return {name for name, row in rows.items() if row.id in seen}

    assert await within(EVERYTHING) == set(rows)
    assert await within(Reach(cameras=frozenset({door.id}))) == {"ada", "bob"}
    assert await within(Reach(departments=frozenset({night.id}))) == {"ada", "unknown"}
    assert await within(Reach(frozenset({yard.id}), frozenset({night.id}))) == {"unknown"}
    assert await within(Reach(cameras=frozenset())) == set()


async def test_the_oldest_and_the_sum(store: Store) -> None:
    """Also of a camera that is gone: its clips stay until retention takes them."""
    door = await add_camera(store, "Door")
    rows = [await add(store, door, None, minutes, 100 + minutes) for minutes in range(3)]
    async with store.transaction() as session:
        await cameras.remove(session, await cameras.get(session, door.id))
    async with store.transaction() as session:
        assert await clips.total_bytes(session) == 303
        assert [row.id for row in await clips.oldest(session, 2)] == [rows[0].id, rows[1].id]
        assert [row.id for row in await clips.oldest(session, 9, after(1))] == [rows[0].id]
        assert await clips.remove_all(session, [rows[0].id, rows[1].id]) == 2
        assert await clips.remove_all(session, []) == 0
        assert await clips.total_bytes(session) == 102
