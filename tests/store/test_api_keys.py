"""API keys in the database."""

from datetime import timedelta

import pytest

from server.errors import NotFound
from server.store import api_keys, users
from server.store.api_keys import KeyStanding
from server.store.engine import Store
from server.store.paging import Page
from server.store.seed import seed_roles
from server.store.tables import ApiKey, User
from tests.store.conftest import NOON, after


@pytest.fixture
async def keys(store: Store) -> list[ApiKey]:
    """Two of Ada's, one of Bob's."""
    async with store.transaction() as session:
        await seed_roles(session, {"Viewer": {"a:read", "b:read"}})
        role = await users.get_role(session, "Viewer")
        made = []
        for email, name, expires_at in (
            ("ada@b.c", "Payroll", after(10)),
            ("ada@b.c", "turnstile", None),
            ("bob@b.c", "Archive", None),
        ):
            account = await users.find_by_email(session, email)
            user = account.user if account else User(email=email, full_name=email, password_hash="x", role_id=role.id)
            await users.save_user(session, user)
            key = ApiKey(
                name=name, user_id=user.id, prefix=f"rck_{name}"[:12], key_hash=name, permissions=["a:read", "c:read"],
                expires_at=expires_at,
            )  # fmt: skip
            made.append(await api_keys.save_key(session, key))
    return made


async def test_found_with_its_owner(store: Store, keys: list[ApiKey]) -> None:
    """By id or hash, with the role, which bounds what the key may do."""
    async with store.transaction() as session:
        for found in (
            await api_keys.find(session, keys[0].id),
            await api_keys.find_by_hash(session, "Payroll"),
            await api_keys.get(session, keys[0].id, lock=True),
        ):
            assert found is not None
            assert (found.key.id, found.user.email, found.role.name) == (keys[0].id, "ada@b.c", "Viewer")
            assert found.permissions == {"a:read"}
        assert await api_keys.find(session, "nowhere") is None
        assert await api_keys.find_by_hash(session, "payroll") is None


async def test_of_somebody_else(store: Store, keys: list[ApiKey]) -> None:
    """Where an owner is given, another one's key is not there."""
    async with store.read() as session:
        assert (await api_keys.get(session, keys[0].id, owner_id=keys[0].user_id)).key.name == "Payroll"
        for key_id, owner_id in ((keys[2].id, keys[0].user_id), ("nowhere", None)):
            with pytest.raises(NotFound):
                await api_keys.get(session, key_id, owner_id=owner_id)


async def test_holds(store: Store, keys: list[ApiKey]) -> None:
    """Until it runs out, if ever, or its owner is disabled."""
    async with store.read() as session:
        ending, endless = [await api_keys.get(session, key.id) for key in keys[:2]]
    assert isinstance(ending, KeyStanding)
    assert ending.holds(after(9))
    assert not ending.holds(after(10))
    assert endless.holds(NOON + timedelta(days=9999))
    endless.user.active = False
    assert not endless.holds(NOON)


async def test_page(store: Store, keys: list[ApiKey]) -> None:
    """By name whatever the capitals; searched by name, beginning and owner; of one owner or of all."""

    async def names(wanted: Page, owner_id: str | None = None) -> list[str]:
        async with store.read() as session:
            found = await api_keys.page(session, wanted, owner_id=owner_id)
        return [one.key.name for one in found.rows]

    assert await names(Page()) == ["Archive", "Payroll", "turnstile"]
    assert await names(Page(sort="-expiresAt")) == ["Payroll", "Archive", "turnstile"]
    assert await names(Page(sort="owner", page_size=1, page=3)) == ["Archive"]
    assert await names(Page(search="ADA turn")) == ["turnstile"]
    assert await names(Page(search="rck_arch")) == ["Archive"]
    assert await names(Page(), keys[0].user_id) == ["Payroll", "turnstile"]
    async with store.read() as session:
        assert await api_keys.count_of(session, keys[0].user_id) == 2


async def test_use_is_no_edit(store: Store, keys: list[ApiKey]) -> None:
    """The time and the address are kept; without an address the old one stays."""
    async with store.transaction() as session:
        await api_keys.note_use(session, keys[0].id, NOON, "192.0.2.1" * 20)
    async with store.transaction() as session:
        await api_keys.note_use(session, keys[0].id, after(1), "")
    async with store.read() as session:
        found = (await api_keys.get(session, keys[0].id)).key
    assert (found.last_used_at, found.last_address) == (after(1), ("192.0.2.1" * 20)[:64])
    assert found.updated_at == keys[0].updated_at


async def test_gone_with_its_owner(store: Store, keys: list[ApiKey]) -> None:
    """Removed by itself, or with the user."""
    async with store.transaction() as session:
        await api_keys.remove(session, (await api_keys.get(session, keys[2].id)).key)
        await users.remove(session, (await users.get(session, keys[0].user_id)).user)
    async with store.read() as session:
        assert (await api_keys.page(session, Page())).total == 0
