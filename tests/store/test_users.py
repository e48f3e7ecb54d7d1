"""Users and roles."""

import pytest
from sqlmodel import col, update

from server.errors import Conflict, Invalid, NotFound
from server.store import sessions, users
from server.store.engine import Store
from server.store.paging import Page
from server.store.seed import seed_roles
from server.store.tables import Session, User
from tests.store.conftest import NOON, add_camera, after


@pytest.fixture
async def ada(store: Store) -> User:
    async with store.transaction() as session:
        await seed_roles(session, {"Admin": {"a:read"}, "Viewer": set()})
        role = await users.get_role(session, "Admin")
        return await users.save_user(
            session, User(email="Ada@Example.com", full_name="Ada", password_hash="x", role_id=role.id)
        )


async def test_finding(store: Store, ada: User) -> None:
    """By id or by address, with the role."""
    async with store.read() as session:
        by_id, by_email = await users.get(session, ada.id), await users.find_by_email(session, " ADA@example.com")
        assert by_email is not None
        assert by_id.user.id == by_email.user.id == ada.id
        assert by_id.role.permissions == ["a:read"]
        assert await users.find_by_email(session, "nobody@example.com") is None
        assert await users.find(session, "nobody") is None
        with pytest.raises(NotFound) as caught:
            await users.get(session, "nobody")
    assert caught.value.code == "user_not_found"


async def test_an_address_is_unique(store: Store, ada: User) -> None:
    """However it is written."""
    with pytest.raises(Conflict) as caught:
        async with store.transaction() as session:
            await users.save_user(
                session, User(email="ADA@EXAMPLE.COM", full_name="B", password_hash="x", role_id=ada.role_id)
            )
    assert caught.value.code == "email_taken"


async def test_pages(store: Store, ada: User) -> None:
    """By role, by who is active, by words."""
    async with store.transaction() as session:
        viewer = await users.get_role(session, "Viewer")
        await users.save_user(
            session, User(email="v@example.com", full_name="Vera", password_hash="x", role_id=viewer.id, active=False)
        )
    async with store.read() as session:
        assert (await users.page(session, Page())).total == 2
        assert [a.user.full_name for a in (await users.page(session, Page(sort="-role"))).rows] == ["Vera", "Ada"]
        assert [a.role.name for a in (await users.page(session, Page(), role="Viewer")).rows] == ["Viewer"]
        assert [a.user.full_name for a in (await users.page(session, Page(), active=True)).rows] == ["Ada"]
        assert (await users.page(session, Page(search="vera"))).total == 1


async def test_counting_who_can_sign_in(store: Store, ada: User) -> None:
    """With a role, besides somebody."""
    async with store.read() as session:
        assert await users.count_active(session, "Admin") == 1
        assert await users.count_active(session, "Admin", besides=ada.id) == 0
        assert await users.count_active(session, "Viewer") == 0


async def test_a_login_is_not_an_edit(store: Store, ada: User) -> None:
    """The time of the login changes, the stamp of the last edit does not."""
    async with store.transaction() as session:
        await users.note_login(session, ada.id, NOON)
    async with store.read() as session:
        user = (await users.get(session, ada.id)).user
    assert (user.last_login_at, user.updated_at, user.password_hash) == (NOON, ada.updated_at, "x")
    async with store.transaction() as session:
        await users.note_login(session, ada.id, after(1), "fresh")
    async with store.read() as session:
        assert (await users.get(session, ada.id)).user.password_hash == "fresh"


async def test_removing(store: Store, ada: User) -> None:
    """Takes the sessions along."""
    async with store.transaction() as session:
        await sessions.add(session, Session(user_id=ada.id, refresh_hash="x", expires_at=after(9)))
    async with store.transaction() as session:
        await users.remove(session, (await users.get(session, ada.id)).user)
    async with store.read() as session:
        assert await sessions.open_of_user(session, ada.id, NOON) == []


async def test_roles(store: Store, ada: User) -> None:
    """By name; one that a form names and that is not there is wrong input."""
    async with store.read() as session:
        assert [role.name for role in await users.roles(session)] == ["Admin", "Viewer"]
        with pytest.raises(Invalid) as caught:
            await users.get_role(session, "King")
    assert caught.value.details[0].field == "role"


async def test_limits_are_of_what_is_there(store: Store, ada: User) -> None:
    """The place in the list is named where they are not; no limits and empty ones are both fine."""
    camera = await add_camera(store, "Door")
    async with store.read() as session:
        await users.check_limits(session, None, [])
        await users.check_limits(session, [camera.id], None)
        for camera_ids, department_ids, field in (
            ([camera.id, "x"], None, "cameraIds.1"),
            (None, ["x"], "departmentIds.0"),
        ):
            with pytest.raises(Invalid) as caught:
                await users.check_limits(session, camera_ids, department_ids)
            assert [detail.field for detail in caught.value.details] == [field]


async def test_a_locked_user_is_as_it_is_now(store: Store, ada: User) -> None:
    """Not as the transaction has read it before, and its role stays while it is being given."""
    async with store.transaction() as session:
        await users.get(session, ada.id)
        await session.exec(update(User).where(col(User.id) == ada.id).values(full_name="Ada L."))
        assert (await users.get(session, ada.id, lock=True)).user.full_name == "Ada L."
        await users.lock_role(session, "Admin")
        assert (await users.get_role(session, "Admin")).id == ada.role_id
