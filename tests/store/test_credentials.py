"""PINs and badges in their table."""

import pytest
from sqlmodel import update

from server.errors import Conflict, NotFound
from server.store import credentials, people
from server.store.engine import Store
from server.store.paging import Page
from server.store.tables import Credential, Person
from tests.store.conftest import NOON, add_person

CLASH = Conflict("Taken.", code="taken")


async def add(store: Store, person: Person, kind: str, digest: str) -> Credential:
    async with store.transaction() as session:
        row = Credential(person_id=person.id, kind=kind, digest=digest, key_id="k1")
        return await credentials.keep(session, row, CLASH)


async def test_found_by_any_of_its_digests(store: Store) -> None:
    """Of that kind; a digest is there once."""
    ada = await add_person(store, "Ada")
    pin = await add(store, ada, "pin", "d1")
    async with store.read() as session:
        assert [row.id for row in await credentials.of_digests(session, "pin", ["d0", "d1"])] == [pin.id]
        assert await credentials.of_digests(session, "badge", ["d1"]) == []
        assert await credentials.of_digests(session, "pin", ["d2"]) == []
    with pytest.raises(Conflict, match="Taken"):
        await add(store, ada, "pin", "d1")


async def test_found_as_they_are_now(store: Store) -> None:
    """Also within a session that has read them before; and a digest that is another by now does not come back."""
    ada = await add_person(store, "Ada")
    old = await add(store, ada, "pin", "d1")
    async with store.transaction() as session:
        [seen] = await credentials.of_digests(session, "pin", ["d1"])
        changed = update(Credential).values(digest="d2").execution_options(synchronize_session=False)
        await session.exec(changed)
        assert seen.digest == "d1"
        assert await credentials.of_digests(session, "pin", ["d1"]) == []
        [found] = await credentials.of_digests(session, "pin", ["d2"])
        assert found.digest == "d2"
    async with store.transaction() as session:
        await credentials.digest_anew(session, old, "d1 by a newer key", "k2")
    async with store.read() as session:
        assert (await session.get_one(Credential, old.id)).digest == "d2"


async def test_of_one_person(store: Store) -> None:
    """Counted, listed with badges first, locked only as that person's, and removed."""
    ada, bob = await add_person(store, "Ada"), await add_person(store, "Bob")
    pin, badge = await add(store, ada, "pin", "d1"), await add(store, ada, "badge", "d2")
    async with store.transaction() as session:
        assert await credentials.count(session, ada.id) == 2
        assert await credentials.count(session, bob.id) == 0
        listed = await credentials.page(session, Page(), ada.id)
        assert ([row.id for row in listed.rows], listed.total) == ([badge.id, pin.id], 2)
        with pytest.raises(NotFound):
            await credentials.lock(session, bob.id, pin.id)
        await credentials.remove(session, await credentials.lock(session, ada.id, pin.id))
        assert await credentials.pin_of(session, ada.id) is None


async def test_use_is_no_edit(store: Store) -> None:
    """When it was used last, and another digest of the same: `updated_at` stays, and with it the tag."""
    ada = await add_person(store, "Ada")
    pin = await add(store, ada, "pin", "d1")
    async with store.transaction() as session:
        await credentials.note_use(session, pin, NOON)
        await credentials.digest_anew(session, pin, "d9", "k2")
    async with store.read() as session:
        [row] = await credentials.of_digests(session, "pin", ["d9"])
        assert (row.last_used_at, row.updated_at) == (NOON, pin.updated_at)
        assert dict(await credentials.count_by_key(session)) == {"k2": 1}


@pytest.mark.parametrize("has_own", [True, False])
async def test_two_people_who_are_one(store: Store, has_own: bool) -> None:
    """The badges of both, and the PIN of the one who stays, or the other's where there is none."""
    ada, other = await add_person(store, "Ada"), await add_person(store, "A. Lovelace")
    await add(store, other, "pin", "other's")
    await add(store, other, "badge", "b2")
    await add(store, ada, "badge", "b1")
    if has_own:
        await add(store, ada, "pin", "own")
    async with store.transaction() as session:
        rows = [await people.lock(session, one.id) for one in (ada, other)]
        await people.merge(session, *rows)
    async with store.read() as session:
        found = {row.digest: row.person_id for row in (await credentials.page(session, Page(), ada.id)).rows}
        assert found == dict.fromkeys(["b1", "b2", "own" if has_own else "other's"], ada.id)
        assert dict(await credentials.count_by_key(session)) == {"k1": 3}


async def test_they_go_with_their_person(store: Store) -> None:
    """Nobody checks in as somebody who was removed."""
    ada = await add_person(store, "Ada")
    await add(store, ada, "pin", "d1")
    async with store.transaction() as session:
        await people.remove(session, await people.lock(session, ada.id))
    async with store.read() as session:
        assert await credentials.of_digests(session, "pin", ["d1"]) == []
