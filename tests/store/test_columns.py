"""Column types that mean the same on both databases."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy.exc import StatementError
from sqlmodel import select

from server.store.engine import Store
from server.store.tables import Department, Sighting
from tests.store.conftest import NOON


async def test_times_are_in_utc(store: Store) -> None:
    """What goes in with any zone comes out in UTC, to the microsecond."""
    at = datetime(2026, 3, 29, 2, 30, 0, 123456, tzinfo=timezone(timedelta(hours=5, minutes=45)))
    async with store.transaction() as session:
        session.add(Sighting(state="open", started_at=at, last_seen_at=at))
    async with store.read() as session:
        row = (await session.exec(select(Sighting))).one()
    assert row.started_at == at
    assert row.started_at.tzinfo is UTC
    assert row.ended_at is None


async def test_a_time_without_a_zone(store: Store) -> None:
    """Is refused rather than guessed."""
    naive = NOON.replace(tzinfo=None)
    with pytest.raises(StatementError, match="without a zone"):
        async with store.transaction() as session:
            session.add(Sighting(state="open", started_at=naive, last_seen_at=naive))


async def test_stamps(store: Store) -> None:
    """Every row has an id that sorts by its making, and knows its last change."""
    async with store.transaction() as session:
        row = Department(name="A")
        session.add(row)
    made = row.updated_at
    async with store.transaction() as session:
        found = await session.get(Department, row.id)
        assert found is not None
        found.name = "B"
        session.add(found)
    assert found.updated_at > made
    assert found.created_at == row.created_at
    assert Department(name="C").id > row.id
