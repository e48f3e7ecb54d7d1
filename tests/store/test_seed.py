"""What a new database starts with."""

from server.store import users
from server.store.engine import Store
from server.store.paging import Page
from server.store.seed import seed_admin, seed_roles
from server.store.tables import Role

ROLES = {"Admin": {"a:read", "a:write"}, "Viewer": {"a:read"}}


async def _roles(store: Store) -> dict[str, list[str]]:
    async with store.read() as session:
        return {role.name: role.permissions for role in await users.roles(session)}


async def test_roles(store: Store) -> None:
    """Made once, and made as a later version has them."""
    async with store.transaction() as session:
        assert await seed_roles(session, ROLES) == ["Admin", "Viewer"]
    async with store.transaction() as session:
        assert await seed_roles(session, ROLES) == []
    async with store.transaction() as session:
        assert await seed_roles(session, {"Viewer": {"b:read"}}) == ["Viewer"]
    assert await _roles(store) == {"Admin": ["a:read", "a:write"], "Viewer": ["b:read"]}


async def test_a_role_of_ones_own(store: Store) -> None:
    """Is left alone, whatever its name."""
    async with store.transaction() as session:
        session.add(Role(name="Viewer", permissions=["c:read"]))
    async with store.transaction() as session:
        assert await seed_roles(session, ROLES) == ["Admin"]
    assert (await _roles(store))["Viewer"] == ["c:read"]


async def test_the_first_administrator(store: Store) -> None:
    """Made where there is none, and never a second one."""
    async with store.transaction() as session:
        await seed_roles(session, ROLES)
        made = await seed_admin(session, email="Admin@example.com", full_name="A", password_hash="x")
        assert made is not None
    async with store.transaction() as session:
        assert await seed_admin(session, email="b@example.com", full_name="B", password_hash="x") is None
    async with store.read() as session:
        assert [account.user.email for account in (await users.page(session, Page())).rows] == ["admin@example.com"]
