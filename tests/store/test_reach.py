"""What somebody who is limited finds in the database, on both databases."""

import pytest

from server.errors import Invalid, NotFound
from server.events.limits import EVERYTHING, Reach
from server.store import alerts, cameras, departments, entries, kiosks, people, photos, sightings
from server.store.engine import Store
from server.store.paging import Page
from server.store.tables import Alert, Camera, Department, Entry, Kiosk, Person, Sighting
from tests.store.conftest import NOON, add_camera, add_person, add_photo, add_sighting, after

NOTHING = Reach(frozenset(), frozenset())


class House:
    """Two doors, two departments, a person in each and one in none, all seen at both doors, and an unknown."""

    door: Camera
    yard: Camera
    ada: Person  # of the night
    bob: Person  # of the day
    cleo: Person
    seen: dict[str, Sighting]

    @property
    def by_camera(self) -> Reach:
        return Reach(cameras=frozenset({self.door.id}))

    @property
    def by_department(self) -> Reach:
        return Reach(departments=frozenset({self.ada.department_id or ""}))

    @property
    def by_both(self) -> Reach:
        return Reach(self.by_camera.cameras, self.by_department.departments)


@pytest.fixture
async def house(store: Store) -> House:
    made = House()
    made.door, made.yard = await add_camera(store, "Door"), await add_camera(store, "Yard")
    async with store.transaction() as session:
        night, day = Department(name="Night"), Department(name="Day")
        session.add_all([night, day])
    made.ada = await add_person(store, "Ada", department_id=night.id)
    made.bob = await add_person(store, "Bob", department_id=day.id)
    made.cleo = await add_person(store, "Cleo")
    made.seen = {}
    for minutes, (camera, person) in enumerate(
        (camera, person) for camera in (made.door, made.yard, None) for person in (made.ada, made.bob, made.cleo, None)
    ):
        name = f"{camera.name if camera else '-'}/{person.full_name if person else '-'}"
        made.seen[name] = await add_sighting(store, camera, person, minutes)
    return made


async def test_cameras(store: Store, house: House) -> None:
    """The list with its total, one, and one for editing."""
    async with store.read() as session:
        page = await cameras.page(session, Page(), reach=house.by_camera)
        assert ([row.name for row in page.rows], page.total) == (["Door"], 1)
        assert (await cameras.page(session, Page(search="Yard"), reach=house.by_camera)).total == 0
        assert (await cameras.page(session, Page(page_size=1), reach=house.by_department)).total == 2
        assert (await cameras.page(session, Page(), reach=NOTHING)).total == 0
        assert (await cameras.get(session, house.door.id, house.by_camera)).name == "Door"
        for find in (cameras.get, cameras.lock):
            with pytest.raises(NotFound):
                await find(session, house.yard.id, house.by_camera)


async def test_people_and_departments(store: Store, house: House) -> None:
    """By department; who has none is for those without that limit. When last seen is told of one's own cameras."""
    async with store.read() as session:
        page = await people.page(session, Page(), reach=house.by_department)
        assert ([row.person.full_name for row in page.rows], page.total) == (["Ada"], 1)
        assert (await people.page(session, Page(search="Bob"), reach=house.by_department)).total == 0
        assert (await people.page(session, Page(), reach=NOTHING)).total == 0
        assert [row.name for row in (await departments.page(session, Page(), house.by_department)).rows] == ["Night"]
        assert (await departments.page(session, Page(), house.by_camera)).total == 2
        anywhere = await people.summary(session, house.ada.id)
        at_the_door = await people.summary(session, house.ada.id, house.by_both)
        assert anywhere.last_seen_at == house.seen["-/Ada"].last_seen_at
        assert at_the_door.last_seen_at == house.seen["Door/Ada"].last_seen_at
        assert [
            row.last_seen_at for row in (await people.page(session, Page(sort="lastSeenAt"), reach=house.by_both)).rows
        ] == [at_the_door.last_seen_at]
        for find in (people.get, people.lock, people.summary):
            for person in (house.bob, house.cleo):
                with pytest.raises(NotFound):
                    await find(session, person.id, house.by_department)
        everybody = [house.ada.id, house.bob.id, house.cleo.id, "nobody"]
        assert await people.within(session, everybody, house.by_department) == {house.ada.id}
        assert await people.within(session, everybody, EVERYTHING) == set(everybody[:3])
        assert await people.within(session, [], EVERYTHING) == set()


async def test_photos(store: Store, house: House) -> None:
    """Of people within reach only, the portrait too."""
    ours, theirs = await add_photo(store, house.ada), await add_photo(store, house.bob)
    async with store.read() as session:
        assert (await photos.get(session, house.ada.id, ours.id, house.by_department)).id == ours.id
        with pytest.raises(NotFound):
            await photos.get(session, house.bob.id, theirs.id, house.by_department)
        newest = await photos.newest(session, house.ada.id, house.by_department)
        assert newest is not None
        assert await photos.newest(session, house.bob.id, house.by_department) is None


async def test_people_are_kept_within_reach(store: Store, house: House) -> None:
    """A department out of reach is as unknown as one that is not there, and none is not enough."""
    for department_id, code in ((house.bob.department_id, "department_not_found"), (None, "missing")):
        person = Person(full_name="Dora", department_id=department_id)
        with pytest.raises(Invalid) as caught:
            async with store.transaction() as session:
                await people.save_person(session, person, house.by_department)
        assert (caught.value.details[0].field, caught.value.details[0].code) == ("departmentId", code)
    async with store.transaction() as session:
        await people.save_person(session, Person(full_name="Dora"), house.by_camera)


async def test_sightings(store: Store, house: House) -> None:
    """By the camera, and by whom it was if that is known."""
    expected = {
        house.by_camera: ["Door/-", "Door/Cleo", "Door/Bob", "Door/Ada"],
        house.by_department: ["-/-", "-/Ada", "Yard/-", "Yard/Ada", "Door/-", "Door/Ada"],
        house.by_both: ["Door/-", "Door/Ada"],
        NOTHING: [],
    }
    names = {row.id: name for name, row in house.seen.items()}
    async with store.read() as session:
        for reach, due in expected.items():
            page = await sightings.page(session, Page(), None, reach)
            assert ([names[row.sighting.id] for row in page.rows], page.total) == (due, len(due))
            for name, row in house.seen.items():
                if name in due:
                    assert (await sightings.get(session, row.id, reach)).sighting.id == row.id
                    continue
                for find in (sightings.get, sightings.lock):
                    with pytest.raises(NotFound):
                        await find(session, row.id, reach)


async def test_entries(store: Store, house: House) -> None:
    """By the person and by the camera; made by hand they have none, and one whose camera is gone is not one of them."""
    async with store.transaction() as session:
        minutes = 0
        for person in (house.ada, house.bob):
            for camera, origin in ((house.door, "camera"), (house.yard, "camera"), (None, "manual"), (None, "camera")):
                minutes += 1
                camera_id = camera.id if camera else None
                at, way = after(minutes), "in"
                await entries.add(
                    session, Entry(person_id=person.id, at=at, direction=way, origin=origin, camera_id=camera_id)
                )

    def named(rows: list[entries.EntryRow]) -> list[str]:
        return sorted(f"{row.person and row.person.full_name}/{row.camera_name or row.entry.origin}" for row in rows)

    async with store.read() as session:
        for reach, due in {
            house.by_camera: ["Ada/Door", "Ada/manual", "Bob/Door", "Bob/manual"],
            house.by_department: ["Ada/Door", "Ada/Yard", "Ada/camera", "Ada/manual"],
            house.by_both: ["Ada/Door", "Ada/manual"],
            NOTHING: [],
        }.items():
            page = await entries.page(session, Page(), None, reach)
            assert (named(list(page.rows)), page.total) == (due, len(due))
            everything = await entries.page(session, Page())
            for row in everything.rows:
                if named([row])[0] in due:
                    assert (await entries.get(session, row.entry.id, reach)).entry.id == row.entry.id
                else:
                    with pytest.raises(NotFound):
                        await entries.get(session, row.entry.id, reach)


async def test_who_is_in(store: Store, house: House) -> None:
    """By the newest entry of all: whoever came in elsewhere last is not shown by an older one."""
    async with store.transaction() as session:
        for person, camera, minutes in (
            (house.ada, house.door, 1),
            (house.bob, house.door, 2),
            (house.ada, house.yard, 3),
        ):
            await entries.add(
                session,
                Entry(person_id=person.id, at=after(minutes), direction="in", origin="camera", camera_id=camera.id),
            )
    async with store.read() as session:
        for reach, due in (
            (EVERYTHING, ["Ada", "Bob"]),
            (house.by_camera, ["Bob"]),
            (house.by_department, ["Ada"]),
            (house.by_both, []),
        ):
            present = await entries.present(session, NOON, (), Page(), reach)
            assert [row.person and row.person.full_name for row in present.rows] == due


async def test_kiosks(store: Store, house: House) -> None:
    """Those all of whose cameras are within reach; and none can be given one that is not."""
    async with store.transaction() as session:
        own = await kiosks.save_kiosk(session, Kiosk(name="Own", camera_ids=[house.door.id]))
        both = await kiosks.save_kiosk(session, Kiosk(name="Both", camera_ids=[house.door.id, house.yard.id]))
    async with store.read() as session:
        page = await kiosks.page(session, Page(page_size=1), house.by_camera)
        assert ([row.id for row in page.rows], page.total) == ([own.id], 1)
        assert (await kiosks.page(session, Page(), house.by_department)).total == 2
        assert (await kiosks.get(session, own.id, house.by_camera)).id == own.id
        for find in (kiosks.get, kiosks.lock):
            with pytest.raises(NotFound):
                await find(session, both.id, house.by_camera)
    with pytest.raises(Invalid) as caught:
        async with store.transaction() as session:
            await kiosks.save_kiosk(session, Kiosk(name="X", camera_ids=[house.yard.id]), house.by_camera)
    assert caught.value.details[0].field == "cameraIds"


async def test_alerts(store: Store, house: House) -> None:
    """Those about a camera by the camera, those about a person by the person, and none of anything else."""
    subjects = {
        "door": f"cameras/{house.door.id}", "yard": f"cameras/{house.yard.id}", "kiosk": "kiosks/k",
        "ada": f"people/{house.ada.id}/days/2026-03-08", "bob": f"people/{house.bob.id}/days/2026-03-08",
        "cleo": f"people/{house.cleo.id}/days/2026-03-08", "gone": "people/gone/days/2026-03-08",
    }  # fmt: skip
    async with store.transaction() as session:
        for name, subject in subjects.items():
            session.add(
                Alert(kind=name, severity="info", subject=subject, message="?", created_at=NOON, updated_at=NOON)
            )
    for reach, seen in (
        (EVERYTHING, {*subjects}),
        (NOTHING, set()),
        (house.by_camera, {"door", "ada", "bob", "cleo", "gone"}),
        (house.by_department, {"door", "yard", "ada"}),
        (house.by_both, {"door", "ada"}),
    ):
        async with store.read() as session:
            found = (await alerts.page(session, Page(), reach=reach)).rows
            assert {one.kind for one in found} == seen
            every = (await alerts.page(session, Page())).rows
            assert {one.kind for one in every if await alerts.within(session, one, reach)} == seen
