"""Visitors in the store: what is listed, and what retention finds and forgets."""

from datetime import UTC, datetime, timedelta

from server.store import visitors
from server.store.engine import Store
from server.store.paging import Page
from server.store.tables import Person, Sighting, SightingFace, Visitor

AT = datetime(2026, 1, 5, 8, tzinfo=UTC)


async def test_what_is_old_and_unknown_is_forgotten(store: Store) -> None:
    """Faces and keys of pictures; the sightings stay as figures. Not what is open, recent or known."""
    person, visitor = Person(full_name="Ada"), Visitor(pack="p", pack_sha256="s", last_seen_at=AT, embedding=b"x")

    def row(days: float, state: str = "closed", person_id: str | None = None) -> Sighting:
        at = AT - timedelta(days=days)
        return Sighting(
            state=state, person_id=person_id, started_at=at, last_seen_at=at, snapshot_key="s/a.jpg", face_key="s/b.jpg"
        )

    async with store.transaction() as session:
        session.add_all([person, visitor])
    old, recent, left_open, known = row(8), row(6), row(8, "open"), row(8, person_id=person.id)
    async with store.transaction() as session:
        session.add_all([old, recent, left_open, known])
        await session.flush()
        session.add(SightingFace(sighting_id=old.id, visitor_id=visitor.id, quality=0.5, embedding=b"x"))
    async with store.read() as session:
        found = await visitors.expired(session, AT - timedelta(days=7), 10)
        assert [one.id for one in found] == [old.id]
        assert [one.count for one in (await visitors.page(session, Page())).rows] == [1]
    async with store.transaction() as session:
        assert await visitors.forget(session, [old.id, known.id]) == 1
        assert await visitors.forget(session, []) == 0
    async with store.read() as session:
        assert list(await visitors.expired(session, AT - timedelta(days=7), 10)) == []
        assert (await session.get_one(Sighting, old.id)).snapshot_key is None
        assert (await session.get_one(Sighting, known.id)).snapshot_key == "s/a.jpg"
        assert await session.get(Visitor, visitor.id) is None
