"""Templates at rest: nobody reads one without the key, and none opens in another's place."""

import asyncio
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import LargeBinary, cast, text
from sqlmodel import select

from server.access.keyring import Keyring, key_id
from server.access.template_seals import TemplateSeals
from server.errors import Conflict
from server.store import sealed, templates
from server.store.engine import Store
from server.store.sealed import SEALED
from server.store.tables import Person, Photo, Template
from tests.databases import databases as databases
from tests.databases import empty_url as empty_url
from tests.databases import store as store
from tests.store.test_sealed import fill

OLD, NEW = (f"{word}-0123456789-abcdefghijklmnopqrstuvwxyz" for word in ("old", "new"))


@pytest.fixture
def seals() -> TemplateSeals:
    return TemplateSeals(Keyring((OLD,)))


def embedding(seed: int) -> bytes:
    vector = np.random.default_rng(seed).normal(size=192)
    return (vector / np.linalg.norm(vector)).astype("<f4").tobytes()


async def add_plain(store: Store, count: int) -> list[str]:
    """As an earlier version has left them."""
    person = Person(full_name="Ada")
    photos = [Photo(person_id=person.id, object_key="a", portrait_key="b", width=1, height=1, box=[], quality={})
              for _ in range(count)]  # fmt: skip
    rows = [
        Template(person_id=person.id, photo_id=photo.id, pack="p", pack_sha256="", dimension=192,
                 embedding=embedding(number))
        for number, photo in enumerate(photos)
    ]  # fmt: skip
    for level in ([person], photos, rows):
        async with store.transaction() as session:
            session.add_all(level)
    return [row.id for row in rows]


async def kept(store: Store, ids: list[str]) -> list[templates.KeptTemplate]:
    async with store.read() as session:
        found = {row.template_id: row for row in await templates.kept(session, ids)}
    return [found[one] for one in ids]


def test_sealed_and_opened(seals: TemplateSeals) -> None:
    """Each time otherwise, and with nothing of the embedding to be seen; the id of the key is beside it."""
    plain = embedding(1)
    first, second = (seals.seal("t", "p", plain) for _ in range(2))
    assert first.key_id == key_id(OLD)
    assert first.embedding != second.embedding
    assert not any(plain[n : n + 4] in first.embedding for n in range(0, len(plain), 4))
    assert seals.open(first) == seals.open(second) == plain


def test_none_opens_in_another_place(seals: TemplateSeals) -> None:
    """Not as another row, not as another person's, not with a bit turned, not cut short, not in the clear."""
    row = seals.seal("t", "p", embedding(1))
    turned = bytes([row.embedding[40] ^ 1])
    for other in (
        replace(row, template_id="u"),
        replace(row, person_id="q"),
        replace(row, embedding=row.embedding[:40] + turned + row.embedding[41:]),
        replace(row, embedding=row.embedding[:9]),
        replace(row, embedding=b""),
        replace(row, key_id="0" * 12),
        replace(row, key_id=None, embedding=embedding(1)),
    ):
        assert seals.open(other) is None


def test_older_keys_open(seals: TemplateSeals) -> None:
    """And the newest seals."""
    row = seals.seal("t", "p", embedding(1))
    both = TemplateSeals(Keyring((NEW, OLD)))
    assert both.open(row) == embedding(1)
    assert both.seal("t", "p", b"").key_id == key_id(NEW)
    assert TemplateSeals(Keyring((NEW,))).open(row) is None


async def test_what_an_earlier_version_left_is_sealed_once(
    store: Store, seals: TemplateSeals, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No row of the database and, on SQLite, none of its files holds an embedding any more; all of them open."""
    monkeypatch.setattr("server.access.template_seals.AT_ONCE", 3)
    ids = await add_plain(store, 8)
    if store.is_sqlite:
        assert await asyncio.to_thread(_in_files, store, 8)
    assert await seals.seal_all(store) == 8
    assert await seals.seal_all(store) == 0
    assert [seals.open(row) for row in await kept(store, ids)] == [embedding(number) for number in range(8)]
    async with store.read() as session:
        raw = (await session.exec(select(cast(Template.embedding, LargeBinary)))).all()
    assert not any(embedding(number)[:32] in row for number in range(8) for row in raw)
    if store.is_sqlite:
        assert not await asyncio.to_thread(_in_files, store, 8)
    else:
        dumped = await _as_text(store)
        assert not any(embedding(number)[:32].hex() in row for number in range(8) for row in dumped)


async def test_a_new_key_takes_over(store: Store, seals: TemplateSeals) -> None:
    """After a rotation everything is sealed anew, and the old key may go."""
    ids = await add_plain(store, 3)
    await seals.seal_all(store)
    assert await TemplateSeals(Keyring((NEW, OLD))).seal_all(store) == 3
    alone = TemplateSeals(Keyring((NEW,)))
    assert [alone.open(row) for row in await kept(store, ids)] == [embedding(number) for number in range(3)]


async def test_what_no_key_opens_is_left_alone(store: Store, seals: TemplateSeals) -> None:
    """The key may come back; until then the start goes on, and the way back is refused."""
    ids = await add_plain(store, 2)
    await seals.seal_all(store)
    before = await kept(store, ids)
    stranger = TemplateSeals(Keyring((NEW,)))
    assert await stranger.seal_all(store) == 0
    assert await kept(store, ids) == before
    with pytest.raises(Conflict, match="2 or more templates"):
        async with store.transaction() as session:
            await stranger.unseal_all(session)
    assert await kept(store, ids) == before


async def test_the_way_back(store: Store, seals: TemplateSeals, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of them as they were before they were sealed."""
    monkeypatch.setattr("server.access.template_seals.AT_ONCE", 2)
    ids = await add_plain(store, 5)
    before = await kept(store, ids)
    await seals.seal_all(store)
    async with store.transaction() as session:
        assert await seals.unseal_all(session) == 5
    assert await kept(store, ids) == before


def _in_files(store: Store, count: int) -> bool:
    path = Path(store.url.partition("///")[2])
    content = b"".join(file.read_bytes() for file in path.parent.glob(f"{path.name}*"))
    return any(embedding(number)[:32] in content for number in range(count))


async def _as_text(store: Store) -> list[str]:
    """The rows as PostgreSQL itself writes them."""
    async with store.engine.connect() as connection:
        return [str(row[0]) for row in await connection.execute(text("SELECT t::text FROM templates t"))]


async def test_handed_over(store: Store, seals: TemplateSeals) -> None:
    """Of two people who are one: what was sealed for the other opens as this one's, and no longer as the other's."""
    ids = await add_plain(store, 2)
    await seals.seal_all(store)
    [row, _] = await kept(store, ids)
    heir = Person(full_name="Bea")
    async with store.transaction() as session:
        session.add(heir)
        await session.flush()
        await seals.hand_over(session, row.person_id, heir.id)
    after = await kept(store, ids)
    assert [seals.open(one) for one in after] == [None, None]
    assert [seals.open(replace(one, person_id=heir.id)) for one in after] == [embedding(0), embedding(1)]


async def test_faces_of_visitors_and_refused_views_too(store: Store) -> None:
    """Each opens in its own place under the newest key, and under no other."""
    made = await fill(store)
    old, new = TemplateSeals(Keyring((OLD,))), TemplateSeals(Keyring((NEW, OLD)))
    owners = dict(made.values())
    for where in SEALED:
        async with store.transaction() as session:
            rows = await sealed.not_under(session, where, "none")
            anew = [(row, old.seal(row.template_id, row.person_id, embedding(1))) for row in rows]
            await sealed.rewrite(session, where, anew)
    assert await new.seal_all(store) == len(SEALED)
    assert await new.seal_all(store) == 0
    alone = TemplateSeals(Keyring((NEW,)))
    async with store.read() as session:
        for where in SEALED:
            [row] = await sealed.not_under(session, where, "none")
            assert row.person_id == owners.get(row.template_id, row.person_id)
            assert alone.open(row) == embedding(1)
            assert old.open(row) is None
        assert await sealed.count_by_key(session) == {key_id(NEW): len(SEALED)}
