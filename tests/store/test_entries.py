"""Entries."""

from datetime import timedelta

import pytest

from server.errors import NotFound
from server.store import entries
from server.store.engine import Store
from server.store.entries import EntryFilter
from server.store.paging import Page
from server.store.tables import Camera, Department, Entry, Kiosk, Person
from tests.store.conftest import add_camera, add_person, add_sighting, after


async def _add(
    store: Store, person: Person, camera: Camera | None, minutes: float, direction: str = "in", **more: str
) -> Entry:
    entry = Entry(
        sighting_id=more.get("sighting_id"),
        person_id=person.id,
        camera_id=camera.id if camera else None,
        at=after(minutes),
        direction=direction,
        origin="camera" if camera else "manual",
    )
    async with store.transaction() as session:
        return await entries.add(session, entry)


async def test_filters(store: Store) -> None:
    """By person, camera, department, direction, origin and time; newest first."""
    async with store.transaction() as session:
        night = Department(name="Night")
        session.add(night)
    ada, bob = await add_person(store, "Ada", department_id=night.id), await add_person(store, "Bob", employee_id="B7")
    gate = await add_camera(store, "Gate")
    ids = {
        (await _add(store, ada, gate, 0)).id: 0,
        (await _add(store, bob, gate, 10)).id: 1,
        (await _add(store, ada, None, 20, "out")).id: 2,
    }

    async def found(which: EntryFilter | None = None, page: Page | None = None) -> list[int]:
        async with store.read() as session:
            return [ids[row.entry.id] for row in (await entries.page(session, page or Page(), which)).rows]

    assert await found() == [2, 1, 0]
    assert await found(EntryFilter(person_id=ada.id)) == [2, 0]
    assert await found(EntryFilter(camera_id=gate.id)) == [1, 0]
    assert await found(EntryFilter(department_id=night.id)) == [2, 0]
    assert await found(EntryFilter(direction="out")) == [2]
    assert await found(EntryFilter(origin="manual")) == [2]
    assert await found(EntryFilter(start=after(10), end=after(20))) == [1]
    assert await found(page=Page(search="b7 gate")) == [1]
    assert await found(page=Page(sort="at", page_size=1)) == [0]


async def test_one(store: Store) -> None:
    """With whose it is and where."""
    ada, gate = await add_person(store, "Ada"), await add_camera(store, "Gate")
    entry = await _add(store, ada, gate, 0)
    async with store.read() as session:
        row = await entries.get(session, entry.id)
        assert (row.entry.at, row.person and row.person.full_name, row.camera_name) == (after(0), "Ada", "Gate")
        with pytest.raises(NotFound) as caught:
            await entries.get(session, "nowhere")
    assert caught.value.code == "entry_not_found"


async def test_the_last_one(store: Store) -> None:
    """Of a person: anywhere, at one camera, within a time."""
    ada, bob = await add_person(store, "Ada"), await add_person(store, "Bob")
    gate, door = await add_camera(store, "Gate"), await add_camera(store, "Door")
    at_gate, at_door = await _add(store, ada, gate, 0), await _add(store, ada, door, 10)
    await _add(store, bob, gate, 99)

    async def last(**which: object) -> str | None:
        async with store.read() as session:
            entry = await entries.last_of(session, ada.id, **which)  # type: ignore[arg-type]
        return entry.id if entry else None

    assert await last() == at_door.id
    assert await last(camera_id=gate.id) == at_gate.id
    assert await last(since=after(10)) == at_door.id
    assert await last(since=after(11)) is None
    assert await last(until=after(9)) == at_gate.id
    assert await last(until=after(0)) == at_gate.id
    assert await last(camera_id=door.id, until=after(9)) is None


async def test_of_lines_of_terminals(store: Store) -> None:
    """By when they were noted there, whatever has become of them; nobody else's, and nothing by hand."""
    ada, bea = await add_person(store, "Ada"), await add_person(store, "Bea")
    rows = [
        Entry(person_id=who.id, at=after(at), direction="in", origin=origin, device_at=after(noted), state=state)
        for who, at, noted, origin, state in (
            (ada, 0, 0, "terminal", "valid"), (ada, 60, 1, "terminal", "removed"), (ada, 2, 5, "terminal", "valid"),
            (ada, 0, 0, "manual", "valid"), (bea, 0, 0, "terminal", "valid"),
        )
    ]  # fmt: skip
    async with store.transaction() as session:
        session.add_all(rows)
    async with store.read() as session:
        found = await entries.of_lines(session, ada.id, after(0), timedelta(minutes=5))
        at_once = await entries.of_lines(session, ada.id, after(5), timedelta())
    assert [row.id for row in found] == [rows[0].id, rows[1].id]
    assert [row.id for row in at_once] == [rows[2].id]


async def test_of_a_sighting(store: Store) -> None:
    """What it has made, which may be nothing."""
    ada, gate = await add_person(store, "Ada"), await add_camera(store, "Gate")
    seen, other = await add_sighting(store, gate, ada, 0), await add_sighting(store, gate, ada, 5)
    entry = await _add(store, ada, gate, 0, sighting_id=seen.id)
    async with store.read() as session:
        assert [row.id for row in await entries.of_sighting(session, seen.id)] == [entry.id]
        assert await entries.of_sighting(session, other.id) == []


async def test_who_is_present(store: Store) -> None:
    """Everyone whose newest entry since a time is a check-in; who came last is first."""
    ada, bob, cleo = [await add_person(store, name) for name in ("Ada", "Bob", "Cleo")]
    await _add(store, ada, None, 0, "out")
    await _add(store, ada, None, 5)
    await _add(store, bob, None, 1)
    await _add(store, bob, None, 8, "out")
    await _add(store, cleo, None, 6)
    async with store.read() as session:
        for since, wanted, names in (
            (after(0), Page(), ["Cleo", "Ada"]),
            (after(0), Page(sort="fullName"), ["Ada", "Cleo"]),
            (after(0), Page(search="ada"), ["Ada"]),
            (after(6), Page(), ["Cleo"]),
            (after(7), Page(), []),
        ):
            found = await entries.present(session, since, (), wanted)
            assert ([row.person and row.person.full_name for row in found.rows], found.total) == (names, len(names))


async def test_at_one_door(store: Store) -> None:
    """The newest of a person at some cameras and kiosks; what a kiosk is known by; what a request has made."""
    ada, gate = await add_person(store, "Ada"), await add_camera(store, "Gate")
    hall, yard = Kiosk(name="Hall"), Kiosk(name="Yard")
    async with store.transaction() as session:
        session.add_all([hall, yard])
    seen = await _add(store, ada, gate, 10)
    typed: dict[str, Entry] = {}
    for minutes, kiosk, offset_ms in ((0, hall, 900), (20, hall, -40), (30, yard, None)):
        entry = Entry(
            person_id=ada.id, at=after(minutes), direction="in", origin="code", kiosk_id=kiosk.id,
            device_offset_ms=offset_ms, request_key=f"r{minutes}",
        )  # fmt: skip
        async with store.transaction() as session:
            typed[f"r{minutes}"] = await entries.add(session, entry)

    async with store.read() as session:

        async def last(cameras: list[str], at_kiosks: list[str], until: float) -> str | None:
            found = await entries.last_at(session, ada.id, cameras, at_kiosks, after(until))
            return found.id if found else None

        assert await last([gate.id], [hall.id], 15) == seen.id
        assert await last([gate.id], [hall.id], 25) == typed["r20"].id
        assert await last([], [hall.id], 15) == typed["r0"].id
        assert await last([], [yard.id], 15) is None
        newest = await entries.last_at(session, ada.id, [gate.id], [yard.id])
        assert newest is not None
        assert newest.id == typed["r30"].id
        assert await entries.offset_of_kiosk(session, hall.id) == -40
        assert await entries.offset_of_kiosk(session, yard.id) is None
        made = await entries.of_request(session, "r20")
        assert made is not None
        assert made.id == typed["r20"].id
        assert await entries.of_request(session, "r21") is None
        assert await entries.any_at_kiosk(session, ada.id, hall.id, after(20))
        assert not await entries.any_at_kiosk(session, ada.id, hall.id, after(21))
        assert not await entries.any_at_kiosk(session, "bob", hall.id, after(0))
