"""People, and what a list says of them."""

from datetime import timedelta

import pytest
from sqlalchemy import Connection, event

from server.errors import Conflict, Invalid, NotFound
from server.store import entries, people, photos, sightings, templates
from server.store.engine import Store
from server.store.paging import Page
from server.store.tables import AuditRow, Department, Entry, Person
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


async def test_since_when_somebody_is_inactive(store: Store) -> None:
    """From when they were deactivated until they are active again, whatever else is changed; and of whom something is
    left that shows their face."""
    ada = await add_person(store, "Ada")
    assert ada.inactive_since is None

    async def saved(**values: object) -> Person:
        async with store.transaction() as session:
            person = await people.lock(session, ada.id)
            for name, value in values.items():
                setattr(person, name, value)
            return await people.save_person(session, person)

    since = (await saved(active=False)).inactive_since
    assert since is not None
    assert (await saved(full_name="Ada L.")).inactive_since == since
    async with store.read() as session:
        assert await people.long_inactive(session, since + timedelta(seconds=1), 9) == []
    await add_photo(store, ada)
    async with store.read() as session:
        assert await people.long_inactive(session, since, 9) == []
        assert await people.long_inactive(session, since + timedelta(seconds=1), 9) == [ada.id]
    assert (await saved(active=True)).inactive_since is None
    async with store.read() as session:
        assert await people.long_inactive(session, since + timedelta(days=1), 9) == []


async def test_removing(store: Store) -> None:
    """Photos and templates go, sightings become unknown, entries stay as anonymous facts; the objects are told."""
    async with store.transaction() as session:
        night = Department(name="Night")
        session.add(night)
    ada, camera = await add_person(store, "Ada", department_id=night.id), await add_camera(store, "Gate")
    await add_photo(store, ada)
    seen = await add_sighting(store, camera, ada, 0)
    async with store.transaction() as session:
        told = Entry(
            person_id=ada.id, at=NOON, direction="in", origin="camera", camera_id=camera.id, sighting_id=seen.id,
            similarity=0.7, margin=0.1, snapshot_key="s.jpg", reason="Ada forgot her badge",
        )  # fmt: skip
        await entries.add(session, told)
        await entries.add(session, Entry(person_id=ada.id, at=after(60), direction="out", origin="manual"))
    async with store.transaction() as session:
        keys = await people.remove(session, await people.get(session, ada.id))
    assert sorted(keys) == ["o.jpg", "p.jpg"]
    async with store.read() as session:
        assert await photos.of_person(session, ada.id) == []
        assert [rows async for rows in templates.owners(session, "mobilefacenet", "a" * 64)] == []
        left = (await entries.page(session, Page(sort="at"))).rows
        assert [(row.person, row.entry.person_id, row.entry.direction) for row in left] == [
            (None, None, "in"),
            (None, None, "out"),
        ]
        [pseudonym] = {row.entry.pseudonym for row in left}
        assert pseudonym not in (None, ada.id)
        assert {row.entry.department_id for row in left} == {night.id}
        bare = left[0].entry
        assert (bare.at, bare.camera_id, bare.origin) == (NOON, camera.id, "camera")
        assert (bare.sighting_id, bare.similarity, bare.margin, bare.snapshot_key, bare.reason) == (None,) * 5
        assert (await entries.present(session, NOON, (), Page())).total == 0
        row = await sightings.get(session, seen.id)
        assert row.sighting.person_id is None
        assert row.person is None


async def test_two_that_are_one(store: Store) -> None:
    """All that is the other's is this one's, who keeps what they have and takes over what they lack."""
    door = await add_camera(store, "Door")
    ada = await add_person(store, "Ada", external_ids={"hr": "1"})
    other = await add_person(store, "A. Lovelace", employee_id="7", email="ada@example.com", external_ids={"hr": "2"})
    photo, seen = await add_photo(store, other), await add_sighting(store, door, other, 1)
    async with store.transaction() as session:
        entry = Entry(person_id=other.id, at=after(1), direction="in", origin="camera", sighting_id=seen.id)
        session.add(entry)
    async with store.transaction() as session:
        [made] = await templates.of_person(session, other.id)
        assert await templates.of_person(session, ada.id) == []
        rows = [await people.lock(session, one.id) for one in (ada, other)]
        await people.merge(session, *rows)
    async with store.read() as session:
        kept = await people.summary(session, ada.id)
        assert (kept.photo_count, kept.photo_id, kept.last_seen_at) == (1, photo.id, seen.last_seen_at)
        found = kept.person
        assert (found.employee_id, found.email, found.external_ids) == ("7", "ada@example.com", {"hr": "1"})
        assert await people.find(session, other.id) is None
        [owned] = [rows async for rows in templates.owners(session, "mobilefacenet", "a" * 64)]
        assert [(one.template_id, one.person_id) for one in owned] == [(made.template_id, ada.id)]
        owners = [row.person_id for row in await entries.of_sighting(session, seen.id)]
        assert owners == [ada.id]


async def test_whom_somebody_was_merged_into(store: Store) -> None:
    """As the audit tells it: the one who is there now, however often it was done."""
    ada = await add_person(store, "Ada")
    async with store.transaction() as session:
        for position, (kept, other) in enumerate((("p2", "p1"), (ada.id, "p2"), ("p8", "p9"), ("p9", "p8")), 1):
            session.add(
                AuditRow(
                    position=position, at=NOON, actor_kind="user", actor_name="ada", action="person.merged",
                    resource="people", resource_id=kept, before={"person": {"id": kept}, "other": {"id": other}},
                    key_id="k", hash="h",
                )
            )  # fmt: skip
    async with store.read() as session:
        heirs = [await people.heir_of(session, one) for one in ("p1", "p2", "p8", "nobody")]
    assert heirs == [ada.id, ada.id, None, None]
