"""Writing one row."""

import pytest
from sqlalchemy.exc import IntegrityError

from server.errors import Conflict
from server.store.engine import Store
from server.store.tables import Department, Person
from server.store.writes import save

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
