"""Locks of days: forward only, and what they hold."""

from datetime import date, timedelta

import pytest

from server.errors import Conflict, NotFound
from server.store import locks
from server.store.engine import Store
from server.store.paging import Page
from server.store.tables import DayLock
from tests.store.conftest import add_person

DAY = date(2026, 1, 5)


async def test_what_was_locked_comes_back(store: Store) -> None:
    """By person and date, however many there are; of other dates nothing."""
    person = await add_person(store, "Ada")
    many = [(person.id, DAY - timedelta(days=n), [{"workedMinutes": n}]) for n in range(1200)]
    async with store.transaction() as session:
        assert await locks.through(session) is None
        await locks.add(session, DayLock(through=DAY), many)
    async with store.read() as session:
        assert await locks.through(session) == DAY
        found = await locks.frozen(session, [person.id], DAY - timedelta(days=1), DAY)
        assert found == {(person.id, DAY): [{"workedMinutes": 0}],
                         (person.id, DAY - timedelta(days=1)): [{"workedMinutes": 1}]}  # fmt: skip
        assert await locks.frozen(session, ["nobody"], DAY, DAY) == {}


async def test_only_forward_and_only_the_newest_goes(store: Store) -> None:
    """With its days."""
    person = await add_person(store, "Ada")
    first, second = DayLock(through=DAY), DayLock(through=DAY + timedelta(days=1))
    for lock in (first, second):
        async with store.transaction() as session:
            await locks.add(session, lock, [(person.id, lock.through, [])])
    async with store.transaction() as session:
        with pytest.raises(Conflict, match="locked already"):
            await locks.add(session, DayLock(through=DAY), [])
        with pytest.raises(Conflict, match="newest"):
            await locks.newest(session, first.id)
        with pytest.raises(NotFound):
            await locks.newest(session, "none")
        await locks.remove(session, await locks.newest(session, second.id))
    async with store.read() as session:
        assert await locks.through(session) == DAY
        assert list(await locks.frozen(session, [person.id], DAY, second.through)) == [(person.id, DAY)]
        assert [row.id for row in (await locks.page(session, Page())).rows] == [first.id]
