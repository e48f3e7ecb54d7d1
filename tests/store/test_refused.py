"""Refused views: once a sighting, bounded by person, gone with the person."""

from datetime import UTC, datetime

from server.store import refused
from server.store.engine import Store
from server.store.tables import Person, RefusedView, Sighting

AT = datetime(2026, 1, 5, 8, tzinfo=UTC)


async def test_the_oldest_goes_and_the_same_is_kept_once(store: Store) -> None:
    """Of one person; the mark tells of every change."""
    person = Person(full_name="Ada")
    rows = [Sighting(state="closed", started_at=AT, last_seen_at=AT) for _ in range(4)]
    async with store.transaction() as session:
        session.add_all([person, *rows])
    marks = set()
    for row in (rows[0], *rows):
        view = RefusedView(person_id=person.id, sighting_id=row.id, pack="p", pack_sha256="s", embedding=b"x")
        async with store.transaction() as session:
            await refused.add(session, view, 3)
        async with store.read() as session:
            marks.add(await refused.mark(session))
    assert len(marks) == 5
    async with store.read() as session:
        assert [one.sighting_id for one in await refused.all_of(session, "s")] == [row.id for row in rows[1:]]
        assert list(await refused.all_of(session, "other")) == []
    async with store.transaction() as session:
        await refused.remove(session, rows[1].id, person.id)
        await session.delete(await session.get_one(Sighting, rows[2].id))
    async with store.read() as session:
        assert [one.sighting_id for one in await refused.all_of(session, "s")] == [None, rows[3].id]
    async with store.transaction() as session:
        await session.delete(await session.get_one(Person, person.id))
    async with store.read() as session:
        assert list(await refused.all_of(session, "s")) == []
