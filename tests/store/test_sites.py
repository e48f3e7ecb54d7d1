"""Sites: what points to one has to find it."""

import pytest

from server.errors import Invalid
from server.store import sites
from server.store.engine import Store
from server.store.tables import Site
from tests.store.conftest import add_camera, add_person


async def test_no_such_site(store: Store) -> None:
    """People and cameras are refused with the field; without a site all is well."""
    site = Site(name="Plant", timezone="UTC")
    async with store.transaction() as session:
        session.add(site)
    async with store.read() as session:
        await sites.check(session, None)
        await sites.check(session, site.id)
    for add in (add_person, add_camera):
        with pytest.raises(Invalid) as refused:
            await add(store, "A", site_id="none")
        assert refused.value.details[0].field == "siteId"
        assert (await add(store, "A", site_id=site.id)).site_id == site.id


async def test_names(store: Store) -> None:
    """Of all of them, by id."""
    plant = Site(name="Plant", timezone="UTC")
    async with store.transaction() as session:
        session.add(plant)
    async with store.read() as session:
        assert await sites.names(session) == {plant.id: "Plant"}
