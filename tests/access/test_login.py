"""Signing in: who gets in, who does not, and how often one may try."""

import asyncio

import pytest

from server.access.access import Access
from server.access.login import network_of
from server.clock import ManualClock
from server.errors import NotAuthenticated, TooMany
from server.store import sessions, users
from server.store.engine import Store
from server.store.paging import Page
from server.store.sessions import Standing
from tests.access.noted import noted


async def _standing(store: Store, session_id: str) -> Standing:
    async with store.read() as session:
        standing = await sessions.standing(session, session_id)
    assert standing is not None
    return standing


async def test_login(access: Access, store: Store, clock: ManualClock) -> None:
    """Capitals and spaces around the address do not matter; the row holds nothing that lets in."""
    before = (await access.accounts.page(Page())).rows[0]
    answer = await access.login("  Admin@Example.COM ", "correct horse", "u" * 900, "192.0.2.1")
    assert (answer.token_type, answer.expires_in, answer.user.role) == ("Bearer", 900, "Admin")
    row = (await _standing(store, answer.session_id)).session
    assert len(row.user_agent) == 400
    for secret in (answer.access_token, answer.refresh_token, answer.cookie):
        assert secret is not None
        assert secret not in repr(row)
    after = await access.accounts.get(answer.user.id)
    assert after.last_login_at == clock.now()
    assert after.updated_at == before.updated_at, "a login is not an edit"


@pytest.mark.parametrize(
    ("username", "password"),
    [
        ("admin@example.com", "wrong horse"),
        ("admin@example.com", ""),
        ("admin@example.com", "correct horse" + "x" * 100),
        ("nobody@example.com", "correct horse"),
        ("", ""),
    ],
)
async def test_login_refused(access: Access, username: str, password: str) -> None:
    """Every refusal says the same, whether there is such a user or not."""
    with pytest.raises(NotAuthenticated) as caught:
        await access.login(username, password)
    assert caught.value.code == "wrong_credentials"
    assert caught.value.message == "The email address or the password is wrong."


async def test_guessing_is_slowed(access: Access, clock: ManualClock) -> None:
    """After ten wrong passwords an account is closed for a while, from every address, also for the right one."""
    for number in range(10):
        with pytest.raises(NotAuthenticated):
            await access.login("ADMIN@example.com", f"wrong {number}", address=f"192.0.2.{number}")
    with pytest.raises(TooMany) as caught:
        await access.login("admin@example.com", "correct horse", address="198.51.100.1")
    assert caught.value.retry_after_s == 300
    clock.advance(300)
    assert await access.login("admin@example.com", "correct horse")


async def test_many_at_once_do_not_slip_through(access: Access) -> None:
    """Attempts count before the password is checked."""
    attempts = [access.login("admin@example.com", f"wrong {n}", address=str(n)) for n in range(20)]
    outcomes = await asyncio.gather(*attempts, return_exceptions=True)
    assert sum(isinstance(outcome, NotAuthenticated) for outcome in outcomes) == 10
    assert sum(isinstance(outcome, TooMany) for outcome in outcomes) == 10


async def test_an_address_is_slowed(access: Access) -> None:
    """One address that tries many accounts is held up; good logins do not count."""
    for _ in range(60):
        await access.login("admin@example.com", "correct horse", address="192.0.2.1")
    for number in range(50):
        with pytest.raises(NotAuthenticated):
            await access.login(f"{number}@example.com", "x", address="2001:db8::1")
    with pytest.raises(TooMany):
        await access.login("admin@example.com", "correct horse", address="2001:db8::2")


async def test_a_hash_of_older_strength_is_renewed(access: Access, store: Store, clock: ManualClock) -> None:
    """A login with the right password brings the stored hash up to today's strength."""
    stronger = Access(store, "x" * 40, clock, bcrypt_rounds=5)
    await stronger.login("admin@example.com", "correct horse")
    async with store.read() as session:
        account = await users.find_by_email(session, "admin@example.com")
    assert account is not None
    assert account.user.password_hash.startswith("$2b$05$")
    assert await access.login("admin@example.com", "correct horse")


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("testclient", "testclient"),
        ("", ""),
    ],
)
def test_network_of(address: str, network: str) -> None:
    """Throttled together: what one site can easily change its address to."""
    assert network_of(address) == network


async def test_unknown_and_known_cost_the_same(access: Access, monkeypatch: pytest.MonkeyPatch) -> None:
    """For a wrong password, an unknown user and a disabled one, one hash is computed and one row is noted."""
    await access.accounts.create(
        email="gone@example.com", full_name="G", role="Viewer", password="correct horse", active=False
    )
    checked: list[str | None] = []
    verify = access.passwords.verify

    async def counting(password: str, password_hash: str | None) -> tuple[bool, str | None]:
        checked.append(password_hash)
        return await verify(password, password_hash)

    monkeypatch.setattr(access.passwords, "verify", counting)
    said = set()
    for username, password in (
        ("admin@example.com", "wrong horse"),
        ("nobody@example.com", "wrong horse"),
        ("gone@example.com", "correct horse"),
    ):
        with pytest.raises(NotAuthenticated) as caught:
            await access.login(username, password)
        said.add((caught.value.code, caught.value.message, caught.value.details))
    assert len(said) == 1
    assert [password_hash is None for password_hash in checked] == [False, True, False]
    assert len(await noted(access, "session.login_failed")) == 3


async def test_audited(access: Access) -> None:
    """Who came in, and who tried; what was typed only where it is somebody's address."""
    answer = await access.login("admin@example.com", "correct horse", "Firefox", "192.0.2.1", request_id="r1")
    for username in ("Admin@example.com", "my secret password"):
        with pytest.raises(NotAuthenticated):
            await access.login(username, "wrong horse", "curl", "192.0.2.2")
    [came] = await noted(access, "session.login")
    assert (came.actor_kind, came.actor_id, came.actor_name) == ("user", answer.user.id, "admin@example.com")
    assert (came.resource, came.resource_id) == ("sessions", answer.session_id)
    assert (came.address, came.user_agent, came.request_id) == ("192.0.2.1", "Firefox", "r1")
    known, unknown = await noted(access, "session.login_failed")
    assert (known.actor_kind, known.actor_id, known.actor_name) == ("nobody", None, "admin@example.com")
    assert known.resource_id == answer.user.id
    assert (unknown.actor_name, unknown.resource_id, unknown.address) == ("", None, "192.0.2.2")
    assert "my secret password" not in repr(unknown)
