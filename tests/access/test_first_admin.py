"""The first administrator: made exactly once, by whoever reads the server's own screen."""

import asyncio

import pytest

from server.access.access import Access
from server.access.views import UserView
from server.clock import ManualClock
from server.errors import Conflict, Forbidden, Invalid, RollcallError, TooMany
from server.store.audit import Actor
from server.store.engine import Store
from server.store.paging import Page
from tests.access.conftest import SECRET
from tests.access.noted import noted


@pytest.fixture
async def empty(store: Store, clock: ManualClock) -> Access:
    """A door without anybody behind it."""
    access = Access(store, SECRET, clock, bcrypt_rounds=4)
    await access.accounts.seed()
    return access


async def _make(access: Access, code: str, email: str = "ada@example.com", address: str = "192.0.2.1") -> UserView:
    origin = Actor("nobody", None, "", address)
    return await access.first_admin.make(
        code, email=email, full_name="Ada", password="correct horse battery", origin=origin
    )


async def test_once(empty: Access) -> None:
    """The code makes an administrator who can sign in; after that it makes nobody, right or wrong."""
    assert await empty.first_admin.needed()
    made = await _make(empty, empty.setup_code())
    assert (made.email, made.role, made.must_change_password) == ("ada@example.com", "Admin", False)
    assert not await empty.first_admin.needed()
    assert await empty.login("ada@example.com", "correct horse battery")
    for code in (empty.setup_code(), "WRONG"):
        with pytest.raises(Conflict) as caught:
            await _make(empty, code, "eve@example.com")
        assert caught.value.code == "already_set_up"


async def test_many_at_once(empty: Access) -> None:
    """Whoever is second is refused, also when both found nobody there; and so against a user made elsewhere."""
    code = empty.setup_code()
    outcomes = await asyncio.gather(
        *[_make(empty, code, f"{number}@example.com", f"192.0.2.{number}") for number in range(5)],
        return_exceptions=True,
    )
    assert sum(isinstance(outcome, UserView) for outcome in outcomes) == 1
    refused = [outcome for outcome in outcomes if isinstance(outcome, RollcallError)]
    assert [error.code for error in refused] == ["already_set_up"] * 4
    assert (await empty.accounts.page(Page())).total == 1


async def test_the_code(empty: Access, store: Store, clock: ManualClock) -> None:
    """Ten letters and digits, the same in every process of one secret, and another with another."""
    code = empty.setup_code()
    assert len(code) == 10
    assert code.isalnum()
    assert Access(store, SECRET, clock, bcrypt_rounds=4).setup_code() == code
    assert Access(store, SECRET[::-1], clock, bcrypt_rounds=4).setup_code() != code
    assert await _make(empty, f" {code[:5].lower()}-{code[5:]} ")


async def test_guessing_is_slowed(empty: Access, clock: ManualClock) -> None:
    """After ten wrong codes an address waits, and others do not."""
    for _ in range(10):
        with pytest.raises(Forbidden) as caught:
            await _make(empty, "AAAAAAAAAA")
        assert caught.value.code == "wrong_code"
    with pytest.raises(TooMany):
        await _make(empty, empty.setup_code())
    assert await _make(empty, empty.setup_code(), address="192.0.2.2")


@pytest.mark.parametrize(
    ("email", "password", "field"),
    [("nonsense", "correct horse battery", "email"), ("ada@example.com", "short", "password"),
     ("lovelace@example.com", "lovelace is here", "password")],
)  # fmt: skip
async def test_what_cannot_be(empty: Access, email: str, password: str, field: str) -> None:
    """The fields are checked as for any user, and a mistake there does not count as a guess."""
    for _ in range(12):
        with pytest.raises(Invalid) as caught:
            await empty.first_admin.make(empty.setup_code(), email=email, full_name="Ada", password=password)
        assert caught.value.details[0].field == field
    assert await empty.first_admin.needed()


async def test_audited(empty: Access) -> None:
    """With the address from which it was made."""
    made = await _make(empty, empty.setup_code())
    rows = await noted(empty, "user.first_admin")
    assert [(row.resource_id, row.actor_kind, row.address) for row in rows] == [(made.id, "nobody", "192.0.2.1")]
