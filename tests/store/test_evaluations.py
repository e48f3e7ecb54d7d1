"""Whose pictures recognition is measured on here, and the last measurement."""

from server.store import evaluations
from server.store.engine import Store
from server.store.tables import AuditRow, Sighting
from tests.store.conftest import NOON, add_person, add_photo


async def test_photos_and_what_an_operator_has_put_right(store: Store) -> None:
    """Of active people; a face that was only recognised is left out, as is one without a picture."""
    ada, bob = await add_person(store, "Ada"), await add_person(store, "Bob", active=False)
    photo = await add_photo(store, ada)
    await add_photo(store, bob)
    rows = [
        Sighting(person_id=person.id, state="closed", started_at=NOON, last_seen_at=NOON, face_key=key)
        for person, key in ((ada, "faces/right.jpg"), (ada, "faces/seen.jpg"), (ada, None), (bob, "faces/bob.jpg"))
    ]
    judged = [
        AuditRow(
            position=number, at=NOON, actor_kind="user", actor_name="op", action="sighting.corrected",
            resource="sightings", resource_id=row.id, key_id="k", hash="h",
        )
        for number, row in enumerate(rows, start=1) if number != 2
    ]  # fmt: skip
    async with store.transaction() as session:
        session.add_all([*rows, *judged])
    async with store.read() as session:
        found = await evaluations.pictures(session)
    assert found == [(ada.id, photo.object_key), (ada.id, "faces/right.jpg")]


async def test_the_last_one_is_kept(store: Store) -> None:
    """There is none at first; a new one stands instead of the old one."""
    async with store.read() as session:
        assert await evaluations.last(session) is None
    for accuracy in (0.9, 0.95):
        async with store.transaction() as session:
            await evaluations.keep(session, {"accuracy": accuracy})
    async with store.read() as session:
        kept = await evaluations.last(session)
    assert kept is not None
    assert kept[1] == {"accuracy": 0.95}
