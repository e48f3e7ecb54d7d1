"""Photos and templates."""

import pytest

from server.errors import NotFound
from server.store import photos, templates
from server.store.engine import Store
from tests.store.conftest import add_person, add_photo, after


async def test_of_a_person(store: Store) -> None:
    """Newest first, and never somebody else's."""
    ada, bob = await add_person(store, "Ada"), await add_person(store, "Bob")
    newer = await add_photo(store, ada, created_at=after(2))
    older = await add_photo(store, ada, created_at=after(1))
    async with store.read() as session:
        assert [photo.id for photo in await photos.of_person(session, ada.id)] == [newer.id, older.id]
        newest = await photos.newest(session, ada.id)
        assert newest is not None
        assert newest.id == newer.id
        assert (await photos.get(session, ada.id, older.id)).id == older.id
        assert (await photos.count_of(session, ada.id), await photos.count_of(session, bob.id)) == (2, 0)
        assert await photos.newest(session, bob.id) is None
        with pytest.raises(NotFound):
            await photos.get(session, bob.id, older.id)


async def test_removing(store: Store) -> None:
    """Takes its templates along."""
    ada = await add_person(store, "Ada")
    photo = await add_photo(store, ada)
    async with store.transaction() as session:
        assert len(await photos.templates_of(session, photo.id)) == 1
        await photos.remove(session, await photos.get(session, ada.id, photo.id))
    async with store.read() as session:
        assert await photos.templates_of(session, photo.id) == []
        assert [rows async for rows in templates.owners(session, "mobilefacenet", "a" * 64)] == []
