"""Sealed faces of every table: which are under another key, written anew, and counted by their key."""

from dataclasses import replace

from server.store import sealed
from server.store.engine import Store
from server.store.sealed import SEALED, of_sighting
from server.store.tables import RefusedView, SightingFace, Visitor
from server.store.templates import KeptTemplate
from tests.store.conftest import NOON, add_camera, add_person, add_photo, add_sighting


async def fill(store: Store, key_id: str | None = "k1") -> dict[str, tuple[str, str]]:
    """A face in each table; its id and its owner, by the table."""
    ada, camera = await add_person(store, "Ada"), await add_camera(store, "Door")
    await add_photo(store, ada)
    seen = await add_sighting(store, camera, None, 0)
    visitor = Visitor(pack="p", pack_sha256="a", last_seen_at=NOON, key_id=key_id, embedding=b"mean")
    face = SightingFace(sighting_id=seen.id, visitor_id=visitor.id, quality=1.0, key_id=key_id, embedding=b"face")
    view = RefusedView(person_id=ada.id, pack="p", pack_sha256="a", key_id=key_id, embedding=b"view")
    for row in (visitor, face, view):
        async with store.transaction() as session:
            session.add(row)
    return {
        "visitors": (visitor.id, "visitor"), "sighting_faces": (face.id, of_sighting(seen.id)),
        "refused_views": (view.id, ada.id),
    }  # fmt: skip


async def test_what_is_under_another_key(store: Store) -> None:
    """In every table, with what it is bound to; then none is left. What was changed meanwhile is not overwritten."""
    made = await fill(store)
    for where in SEALED:
        async with store.read() as session:
            assert await sealed.not_under(session, where, "k1") == [] or where is sealed.TEMPLATES
            [row] = await sealed.not_under(session, where, "k2")
            assert await sealed.not_under(session, where, "k2", after=row.template_id) == []
        name = where.table.__tablename__
        assert (row.template_id, row.person_id) == made.get(name, (row.template_id, row.person_id))
        async with store.transaction() as session:
            await sealed.rewrite(session, where, [])
            anew = replace(row, key_id="k2", embedding=b"anew")
            late = replace(row, embedding=b"as it was long ago")
            await sealed.rewrite(session, where, [(late, replace(row, embedding=b"lost"))])
            await sealed.rewrite(session, where, [(row, anew)])
        async with store.read() as session:
            assert await sealed.not_under(session, where, "k2") == []
            assert await sealed.not_under(session, where, "k3") == [anew]
            assert isinstance(anew, KeptTemplate)


async def test_counted_in_all(store: Store) -> None:
    """By the key; None is what is in the clear."""
    await fill(store)
    async with store.read() as session:
        assert await sealed.count_by_key(session) == {"k1": 3, None: 1}
