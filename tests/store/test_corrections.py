"""Corrections: rows about entries, in the reach of whoever looks."""

from datetime import timedelta

import pytest

from server.errors import NotFound
from server.events.limits import Reach
from server.store import corrections
from server.store.audit import Actor
from server.store.engine import Store
from server.store.paging import Page
from server.store.tables import Correction, Department, Entry, Person
from tests.store.conftest import NOON

SAID = {"personId": "p", "at": NOON.isoformat(), "direction": "in"}


async def keep(store: Store) -> tuple[Entry, Correction, Correction]:
    """An entry of Ada in the lab, with one correction that was applied and one that waits."""
    lab = Department(name="Lab")
    ada = Person(full_name="Ada", department_id=lab.id)
    entry = Entry(person_id=ada.id, at=NOON, direction="in", origin="manual")
    first, second = (
        Correction(entry_id=entry.id, kind="replace", before=SAID, after=SAID, reason=reason, state=state)
        for reason, state in (("Late.", "applied"), ("Twins.", "pending"))
    )
    async with store.transaction() as session:
        for row in (lab, ada, entry, first, second):
            session.add(row)
            await session.flush()
    return entry, first, second


async def test_pages(store: Store) -> None:
    """By state, entry and person; searched by the reason and by who asked."""
    entry, first, second = await keep(store)
    async with store.read() as session:
        found = await corrections.page(session, Page(), state="pending")
        assert [row.correction.id for row in found.rows] == [second.id]
        assert (found.rows[0].entry.id, found.rows[0].person.full_name) == (entry.id, "Ada")
        assert (await corrections.page(session, Page(search="late"))).rows[0].correction.id == first.id
        assert (await corrections.page(session, Page(), person_id="nobody")).total == 0
        assert (await corrections.page(session, Page(page_size=1), entry_id=entry.id)).total == 2
        waits = await corrections.waiting(session, entry.id)
    assert waits is not None
    assert waits.id == second.id


async def test_out_of_reach(store: Store) -> None:
    """Whoever is limited to another department finds nothing."""
    _, first, _ = await keep(store)
    async with store.transaction() as session:
        elsewhere = Reach(departments=frozenset({"other"}))
        assert (await corrections.page(session, Page(), elsewhere)).total == 0
        with pytest.raises(NotFound):
            await corrections.get(session, first.id, elsewhere)
        assert (await corrections.get(session, first.id)).correction.reason == "Late."


async def test_a_decision(store: Store) -> None:
    """Says by whom and when; nobody waits any more."""
    entry, _, second = await keep(store)
    async with store.transaction() as session:
        row = (await corrections.get(session, second.id)).correction
        corrections.decide(row, "refused", Actor("user", "u1", "u@example.com"), NOON + timedelta(hours=1), "No.")
        session.add(row)
    async with store.read() as session:
        assert await corrections.waiting(session, entry.id) is None
        kept = (await corrections.page(session, Page(), state="refused")).rows[0].correction
    assert (kept.decided_by, kept.decided_by_name, kept.note) == ("u1", "u@example.com", "No.")
    assert kept.decided_at == NOON + timedelta(hours=1)
