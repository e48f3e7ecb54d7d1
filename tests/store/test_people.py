"""People and the gallery."""

import pytest
from sqlalchemy import Connection, event

from server.errors import Conflict, Invalid, NotFound
from server.store import entries, people, photos, sightings
from server.store.engine import Store
from server.store.paging import Page
from server.store.tables import Department, Entry
from tests.store.conftest import NOON, add_camera, add_person, add_photo, add_sighting, after


async def test_the_list_shows_what_belongs_to_a_person(store: Store) -> None:
    """Department, number of photos, the newest photo and when last seen, each of the right person."""
    async with store.transaction() as session:
        night = Department(name="Night")
        session.add(night)
    ada = await add_person(store, "ada", department_id=night.id, employee_id="7")
    bob = await add_person(store, "Bob")
    await add_photo(store, ada, created_at=after(1))
    newest = await add_photo(store, ada, created_at=after(3))
    await add_photo(store, ada, created_at=after(2))
    camera = await add_camera(store, "Gate")
    for minutes in (5, 20, 10):
        await add_sighting(store, camera, ada, minutes)
    await add_sighting(store, camera, None, 99)
    async with store.read() as session:
        found = await people.page(session, Page())
        one = await people.summary(session, ada.id)
    assert found.total == 2
    first, second = found.rows
    assert first == one
    assert (first.person.id, first.department_name, first.photo_count) == (ada.id, "Night", 3)
    assert (first.photo_id, first.last_seen_at) == (newest.id, after(21))
    assert (second.person.id, second.department_name, second.photo_count) == (bob.id, None, 0)
    assert (second.photo_id, second.last_seen_at) == (None, None)


async def test_the_list_takes_two_queries(store: Store) -> None:
    """However many people there are."""
    for number in range(12):
        await add_photo(store, await add_person(store, f"P{number}"))
    statements: list[str] = []

    def note(_c: Connection, _cursor: object, statement: str, *_rest: object) -> None:
        statements.append(statement)

    event.listen(store.engine.sync_engine, "before_cursor_execute", note)
    async with store.read() as session:
        assert len((await people.page(session, Page(page_size=10))).rows) == 10
    assert len(statements) == 2


async def test_filters_and_sorts(store: Store) -> None:
    """By department, active, enrolled, words; in the order of every column that is shown."""
    async with store.transaction() as session:
        night = Department(name="Night")
        session.add(night)
    ada = await add_person(store, "Ada", department_id=night.id, email="ada@example.com")
    bob = await add_person(store, "Bob", active=False, employee_id="B-7")
    cleo = await add_person(store, "Cleo")
    await add_photo(store, cleo)
    await add_sighting(store, None, bob, 1)
    names = {ada.id: "Ada", bob.id: "Bob", cleo.id: "Cleo"}

    async def found(page: Page, **filters: object) -> list[str]:
        async with store.read() as session:
            rows = (await people.page(session, page, **filters)).rows  # type: ignore[arg-type]
        return [names[row.person.id] for row in rows]

    assert await found(Page(), department_id=night.id) == ["Ada"]
    assert await found(Page(), active=True) == ["Ada", "Cleo"]
    assert await found(Page(), enrolled=True) == ["Cleo"]
    assert await found(Page(), enrolled=False) == ["Ada", "Bob"]
    assert await found(Page(search="EXAMPLE")) == ["Ada"]
    assert await found(Page(search="b-7")) == ["Bob"]
    assert (await found(Page(sort="-photoCount")))[0] == "Cleo"
    assert (await found(Page(sort="-lastSeenAt")))[0] == "Bob"
    assert (await found(Page(sort="department")))[0] == "Ada"
    assert await found(Page(sort="-fullName")) == ["Cleo", "Bob", "Ada"]
    assert await found(Page(page=2, page_size=2)) == ["Cleo"]
    assert await found(Page(page=3, page_size=2, sort="lastSeenAt")) == []


async def test_what_cannot_be(store: Store) -> None:
    """An employee's number twice, or a department that is not there; many may have no number."""
    await add_person(store, "A", employee_id="1")
    await add_person(store, "B")
    await add_person(store, "B")
    with pytest.raises(Conflict) as conflict:
        await add_person(store, "C", employee_id="1")
    assert conflict.value.code == "employee_id_taken"
    with pytest.raises(Invalid) as invalid:
        await add_person(store, "C", department_id="nowhere")
    assert invalid.value.details[0].field == "departmentId"


async def test_finding(store: Store) -> None:
    """By id, number or name, of which there may be several."""
    first, second = await add_person(store, "Ada", employee_id="7"), await add_person(store, "Ada")
    async with store.read() as session:
        assert (await people.get(session, first.id)).full_name == "Ada"
        by_number = await people.find_by_employee_id(session, "7")
        assert by_number is not None
        assert by_number.id == first.id
        assert [person.id for person in await people.find_by_name(session, "Ada")] == [first.id, second.id]
        assert await people.find(session, "nowhere") is None
        for attempt in (people.get(session, "nowhere"), people.summary(session, "nowhere")):
            with pytest.raises(NotFound) as caught:
                await attempt
            assert caught.value.code == "person_not_found"


async def test_removing(store: Store) -> None:
    """Photos, templates and entries go, sightings become unknown; the objects are told."""
    ada, camera = await add_person(store, "Ada"), await add_camera(store, "Gate")
    await add_photo(store, ada)
    seen = await add_sighting(store, camera, ada, 0)
    async with store.transaction() as session:
        await entries.add(session, Entry(person_id=ada.id, at=NOON, direction="in", origin="manual"))
    async with store.transaction() as session:
        keys = await people.remove(session, await people.get(session, ada.id))
    assert sorted(keys) == ["o.jpg", "p.jpg"]
    async with store.read() as session:
        assert await photos.of_person(session, ada.id) == []
        assert await people.gallery_rows(session, "mobilefacenet") == []
        assert (await entries.page(session, Page())).total == 0
        row = await sightings.get(session, seen.id)
        assert row.sighting.person_id is None
        assert row.person is None


async def test_the_gallery(store: Store) -> None:
    """Templates of one pack, of active people only."""
    ada, bob = await add_person(store, "Ada"), await add_person(store, "Bob", active=False)
    await add_photo(store, ada)
    await add_photo(store, ada, pack="other")
    await add_photo(store, bob)
    async with store.read() as session:
        rows = await people.gallery_rows(session, "mobilefacenet")
        assert await people.gallery_rows(session, "mobilefacenet", pack_sha256="b" * 64) == []
        assert len(await people.gallery_rows(session, "mobilefacenet", pack_sha256="a" * 64)) == 1
    assert [(row.person_id, row.full_name, row.embedding) for row in rows] == [(ada.id, "Ada", b"12345678")]


async def test_the_mark_of_the_gallery(store: Store) -> None:
    """Moves with every change that the gallery must follow, and stays without one."""
    marks = []

    async def mark() -> None:
        async with store.read() as session:
            marks.append(await people.gallery_mark(session))

    await mark()
    ada = await add_person(store, "Ada")
    await mark()
    photo = await add_photo(store, ada)
    await mark()
    async with store.transaction() as session:
        person = await people.get(session, ada.id)
        person.full_name = "Ada L."
        await people.save_person(session, person)
    await mark()
    async with store.transaction() as session:
        await photos.remove(session, await photos.get(session, ada.id, photo.id))
    await mark()
    await add_photo(store, ada)
    await mark()
    assert len(set(marks)) == len(marks)
    await mark()
    assert marks[-1] == marks[-2]
