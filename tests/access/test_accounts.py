"""Users, as administrators keep them and as they keep themselves."""

import pytest

from server.access.access import Access
from server.access.accounts import check_email
from server.access.principal import Principal
from server.access.views import UserView
from server.errors import Conflict, Forbidden, Invalid, NotAuthenticated, NotFound
from server.store.paging import Page


@pytest.fixture
async def viewer(access: Access) -> UserView:
    return await access.accounts.create(email="Vera@Example.com", full_name="Vera", role="Viewer", password="vera vera")


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
    form = {"email": "x@example.com", "full_name": "X", "role": "Viewer", "password": "long enough"} | change
    with pytest.raises(Invalid) as caught:
        await access.accounts.create(**form)  # type: ignore[arg-type]
    assert [(detail.field, detail.code) for detail in caught.value.details] == [(field, code)]


async def test_an_address_is_one_users(access: Access, viewer: UserView) -> None:
    """However it is written."""
    with pytest.raises(Conflict) as caught:
        await access.accounts.create(email="VERA@example.COM", full_name="V", role="Viewer", password="vera vera")
    assert caught.value.code == "email_taken"
    with pytest.raises(Conflict):
        await access.accounts.update(viewer.id, email="admin@example.com", full_name="V", role="Viewer", active=True)


async def test_seeding_again(access: Access) -> None:
    """Makes no second administrator."""
    await access.accounts.seed()
    assert await access.accounts.first_admin("other@example.com", "O", "correct horse") is None
    assert (await access.accounts.page(Page())).total == 1


async def test_the_last_administrator_stays(access: Access, viewer: UserView) -> None:
    """Neither removed, nor disabled, nor made something else, until there is another."""
    admin = await _principal(access, "admin@example.com", "correct horse")
    vera = await _principal(access, "vera@example.com", "vera vera")
    keep = {"email": "admin@example.com", "full_name": "Ada"}
    for attempt in (
        access.accounts.remove(admin.user_id, vera),
        access.accounts.update(admin.user_id, **keep, role="Viewer", active=True),
        access.accounts.update(admin.user_id, **keep, role="Admin", active=False),
    ):
        with pytest.raises(Conflict) as caught:
            await attempt
        assert caught.value.code == "last_admin"
    with pytest.raises(Conflict) as caught:
        await access.accounts.remove(admin.user_id, admin)
    assert caught.value.code == "own_account"
    await access.accounts.update(viewer.id, email=viewer.email, full_name="Vera", role="Admin", active=True)
    await access.accounts.remove(admin.user_id, vera)
    with pytest.raises(NotFound):
        await access.accounts.get(admin.user_id)
    assert not await access.still_valid(admin)


async def test_rename(access: Access, viewer: UserView) -> None:
    """What a user changes of themselves shows at once."""
    vera = await _principal(access, "vera@example.com", "vera vera")
    assert (await access.accounts.rename(vera, "Vera V.")).full_name == "Vera V."
    assert (await _principal(access, "vera@example.com", "vera vera")).full_name == "Vera V."
    assert await access.still_valid(vera), "a name is not a right"


async def test_change_password(access: Access, viewer: UserView) -> None:
    """Ends every other session, and asks for the current one first."""
    here = await _principal(access, "vera@example.com", "vera vera")
    there = await _principal(access, "vera@example.com", "vera vera")
    with pytest.raises(Invalid) as caught:
        await access.accounts.change_password(here, "wrong", "new vera new")
    assert caught.value.details[0].code == "wrong_password"
    with pytest.raises(Invalid) as caught:
        await access.accounts.change_password(here, "vera vera", "short")
    assert caught.value.details[0].field == "newPassword"
    await access.accounts.change_password(here, "vera vera", "new vera new")
    assert await access.still_valid(here)
    assert not await access.still_valid(there)
    with pytest.raises(NotAuthenticated):
        await access.login("vera@example.com", "vera vera")
    assert await access.login("vera@example.com", "new vera new")


async def test_set_password(access: Access, viewer: UserView) -> None:
    """By an administrator: signs the user out everywhere."""
    here = await _principal(access, "vera@example.com", "vera vera")
    await access.accounts.set_password(viewer.id, "new vera new")
    assert not await access.still_valid(here)
    assert await access.login("vera@example.com", "new vera new")
    with pytest.raises(NotFound):
        await access.accounts.set_password("nowhere", "new vera new")


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
