"""The days of many people in turn."""

from datetime import UTC, date, datetime

import pytest

from server.events.limits import EVERYTHING, Reach
from server.pipeline import days_in_turn
from server.pipeline.days_in_turn import Wanted, in_turn, whose
from server.store.engine import Store
from server.store.runtime import AttendanceSettings
from server.store.tables import Department, Person
from tests.databases import databases as databases
from tests.databases import store as store

WEEK = Wanted(date(2026, 1, 5), date(2026, 1, 11))


@pytest.fixture
async def crew(store: Store) -> Department:
    """Five people by name, the last of no department."""
    crew = Department(name="Crew")
    people = [Person(full_name=f"Person {number}", department_id=crew.id) for number in range(4)]
    async with store.transaction() as session:
        session.add(crew)
        await session.flush()
        session.add_all([*people, Person(full_name="Somebody"), Person(full_name="Gone", active=False)])
    return crew


async def test_some_people_after_the_others(store: Store, crew: Department, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everybody once, by name, each with all of their days."""
    monkeypatch.setattr(days_in_turn, "AT_ONCE", 2)
    async with store.read() as session:
        who = await whose(session, WEEK, EVERYTHING)
    now = datetime(2026, 1, 12, tzinfo=UTC)
    found = [some async for some in in_turn(store, who, WEEK, "UTC", AttendanceSettings(), now)]
    assert [len(some) for some in found] == [2, 2, 1]
    pairs = [pair for some in found for pair in some]
    assert [person.full_name for person, _ in pairs] == [*(f"Person {number}" for number in range(4)), "Somebody"]
    assert {len(days) for _, days in pairs} == {WEEK.dates} == {7}
    assert all(day.person_id == person.id for person, days in pairs for day in days)


async def test_within_reach(store: Store, crew: Department) -> None:
    """And by the filters; of nobody there are no days."""
    async with store.read() as session:
        assert len(await whose(session, WEEK, Reach(departments=frozenset({crew.id})))) == 4
        assert await whose(session, WEEK, Reach(departments=frozenset())) == []
        nobody = Wanted(WEEK.first, WEEK.last, site_id="none")
        assert await whose(session, nobody, EVERYTHING) == []
    none = in_turn(store, [], WEEK, "UTC", AttendanceSettings(), datetime(2026, 1, 12, tzinfo=UTC))
    assert [some async for some in none] == []
