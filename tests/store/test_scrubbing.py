"""What is taken out of stored events and warnings."""

from server.events.schema import NewEvent
from server.store import scrubbing
from server.store.engine import Store
from server.store.event_log import TableLog
from server.store.scrubbing import Span, scrubbed
from tests.store.conftest import NOON, add_person, add_photo

TOLD = {"person": {"id": "p1", "fullName": "Ada"}, "similarity": 0.7, "snapshotUrl": "/x", "direction": "in"}


def test_evidence_goes_and_facts_stay() -> None:
    """Whom an event tells of is forgotten only where the person goes."""
    bare = {"similarity": None, "snapshotUrl": None, "direction": "in"}
    assert scrubbed(TOLD, "p1", forget_who=False) == {"person": TOLD["person"], **bare}
    assert scrubbed(TOLD, "p1", forget_who=True) == {"person": None, **bare}
    entry = {"entryId": "e1", "personId": "p1", "person": {"id": "p1", "fullName": "Ada"}, "snapshotUrl": "/s"}
    gone = {"entryId": "e1", "personId": None, "person": None, "snapshotUrl": None}
    assert scrubbed({"present": entry}, "p1", forget_who=True) == {"present": gone}  # by which they are in
    greeting = {"name": "Ada", "photoUrl": None, "personId": "p1"}
    assert scrubbed(greeting, "p1", forget_who=True) == {"name": "", "photoUrl": None, "personId": None}
    alert = {"subject": "people/p1/days/2026-01-05", "kind": "check_out_missing"}
    assert scrubbed(alert, "p1", forget_who=False) == alert
    assert scrubbed(alert, "p1", forget_who=True) == alert | {"subject": ""}
    assert scrubbed({"name": "Ada", "photoUrl": "/p1"}, "p1", forget_who=True) == {"name": "", "photoUrl": None}


async def test_span_by_span(store: Store) -> None:
    """Only what tells of them is changed, and only within the span; done again, there is nothing to do."""
    log = TableLog(store)
    told = [NewEvent("attendance", "attendance.checked_in", "s", TOLD | {"n": n}, NOON) for n in range(4)]
    other = NewEvent("attendance", "attendance.checked_in", "s", {"person": {"id": "p2", "fullName": "Bea"}}, NOON)
    async with store.transaction() as session:
        await log.append(session, [*told, other])
    async with store.read() as session:
        assert ("attendance", 0, 5) in await scrubbing.spans(session)
        assert await scrubbing.tells_of(session, ["p0", "p1"], Span("attendance", 3, 5))
        assert not await scrubbing.tells_of(session, ["p1"], Span("attendance", 4, 5))
    for changed in (2, 0):
        async with store.transaction() as session:
            first = Span("attendance", 0, 2)
            assert await scrubbing.scrub_events(session, ["p1"], first, forget_who=True) == changed
    left = [event.data["person"] for event in await log.read("attendance", 0, 10)]
    assert left == [None, None, TOLD["person"], TOLD["person"], other.data["person"]]


async def test_warnings_of_others(store: Store) -> None:
    """They say no more whom a face resembles, if that is them."""
    ada, bea = await add_person(store, "Ada"), await add_person(store, "Bea")
    named = [{"code": "resembles_other_person", "personId": one.id} for one in (ada, bea)]
    photo = await add_photo(store, await add_person(store, "Cleo"), warnings=named)
    async with store.transaction() as session:
        assert await scrubbing.scrub_warnings(session, [ada.id]) == 1
    async with store.read() as session:
        row = await session.get_one(type(photo), photo.id)
        assert row.warnings == [named[1]]
