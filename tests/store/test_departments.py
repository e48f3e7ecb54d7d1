"""Departments."""

import pytest

from server.errors import Conflict, NotFound
from server.store import departments, people
from server.store.engine import Store
from server.store.paging import Page
from server.store.tables import Department
from tests.store.conftest import add_person


async def test_the_usual(store: Store) -> None:
    """Saved under a name of its own, found, listed; removed, its people stay."""
    async with store.transaction() as session:
        night = await departments.save_department(session, Department(name="Night"))
    with pytest.raises(Conflict):
        async with store.transaction() as session:
            await departments.save_department(session, Department(name="Night"))
    ada = await add_person(store, "Ada", department_id=night.id)
    async with store.transaction() as session:
        assert (await departments.page(session, Page(search="nig"))).total == 1
        assert await departments.find_by_name(session, "Night") is not None
        await departments.remove(session, await departments.get(session, night.id))
    async with store.read() as session:
        assert (await people.get(session, ada.id)).department_id is None
        with pytest.raises(NotFound):
            await departments.get(session, night.id)
