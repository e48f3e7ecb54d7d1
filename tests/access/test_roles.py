"""Roles of one's own, beside the built-in ones."""

import asyncio
from datetime import datetime

import pytest

from server.access.access import Access
from server.access.principal import Principal
from server.access.views import RoleView
from server.errors import Conflict, EditedMeanwhile, Forbidden, Invalid, NotFound
from server.store.audit import Filter
from server.store.paging import Page


@pytest.fixture
async def desk(access: Access) -> RoleView:
    return await access.roles.create("Desk", ["people:read", "people:read", "attendance:read"])


async def test_create_and_list(access: Access, desk: RoleView) -> None:
    """With how many users have each."""
    assert (desk.permissions, desk.users, desk.builtin) == (("attendance:read", "people:read"), 0, False)
    await access.accounts.create(email="v@example.com", full_name="V", role="Desk", password="blue heron lake")
    assert (await access.roles.get(desk.id)).users == 1
    found = await access.roles.page(Page(sort="-users", search="e"))
    assert [(row.name, row.users) for row in found.rows][0] == ("Desk", 1)
    assert {row.name for row in found.rows} == {"Desk", "Operator", "Viewer"}
    assert [row.name for row in (await access.roles.page(Page(), builtin=False)).rows] == ["Desk"]
    with pytest.raises(NotFound):
        await access.roles.get("nowhere")


async def test_what_cannot_be(access: Access, desk: RoleView) -> None:
    """A permission that there is not, by its name; a name that is taken."""
    with pytest.raises(Invalid, match="'people:fly'") as caught:
        await access.roles.create("Other", ["people:read", "people:fly"])
    assert [detail.field for detail in caught.value.details] == ["permissions.1"]
    with pytest.raises(Conflict) as clash:
        await access.roles.create("Desk", [])
    assert clash.value.code == "role_name_taken"


async def test_built_in_roles_stay(access: Access) -> None:
    """Neither changed nor removed."""
    viewer = (await access.roles.page(Page(search="viewer"))).rows[0]
    for attempt in (access.roles.update(viewer.id, "V", []), access.roles.remove(viewer.id)):
        with pytest.raises(Conflict) as caught:
            await attempt
        assert caught.value.code == "builtin_role"


async def test_a_change_counts_for_who_has_it(access: Access, desk: RoleView) -> None:
    """At once in this process: they are let in as somebody who may more, and not as before any longer."""
    await access.accounts.create(email="v@example.com", full_name="V", role="Desk", password="blue heron lake")
    token = (await access.login("v@example.com", "blue heron lake")).access_token
    before = await access.by_token(token)
    await access.roles.update(desk.id, "Front desk", ["people:read", "kiosks:read"])
    assert not await access.still_valid(before)
    now = await access.by_token(token)
    assert (now.role, sorted(now.permissions)) == ("Front desk", ["kiosks:read", "people:read"])


async def test_removing(access: Access, desk: RoleView) -> None:
    """Only one that nobody has."""
    user = await access.accounts.create(email="v@example.com", full_name="V", role="Desk", password="blue heron lake")
    with pytest.raises(Conflict) as caught:
        await access.roles.remove(desk.id)
    assert caught.value.code == "role_in_use"
    await access.accounts.remove(user.id)
    await access.roles.remove(desk.id)
    with pytest.raises(NotFound):
        await access.roles.get(desk.id)


async def test_a_role_is_not_removed_under_a_new_user(access: Access, desk: RoleView) -> None:
    """Both at once: either the user comes first and the role stays, or the role is gone and the form names it."""
    making = access.accounts.create(email="v@example.com", full_name="V", role="Desk", password="blue heron lake")
    made, removed = await asyncio.gather(making, access.roles.remove(desk.id), return_exceptions=True)
    if isinstance(made, BaseException):
        assert isinstance(made, Invalid)
        assert removed is None
    else:
        assert isinstance(removed, Conflict)


async def test_nobody_makes_more_than_they_may(access: Access, desk: RoleView) -> None:
    """Nor changes a role that may more."""
    clerk = Principal("u", "", "C", "Clerk", frozenset({"people:read", "roles:write", "roles:delete"}), "s", None)
    made = await access.roles.create("Small", ["people:read"], by=clerk)
    await access.roles.update(made.id, "Smaller", [], by=clerk)
    for attempt in (
        access.roles.create("Big", ["users:write"], by=clerk),
        access.roles.update(made.id, "Small", ["users:write"], by=clerk),
        access.roles.update(desk.id, "Desk", [], by=clerk),
        access.roles.remove(desk.id, by=clerk),
    ):
        with pytest.raises(Forbidden) as caught:
            await attempt
        assert caught.value.code == "more_than_you_may"


async def test_changes_are_told_and_lost_updates_refused(access: Access, desk: RoleView) -> None:
    """Before and after are in the audit; what was not changed is not."""

    def changed(updated_at: datetime) -> None:
        assert updated_at == desk.updated_at
        raise EditedMeanwhile("Somebody else changed this meanwhile.")

    for attempt in (
        access.roles.update(desk.id, "X", [], unchanged=changed),
        access.roles.remove(desk.id, unchanged=changed),
    ):
        with pytest.raises(EditedMeanwhile):
            await attempt
    await access.roles.update(desk.id, "Door", ["kiosks:read"])
    await access.roles.remove(desk.id)
    rows = (await access.audit.page(Page(sort="position"), Filter(resource_id=desk.id))).rows
    assert [row.action for row in rows] == ["role.created", "role.changed", "role.removed"]
    assert rows[1].before == {"name": "Desk", "permissions": ["attendance:read", "people:read"]}
    assert rows[1].after == {"name": "Door", "permissions": ["kiosks:read"]}
