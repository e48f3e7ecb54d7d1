"""What the database holds on a person, and nothing on anybody else."""

from server.store import held
from server.store.engine import Store
from server.store.tables import Consent, Credential, Entry, EventRow, Leave, Schedule, Sighting
from tests.store.conftest import NOON, add_person, add_photo

OWNED = ("consents", "credentials", "photos", "templates", "sightings", "entries", "schedules", "leave")


async def test_theirs_and_theirs_alone(store: Store) -> None:
    """Every table that knows the person; nothing that is sealed, and no key of an object."""
    ada, bob = await add_person(store, "Ada"), await add_person(store, "Bob")
    for one in (ada, bob):
        await add_photo(store, one)
    async with store.transaction() as session:
        for number, one in enumerate((ada, bob)):
            told = {"person": {"id": one.id}, "similarity": 0.7}
            session.add_all(
                [
                    Consent(person_id=one.id, state="given", text_version="1", at=NOON, how="paper", noted_by="op"),
                    Sighting(
                        person_id=one.id, state="closed", started_at=NOON, last_seen_at=NOON, face_key="faces/x.jpg"
                    ),
                    Entry(person_id=one.id, at=NOON, direction="in", origin="manual"),
                    Credential(person_id=one.id, kind="pin", digest=f"digest of {one.id}", key_id="k"),
                    Schedule(person_id=one.id, first_date=NOON.date()),
                    Leave(person_id=one.id, first_date=NOON.date(), last_date=NOON.date(), kind="vacation"),
                    EventRow(
                        topic="attendance", offset=number + 1, id=f"e{number}", type="attendance.checked_in", time=NOON,
                        source="s", data=told,
                    ),
                ]
            )  # fmt: skip
    found = {}
    for name, statement in held.tables(ada.id).items():
        found[name] = [held.told(row) async for rows in held.rows(store, statement) for row in rows]
    for name in (*OWNED, "events"):
        assert len(found[name]) == 1, name
    assert {one["personId"] for name in OWNED for one in found[name]} == {ada.id}
    assert found["events"][0]["data"]["person"] == {"id": ada.id}
    text = str(found)
    assert "faces/x.jpg" not in text
    assert "embedding" not in text
    assert "digest" not in text
    assert bob.id not in text
    assert (await held.person(store, ada.id))["fullName"] == "Ada"


async def test_more_than_a_batch(store: Store) -> None:
    """All of them, once each, in their order."""
    ada = await add_person(store, "Ada")
    async with store.transaction() as session:
        for _ in range(held.AT_ONCE + 1):
            session.add(Entry(person_id=ada.id, at=NOON, direction="in", origin="manual"))
    batches = [rows async for rows in held.rows(store, held.tables(ada.id)["entries"])]
    assert [len(rows) for rows in batches] == [held.AT_ONCE, 1]
    ids = [row.id for rows in batches for row in rows]
    assert ids == sorted(set(ids))
