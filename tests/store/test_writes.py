"""Writing one row."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from server.errors import Conflict
from server.store.engine import Store
from server.store.tables import Department, Person
from server.store.writes import locked, save, touch

CLASH = Conflict("taken", code="taken")


async def test_a_value_that_is_taken(store: Store) -> None:
    """Is told as a conflict, and the transaction is undone."""
    async with store.transaction() as session:
        await save(session, Department(name="Night"), CLASH)

    async def save_both() -> None:
        async with store.transaction() as session:
            await save(session, Department(name="Day"), CLASH)
            await save(session, Department(name="Night"), CLASH)

    with pytest.raises(Conflict) as caught:
        await save_both()
    assert caught.value is CLASH
    async with store.transaction() as session:
        await save(session, Department(name="Day"), CLASH)


async def test_another_broken_rule_is_not_a_conflict(store: Store) -> None:
    """A reference to nothing is a mistake of ours, and stays what it is."""
    with pytest.raises(IntegrityError):
        async with store.transaction() as session:
            await save(session, Person(full_name="A", department_id="nowhere"), CLASH)


async def test_every_edit_has_a_stamp_of_its_own(store: Store) -> None:
    """Also one that changes nothing, and one by a clock that went back; a new row keeps the one it has."""
    row = Department(name="Night")
    made = row.updated_at
    async with store.transaction() as session:
        await save(session, row, CLASH)
    stamps = [row.updated_at]
    assert stamps == [made]
    for _ in range(3):
        async with store.transaction() as session:
            same = await locked(session, Department, row.id)
            assert same is not None
            await save(session, same, CLASH)
        stamps.append(same.updated_at)
    assert sorted(set(stamps)) == stamps
    async with store.read() as session:
        assert (await session.get_one(Department, row.id)).updated_at == stamps[-1]
    ahead = row.updated_at = stamps[-1] + timedelta(days=1)
    touch(row)
    assert row.updated_at == ahead + timedelta(microseconds=1)


async def test_a_locked_row_waits_for_the_one_before(store: Store) -> None:
    """Whoever comes second reads what the first one has written."""
    async with store.transaction() as session:
        row = await save(session, Department(name="0"), CLASH)

    async def count() -> None:
        async with store.transaction() as session:
            mine = await locked(session, Department, row.id)
            assert mine is not None
            await asyncio.sleep(0.01)
            mine.name = str(int(mine.name) + 1)
            await save(session, mine, CLASH)

    async with asyncio.TaskGroup() as tasks:
        for _ in range(5):
            tasks.create_task(count())
    async with store.read() as session:
        assert (await session.get_one(Department, row.id)).name == "5"
        assert await locked(session, Department, "nowhere") is None


async def test_others_may_point_to_a_row_that_is_being_edited(store: Store) -> None:
    """What is seen at a camera is written while somebody renames it: PostgreSQL's lock leaves keys alone."""
    if store.is_sqlite:
        pytest.skip("SQLite has one writer at a time")
    async with store.transaction() as session:
        row = await save(session, Department(name="Night"), CLASH)
    async with store.transaction() as editing:
        await locked(editing, Department, row.id)
        async with asyncio.timeout(5), store.transaction() as session:
            await save(session, Person(full_name="Ada", department_id=row.id), CLASH)
