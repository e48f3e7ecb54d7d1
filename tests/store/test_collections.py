"""Collections of rows: found, listed, saved and removed alike."""

import pytest

from server.errors import Conflict, NotFound
from server.events.limits import Reach
from server.store.engine import Store
from server.store.paging import Page
from server.store.sites import SITES
from server.store.tables import Leave, Site
from server.store.working_time import LEAVE
from tests.store.conftest import NOON, add_person


async def test_rows_come_and_go(store: Store) -> None:
    """Sorted and searched by the collection's own words; a name is given once."""
    async with store.transaction() as session:
        for name in ("Berlin", "Athens"):
            await SITES.save(session, Site(name=name, timezone="UTC"))
    async with store.read() as session:
        assert [row.name for row in (await SITES.page(session, Page())).rows] == ["Athens", "Berlin"]
        found = await SITES.page(session, Page(search="ber"), conditions=[])
        assert [row.name for row in found.rows] == ["Berlin"]
    with pytest.raises(Conflict) as refused:
        async with store.transaction() as session:
            await SITES.save(session, Site(name="Berlin", timezone="UTC"))
    assert refused.value.code == "site_exists"
    async with store.transaction() as session:
        await SITES.remove(session, await SITES.lock(session, found.rows[0].id))
        with pytest.raises(NotFound) as gone:
            await SITES.get(session, found.rows[0].id)
    assert gone.value.code == "site_not_found"


async def test_out_of_reach_is_not_there(store: Store) -> None:
    """Neither in a list nor by its id."""
    person = await add_person(store, "Ada")
    day = NOON.date()
    async with store.transaction() as session:
        row = await LEAVE.save(session, Leave(person_id=person.id, first_date=day, last_date=day, kind="x"))
    reach = Reach(cameras=None, departments=frozenset({"lab"}))
    async with store.transaction() as session:
        assert (await LEAVE.page(session, Page(), reach)).total == 0
        with pytest.raises(NotFound):
            await LEAVE.lock(session, row.id, reach)
        assert (await LEAVE.lock(session, row.id)).id == row.id
