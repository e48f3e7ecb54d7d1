"""Roles as rows."""

import pytest

from server.errors import Conflict, NotFound
from server.store import roles, users
from server.store.engine import Store
from server.store.paging import Page
from server.store.seed import seed_roles
from server.store.tables import Role, User


@pytest.fixture
async def desk(store: Store) -> Role:
    async with store.transaction() as session:
        await seed_roles(session, {"Admin": {"a:read"}})
        role = await roles.save_role(session, Role(name="Desk"), ["b:read", "a:read", "b:read"])
        await users.save_user(session, User(email="v@example.com", full_name="V", password_hash="x", role_id=role.id))
    return role


async def test_with_how_many_have_it(store: Store, desk: Role) -> None:
    """Alone, locked and in a list."""
    assert desk.permissions == ["a:read", "b:read"]
    async with store.transaction() as session:
        assert (await roles.get(session, desk.id))[1] == 1
        assert (await roles.locked(session, desk.id, to_remove=True))[1] == 1
        found = await roles.page(session, Page())
        assert [(role.name, count) for role, count in found.rows] == [("Admin", 0), ("Desk", 1)]
        assert [role.name for role, _ in (await roles.page(session, Page(), builtin=True)).rows] == ["Admin"]
        assert (await roles.page(session, Page(search="desk", page_size=1))).total == 1
        for read in (roles.get, roles.locked):
            with pytest.raises(NotFound) as caught:
                await read(session, "nowhere")
            assert caught.value.code == "role_not_found"


async def test_a_name_is_taken_once(store: Store, desk: Role) -> None:
    """A second role of that name is a conflict."""

    async def again() -> None:
        async with store.transaction() as session:
            await roles.save_role(session, Role(name="Desk"), [])

    with pytest.raises(Conflict) as caught:
        await again()
    assert caught.value.code == "role_name_taken"


async def test_removing(store: Store, desk: Role) -> None:
    """Once nobody has it."""
    async with store.transaction() as session:
        account = await users.find_by_email(session, "v@example.com")
        assert account is not None
        await users.remove(session, account.user)
        await roles.remove(session, (await roles.locked(session, desk.id, to_remove=True))[0])
    async with store.read() as session:
        assert [role.name for role in await users.roles(session)] == ["Admin"]
