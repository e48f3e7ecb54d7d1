"""Corrections of entries: the law that the original with its corrections is what counts."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from server.attendance.entry import Entry as Fact
from server.clock import ManualClock
from server.errors import Conflict, Forbidden
from server.parts import Parts
from server.pipeline import amend
from server.pipeline.amend import Terms, Wish
from server.store import corrections, entries
from server.store.audit import Actor
from server.store.tables import Correction, Entry, Person

CLERK, BOSS = Actor("user", "u1", "clerk@example.com"), Actor("user", "u2", "boss@example.com")


@pytest.fixture
def terms(clock: ManualClock) -> Terms:
    return Terms(CLERK, "By the book.", clock.now())


async def entry_of(parts: Parts, person: Person, terms: Terms) -> Entry:
    entry = Entry(person_id=person.id, at=terms.at, direction="in", origin="manual")
    async with parts.store.transaction() as session:
        await amend.add(session, entry, terms)
    return entry


async def amended(parts: Parts, entry: Entry, wish: Wish | None, terms: Terms) -> None:
    async with parts.store.transaction() as session:
        row = await session.get_one(Entry, entry.id)
        if wish is None:
            await amend.remove(session, row, terms)
        else:
            await amend.replace(session, row, wish, terms)


async def test_the_original_and_its_corrections_are_what_counts(parts: Parts, person: Person, terms: Terms) -> None:
    """Worked out by the pure law from nothing but the rows that never change, it is what the entry says."""
    entry = await entry_of(parts, person, terms)
    wishes: list[Wish | None] = [
        Wish(at=terms.at - timedelta(minutes=5)), Wish(direction="out"), Wish(at=terms.at, direction="in"), None,
    ]  # fmt: skip
    for wish in wishes:
        await amended(parts, entry, wish, terms)
        async with parts.store.read() as session:
            row = await session.get_one(Entry, entry.id)
            counts = _what_counts(await _corrections_of(session, entry.id))
        assert counts == (None if row.state == "removed" else Fact(row.id, row.at, row.direction))  # type: ignore[arg-type]
        first: dict[str, Any] = row.original or {}
        assert first == {"personId": person.id, "at": terms.at.isoformat(), "direction": "in"}


def _what_counts(rows: Sequence[Correction]) -> Fact | None:
    """The law: each correction says the whole of it, so the newest alone counts."""
    newest = max(rows, key=lambda row: (row.created_at, row.id))
    after = newest.after
    return Fact(newest.entry_id, datetime.fromisoformat(after["at"]), after["direction"]) if after else None


async def _corrections_of(session: AsyncSession, entry_id: str) -> Sequence[Correction]:
    return (await session.exec(select(Correction).where(Correction.entry_id == entry_id))).all()


async def test_one_that_waits_changes_nothing(parts: Parts, person: Person, terms: Terms) -> None:
    """Until somebody else agrees, and then it is as it was asked for."""
    entry = await entry_of(parts, person, terms)
    waits = Terms(CLERK, "Perhaps.", terms.at, needs_second=True)
    await amended(parts, entry, Wish(direction="out"), waits)
    async with parts.store.transaction() as session:
        row = await session.get_one(Entry, entry.id)
        assert (row.direction, row.original) == ("in", None)
        pending = await corrections.waiting(session, entry.id)
        assert pending is not None
        with pytest.raises(Conflict, match="waits"):
            await amend.remove(session, row, terms)
        found = await corrections.get(session, pending.id)
        with pytest.raises(Forbidden):
            await amend.decide(session, found, True, terms)
        await amend.decide(session, found, True, Terms(BOSS, "", terms.at))
        assert (found.entry.direction, found.correction.state) == ("out", "applied")
        with pytest.raises(Conflict, match="already"):
            await amend.decide(session, found, False, Terms(BOSS, "", terms.at))


async def test_the_same_twice(parts: Parts, person: Person, terms: Terms) -> None:
    """There is one entry of a person at a time in a direction; one that was removed does not count."""
    entry = await entry_of(parts, person, terms)
    with pytest.raises(Conflict, match="already"):
        await entry_of(parts, person, terms)
    await amended(parts, entry, None, terms)
    with pytest.raises(Conflict, match="removed"):
        await amended(parts, entry, None, terms)
    assert (await entry_of(parts, person, terms)).id != entry.id


async def test_whose_it_was_has_been_erased(parts: Parts, person: Person, terms: Terms) -> None:
    """The fact stays as it is, without its corrections, which would say who."""
    entry = await entry_of(parts, person, terms)
    await amended(parts, entry, Wish(direction="out"), terms)
    async with parts.store.transaction() as session:
        await entries.make_anonymous(session, await session.get_one(Person, person.id))
    async with parts.store.transaction() as session:
        row = await session.get_one(Entry, entry.id, populate_existing=True)
        assert (row.direction, row.original, row.person_id) == ("out", None, None)
        assert await _corrections_of(session, entry.id) == []
        with pytest.raises(Conflict, match="erased"):
            await amend.remove(session, row, terms)
