"""Users, as administrators keep them and as they keep themselves."""

import asyncio
from datetime import datetime
from typing import Any

import pytest

from server.access.access import Access
from server.access.accounts import check_email
from server.access.passwords import Passwords
from server.access.permissions import ALL
from server.access.principal import Principal
from server.access.views import UserView
from server.clock import ManualClock
from server.errors import Conflict, EditedMeanwhile, Forbidden, Invalid, NotAuthenticated, NotFound
from server.store import cameras, departments
from server.store.audit import Actor, Filter
from server.store.engine import Store
from server.store.paging import Page
from server.store.tables import Camera, Department
from tests.access.conftest import SECRET


@pytest.fixture
async def viewer(access: Access) -> UserView:
    return await access.accounts.create(
        email="Vera@Example.com", full_name="Vera", role="Viewer", password="blue heron lake"
    )


async def _principal(access: Access, email: str, password: str) -> Principal:
    return await access.by_token((await access.login(email, password)).access_token)


async def test_create_and_list(access: Access, viewer: UserView) -> None:
    """A user is shown without anything secret, the address in lower case."""
    assert (viewer.email, viewer.role, viewer.active) == ("vera@example.com", "Viewer", True)
    assert "people:write" not in viewer.permissions
    assert await access.accounts.get(viewer.id) == viewer
    found = await access.accounts.page(Page(search="VERA"))
    assert (found.total, found.rows) == (1, [viewer])
    assert (await access.accounts.page(Page(), role="Admin")).total == 1
    assert "hash" not in str(found)


@pytest.mark.parametrize(
    ("change", "field", "code"),
    [
        ({"email": "nobody"}, "email", "invalid_email"),
        ({"role": "King"}, "role", "unknown_role"),
        ({"password": "short"}, "password", "too_short"),
    ],
)
async def test_what_cannot_be(access: Access, change: dict[str, str], field: str, code: str) -> None:
    """The answer names the field."""
    form: dict[str, Any] = {
        "email": "x@example.com",
        "full_name": "X",
        "role": "Viewer",
        "password": "quite long enough",
    } | change
    with pytest.raises(Invalid) as caught:
        await access.accounts.create(**form)
    assert [(detail.field, detail.code) for detail in caught.value.details] == [(field, code)]


async def test_an_address_is_one_users(access: Access, viewer: UserView) -> None:
    """However it is written."""
    with pytest.raises(Conflict) as caught:
        await access.accounts.create(email="VERA@example.COM", full_name="V", role="Viewer", password="blue heron lake")
    assert caught.value.code == "email_taken"
    with pytest.raises(Conflict):
        await access.accounts.update(viewer.id, email="admin@example.com", full_name="V", role="Viewer", active=True)


async def test_seeding_again(access: Access) -> None:
    """Makes no second administrator."""
    await access.accounts.seed()
    assert await access.accounts.first_admin("other@example.com", "O", "correct horse") is None
    assert (await access.accounts.page(Page())).total == 1


async def test_several_processes_seed_a_new_database_at_once(store: Store, clock: ManualClock) -> None:
    """None of them fails, and each role is made and told once."""
    doors = [Access(store, SECRET, clock, bcrypt_rounds=4) for _ in range(3)]
    changed = await asyncio.gather(*(door.accounts.seed() for door in doors))
    assert sorted(name for names in changed for name in names) == ["Admin", "Operator", "Viewer"]
    assert (await doors[0].audit.page(Page(), Filter(action="role.seeded"))).total == 3


async def test_the_last_administrator_stays(access: Access, viewer: UserView) -> None:
    """Neither removed, nor disabled, nor made something else, until there is another."""
    admin = await _principal(access, "admin@example.com", "correct horse")
    keep: dict[str, Any] = {"email": "admin@example.com", "full_name": "Ada"}
    for attempt in (
        access.accounts.remove(admin.user_id),
        access.accounts.update(admin.user_id, **keep, role="Viewer", active=True),
        access.accounts.update(admin.user_id, **keep, role="Admin", active=False),
    ):
        with pytest.raises(Conflict) as caught:
            await attempt
        assert caught.value.code == "last_admin"
    with pytest.raises(Conflict) as caught:
        await access.accounts.remove(admin.user_id, by=admin)
    assert caught.value.code == "own_account"
    await access.accounts.update(viewer.id, email=viewer.email, full_name="Vera", role="Admin", active=True)
    vera = await _principal(access, "vera@example.com", "blue heron lake")
    await access.accounts.remove(admin.user_id, by=vera)
    with pytest.raises(NotFound):
        await access.accounts.get(admin.user_id)
    assert not await access.still_valid(admin)


async def test_two_administrators_cannot_remove_each_other_at_once(access: Access, viewer: UserView) -> None:
    """One of them stays, whichever way their requests fall."""
    await access.accounts.update(viewer.id, email=viewer.email, full_name="Vera", role="Admin", active=True)
    admins = [row.id for row in (await access.accounts.page(Page())).rows]
    answers = await asyncio.gather(*(access.accounts.remove(one) for one in admins), return_exceptions=True)
    assert [answer.code for answer in answers if isinstance(answer, Conflict)] == ["last_admin"]
    assert (await access.accounts.page(Page(), role="Admin")).total == 1


async def test_nobody_gives_more_than_they_have(access: Access, viewer: UserView) -> None:
    """Who keeps the viewers makes no administrator, nor changes one."""
    may = frozenset({*viewer.permissions, "users:write", "users:delete"})
    clerk = Principal("u", "c@example.com", "C", "Clerk", may, "s", None)
    form: dict[str, Any] = {"email": "x@example.com", "full_name": "X", "password": "quite long enough"}
    made = await access.accounts.create(**form, role="Viewer", by=clerk)
    admin = (await access.accounts.page(Page(), role="Admin")).rows[0]
    for attempt in (
        access.accounts.create(**form, role="Admin", by=clerk),
        access.accounts.update(made.id, email="x@example.com", full_name="X", role="Admin", active=True, by=clerk),
        access.accounts.update(admin.id, email="x@example.com", full_name="X", role="Viewer", active=True, by=clerk),
        access.accounts.set_password(admin.id, "seven grey herons", by=clerk),
        access.accounts.remove(admin.id, by=clerk),
    ):
        with pytest.raises(Forbidden) as caught:
            await attempt
        assert caught.value.code == "more_than_you_may"
    await access.accounts.remove(made.id, by=clerk)


async def test_limits(access: Access, store: Store, viewer: UserView) -> None:
    """To cameras and departments that are there; nobody who is limited himself gives more than his own."""
    async with store.transaction() as session:
        camera = await cameras.save_camera(session, Camera(name="C", source="0", kind="usb", role="in"))
        room = await departments.save_department(session, Department(name="D"))
    keep: dict[str, Any] = {"email": viewer.email, "full_name": "Vera", "role": "Viewer", "active": True}
    limited = await access.accounts.update(
        viewer.id, **keep, camera_ids=[camera.id, camera.id], department_ids=[room.id]
    )
    assert (limited.camera_ids, limited.department_ids) == ((camera.id,), (room.id,))
    changes: tuple[tuple[dict[str, Any], str], ...] = (
        ({"camera_ids": [camera.id, "x"]}, "cameraIds.1"),
        ({"department_ids": ["x"]}, "departmentIds.0"),
    )
    for change, field in changes:
        with pytest.raises(Invalid) as caught:
            await access.accounts.update(viewer.id, **keep, **change)
        assert caught.value.details[0].field == field
    clerk = Principal("u", "", "C", "C", ALL, "s", None, only_cameras=frozenset({camera.id}))
    assert (await access.accounts.update(viewer.id, **keep, camera_ids=[], by=clerk)).camera_ids == ()
    for wanted in (None, ["another"]):
        with pytest.raises(Forbidden):
            await access.accounts.update(viewer.id, **keep, camera_ids=wanted, by=clerk)


async def test_a_lost_update_is_refused_within_the_transaction(access: Access, viewer: UserView) -> None:
    """What has changed since it was read is neither changed again nor removed."""
    seen = []

    def changed(updated_at: datetime) -> None:
        seen.append(updated_at)
        raise EditedMeanwhile("Somebody else changed this meanwhile.")

    for attempt in (
        access.accounts.update(
            viewer.id, email="n@example.com", full_name="N", role="Viewer", active=True, unchanged=changed
        ),
        access.accounts.set_password(viewer.id, "seven grey herons", unchanged=changed),
        access.accounts.remove(viewer.id, unchanged=changed),
    ):
        with pytest.raises(EditedMeanwhile):
            await attempt
    assert seen == [viewer.updated_at] * 3
    assert await access.accounts.get(viewer.id) == viewer


async def test_every_change_is_in_the_audit(access: Access, viewer: UserView) -> None:
    """Who did it, before and after, without a password; and it stays when the user is gone."""
    ada = Actor("user", "u1", "ada@example.com", "192.0.2.7")
    keep: dict[str, Any] = {"email": viewer.email, "full_name": "V", "role": "Operator", "active": False}
    await access.accounts.update(viewer.id, **keep, actor=ada)
    await access.accounts.set_password(viewer.id, "seven grey herons", actor=ada)
    await access.accounts.remove(viewer.id, actor=ada)
    rows = (await access.audit.page(Page(sort="position"), Filter(resource_id=viewer.id))).rows
    assert [row.action for row in rows] == ["user.created", "user.changed", "user.password_set", "user.removed"]
    assert {row.actor_name for row in rows[1:]} == {"ada@example.com"}
    assert rows[1].before is not None
    assert rows[1].after is not None
    assert (rows[1].before["role"], rows[1].after["role"]) == ("Viewer", "Operator")
    assert (rows[3].before or {})["email"] == viewer.email
    assert "heron" not in "".join(row.model_dump_json() for row in rows)
    assert (await access.audit.verify()).intact


async def test_rename(access: Access, viewer: UserView) -> None:
    """What a user changes of themselves shows at once."""
    vera = await _principal(access, "vera@example.com", "blue heron lake")
    assert (await access.accounts.rename(vera, "Vera V.")).full_name == "Vera V."
    assert (await _principal(access, "vera@example.com", "blue heron lake")).full_name == "Vera V."
    assert await access.still_valid(vera), "a name is not a right"


@pytest.mark.parametrize("what", ["set by an administrator", "signed out"])
async def test_what_happens_while_a_password_is_changed(
    access: Access, viewer: UserView, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Checking the present password takes a while: whoever set another one meanwhile was first."""
    here = await _principal(access, "vera@example.com", "blue heron lake")
    verify = Passwords.verify

    async def slow(self: Passwords, password: str, password_hash: str | None) -> tuple[bool, str | None]:
        found = await verify(self, password, password_hash)
        monkeypatch.setattr(Passwords, "verify", verify)
        if what == "signed out":
            await access.logout_all(here)
        else:
            await access.accounts.set_password(viewer.id, "three grey herons")
        return found

    monkeypatch.setattr(Passwords, "verify", slow)
    with pytest.raises((Invalid, NotAuthenticated)):
        await access.accounts.change_password(here, "blue heron lake", "two grey herons")
    stays = "blue heron lake" if what == "signed out" else "three grey herons"
    signed_in = await access.login("vera@example.com", stays)
    assert signed_in.user.must_change_password is (what != "signed out")


async def test_change_password(access: Access, viewer: UserView) -> None:
    """Ends every other session, and asks for the current one first."""
    here = await _principal(access, "vera@example.com", "blue heron lake")
    there = await _principal(access, "vera@example.com", "blue heron lake")
    with pytest.raises(Invalid) as caught:
        await access.accounts.change_password(here, "wrong", "two grey herons")
    assert caught.value.details[0].code == "wrong_password"
    with pytest.raises(Invalid) as caught:
        await access.accounts.change_password(here, "blue heron lake", "short")
    assert caught.value.details[0].field == "newPassword"
    await access.accounts.change_password(here, "blue heron lake", "two grey herons")
    assert await access.still_valid(here)
    assert not await access.still_valid(there)
    with pytest.raises(NotAuthenticated):
        await access.login("vera@example.com", "blue heron lake")
    assert await access.login("vera@example.com", "two grey herons")


async def test_set_password(access: Access, viewer: UserView) -> None:
    """By an administrator: signs the user out everywhere."""
    here = await _principal(access, "vera@example.com", "blue heron lake")
    await access.accounts.set_password(viewer.id, "two grey herons")
    assert not await access.still_valid(here)
    assert await access.login("vera@example.com", "two grey herons")
    with pytest.raises(NotFound):
        await access.accounts.set_password("nowhere", "two grey herons")


async def test_a_kiosk_has_no_account(access: Access) -> None:
    """So it has nothing to change."""
    kiosk = Principal("k", "", "Door", "Kiosk", frozenset(), None, None, kiosk_id="k")
    with pytest.raises(Forbidden):
        await access.accounts.rename(kiosk, "Other")


@pytest.mark.parametrize("email", ["a@factory.local", "A@Example.com ", "jürgen@example.com"])
def test_addresses(email: str) -> None:
    """A site's own network has addresses too."""
    assert check_email(email) == email.strip().lower()


@pytest.mark.parametrize(
    "email", ["", "a", "@b.c", "a@", "a b@c.d", "a@b@c.d", "a@b..c", "a\0@b.c", "a" * 250 + "@b.c"]
)
def test_no_addresses(email: str) -> None:
    """Refused by their form."""
    with pytest.raises(Invalid):
        check_email(email)
