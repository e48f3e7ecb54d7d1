"""Templates: which count, how they are kept, and what the files of the database still know of them."""

import asyncio
from dataclasses import replace
from pathlib import Path

from sqlalchemy import text
from sqlmodel import col, select

from server.ids import new_id
from server.store import people, photos, templates
from server.store.engine import Store
from server.store.tables import Template
from server.store.templates import KeptTemplate, Owned
from tests.store.conftest import add_person, add_photo

PACK, BUILD = "mobilefacenet", "a" * 64
PLAIN = b"12345678"


async def rows_of(store: Store) -> list[Template]:
    async with store.read() as session:
        return list((await session.exec(select(Template).order_by(col(Template.id)))).all())


async def test_those_that_count(store: Store) -> None:
    """Of this very build of a pack, and of active people, a batch at a time."""
    ada, bob = await add_person(store, "Ada"), await add_person(store, "Bob", active=False)
    for _ in range(3):
        await add_photo(store, ada)
    await add_photo(store, ada, pack="other")
    await add_photo(store, bob)
    wanted = [row for row in await rows_of(store) if row.person_id == ada.id and row.pack == PACK]
    async with store.read() as session:
        assert [rows async for rows in templates.owners(session, PACK, "b" * 64)] == []
        batches = [rows async for rows in templates.owners(session, PACK, BUILD, at_once=2)]
        kept = [rows async for rows in templates.kept_of(session, PACK, BUILD, at_once=3)]
    assert [len(rows) for rows in batches] == [2, 1]
    assert {row for rows in batches for row in rows} == {Owned(row.id, ada.id, "Ada") for row in wanted}
    assert [len(rows) for rows in kept] == [3, 1]  # of whoever is not active too


async def test_as_they_are_kept(store: Store) -> None:
    """By their ids; one that is gone is left out."""
    ada = await add_person(store, "Ada")
    await add_photo(store, ada)
    [row] = await rows_of(store)
    async with store.read() as session:
        assert await templates.kept(session, [row.id, new_id()]) == [KeptTemplate(row.id, ada.id, None, PLAIN)]


async def test_rewritten(store: Store) -> None:
    """Another content under another key, for these rows only."""
    ada = await add_person(store, "Ada")
    for _ in range(3):
        await add_photo(store, ada)
    async with store.read() as session:
        first, second, _ = await templates.of_person(session, ada.id)
    async with store.transaction() as session:
        await templates.rewrite(session, [])
        changed = [replace(first, key_id="k1", embedding=b"one"), replace(second, key_id="k2", embedding=b"two")]
        await templates.rewrite(session, changed)
    async with store.read() as session:
        assert await templates.sealed(session) == changed
        assert await templates.sealed(session, after=first.template_id) == changed[1:]


async def test_what_was_there_before_is_wiped(store: Store) -> None:
    """Content that was written over is in no file of an SQLite database; on PostgreSQL the table is another file."""
    await add_photo(store, await add_person(store, "Ada"))
    [row] = await rows_of(store)
    secret = b"a face in the clear " * 60
    async with store.transaction() as session:
        await templates.rewrite(session, [KeptTemplate(row.id, row.person_id, None, secret)])
    before = await _places(store)
    async with store.transaction() as session:
        await templates.rewrite(session, [KeptTemplate(row.id, row.person_id, "k1", b"sealed")])
    if store.is_sqlite:
        assert await asyncio.to_thread(_in_files, store, secret[:40])
    await templates.wipe(store)
    assert [kept.embedding for kept in await rows_of(store)] == [b"sealed"]
    if store.is_sqlite:
        assert not await asyncio.to_thread(_in_files, store, secret[:40])
    else:
        assert await _places(store) != before


async def _places(store: Store) -> object:
    """Where PostgreSQL has the table."""
    if store.is_sqlite:
        return None
    async with store.engine.connect() as connection:
        return (await connection.execute(text("SELECT pg_relation_filepath('templates')"))).scalar_one()


def _in_files(store: Store, content: bytes) -> bool:
    path = Path(store.url.partition("///")[2])
    return any(content in file.read_bytes() for file in path.parent.glob(f"{path.name}*"))


async def test_the_mark_of_the_gallery(store: Store) -> None:
    """Moves with every change that the gallery must follow, and stays without one."""
    marks = []

    async def mark() -> None:
        async with store.read() as session:
            marks.append(await templates.mark(session))

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
