"""The tables: what is kept of them by the database itself."""

import pytest
from sqlalchemy.exc import IntegrityError

from server.store.engine import Store
from server.store.tables import EventRow, Person, Photo, Template
from tests.store.conftest import NOON, add_person, add_photo


async def test_one_template_of_a_photo_by_a_build_of_a_pack(store: Store) -> None:
    """A second one by the same build is refused; another build's lies beside it."""
    photo = await add_photo(store, await add_person(store, "Ada"))

    def template(sha256: str) -> Template:
        return Template(
            person_id=photo.person_id, photo_id=photo.id, pack="mobilefacenet", pack_sha256=sha256, dimension=2,
            embedding=b"",
        )  # fmt: skip

    for sha256 in ("1" * 64, "2" * 64):
        async with store.transaction() as session:
            session.add(template(sha256))
    with pytest.raises(IntegrityError):
        async with store.transaction() as session:
            session.add(template("2" * 64))


async def test_nothing_points_nowhere(store: Store) -> None:
    """Keys are checked on both databases."""
    photo = Photo(person_id="nobody", object_key="", portrait_key="", width=1, height=1, box=[], quality={})
    with pytest.raises(IntegrityError):
        async with store.transaction() as session:
            session.add(photo)


async def test_what_is_json_comes_back(store: Store) -> None:
    """Nested, with letters of every alphabet."""
    person = await add_person(store, "Ada", external_ids={"hr": "Ž-1"})
    async with store.read() as session:
        found = await session.get(Person, person.id)
    assert found is not None
    assert found.external_ids == {"hr": "Ž-1"}


async def test_offsets_are_wide(store: Store) -> None:
    """A busy topic does not run out of numbers."""
    row = EventRow(topic="t", offset=2**40, id="i", type="x", time=NOON, source="s", data={})
    async with store.transaction() as session:
        session.add(row)
    async with store.read() as session:
        assert await session.get(EventRow, ("t", 2**40)) is not None
