"""What users keep about themselves."""

import pytest

from server.errors import NotFound
from server.store import own_account, users
from server.store.engine import Store
from server.store.seed import seed_roles
from server.store.tables import User
from tests.store.conftest import NOON


@pytest.fixture
async def user(store: Store) -> User:
    async with store.transaction() as session:
        await seed_roles(session, {"Viewer": {"a:read"}})
        role = await users.get_role(session, "Viewer")
        return await users.save_user(session, User(email="a@b.c", full_name="A", password_hash="x", role_id=role.id))


async def _now(store: Store, user: User) -> User:
    async with store.read() as session:
        return (await users.get(session, user.id)).user


async def test_a_second_factor(store: Store, user: User) -> None:
    """Begun, confirmed, used and removed; only what others see of it is an edit."""
    async with store.transaction() as session:
        await own_account.begin_factor(session, user.id, "sealed")
    begun = await _now(store, user)
    assert (begun.totp_secret, begun.totp_confirmed_at, begun.updated_at) == ("sealed", None, user.updated_at)
    async with store.transaction() as session:
        await own_account.confirm_factor(session, user.id, NOON, 41, ["a", "b"])
    confirmed = await _now(store, user)
    assert (confirmed.totp_confirmed_at, confirmed.totp_last_step, confirmed.recovery_hashes) == (NOON, 41, ["a", "b"])
    assert confirmed.updated_at > user.updated_at
    async with store.transaction() as session:
        await own_account.note_step(session, user.id, 42)
        await own_account.keep_recovery(session, user.id, ["b"])
    used = await _now(store, user)
    assert (used.totp_last_step, used.recovery_hashes, used.updated_at) == (42, ["b"], confirmed.updated_at)
    async with store.transaction() as session:
        await own_account.remove_factor(session, user.id)
    gone = await _now(store, user)
    assert (gone.totp_secret, gone.totp_confirmed_at, gone.totp_last_step, gone.recovery_hashes) == (
        None, None, None, [],
    )  # fmt: skip
    assert gone.updated_at > confirmed.updated_at


async def test_preferences(store: Store, user: User) -> None:
    """Kept as they are, and not an edit of the user."""
    value = {"theme": "dark", "ui": {"columns": ["a", {"é": 1.5}]}}
    async with store.transaction() as session:
        assert await own_account.preferences(session, user.id) == ({}, user.created_at)
        await own_account.save_preferences(session, user.id, value, NOON)
    async with store.read() as session:
        assert await own_account.preferences(session, user.id, lock=True) == (value, NOON)
        with pytest.raises(NotFound):
            await own_account.preferences(session, "nowhere")
    assert (await _now(store, user)).updated_at == user.updated_at
