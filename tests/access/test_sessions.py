"""Signing in, and the rotation of refresh tokens."""

import asyncio

import pytest

from server.access.access import Access
from server.access.sessions import network_of
from server.access.views import SignedIn
from server.clock import ManualClock
from server.errors import NotAuthenticated, TooMany
from server.store import sessions, users
from server.store.engine import Store
from server.store.paging import Page
from server.store.sessions import Standing


@pytest.fixture
async def signed_in(access: Access) -> SignedIn:
    return await access.login("admin@example.com", "correct horse", "test", "192.0.2.1")


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


async def test_refresh_rotates(access: Access, clock: ManualClock, store: Store, signed_in: SignedIn) -> None:
    """Each refresh gives other tokens of the same session, and moves its end."""
    token, seen = signed_in.refresh_token, {signed_in.refresh_token}
    for _ in range(3):
        clock.advance(60)
        answer = await access.refresh(token)
        assert answer.session_id == signed_in.session_id
        assert answer.cookie is None
        assert (await access.by_token(answer.access_token)).session_id == signed_in.session_id
        token = answer.refresh_token
        seen.add(token)
    assert len(seen) == 4
    row = (await _standing(store, signed_in.session_id)).session
    assert (row.expires_at - clock.now()).total_seconds() == 14 * 24 * 3600


async def test_reuse_ends_the_family(access: Access, clock: ManualClock, store: Store, signed_in: SignedIn) -> None:
    """A used token that comes again was stolen, or the new one was: both are worth nothing from then on."""
    answer = await access.refresh(signed_in.refresh_token)
    principal = await access.by_token(answer.access_token)
    clock.advance(11)
    for token in (signed_in.refresh_token, answer.refresh_token):
        with pytest.raises(NotAuthenticated) as caught:
            await access.refresh(token)
        assert caught.value.code == "session_ended"
    assert not await access.still_valid(principal)
    assert (await _standing(store, signed_in.session_id)).session.end_reason == "refresh_reused"


async def test_two_tabs(access: Access, clock: ManualClock, signed_in: SignedIn) -> None:
    """Two tabs that refresh with the same token within seconds both go on, with the same refresh token."""
    first, second = await asyncio.gather(
        access.refresh(signed_in.refresh_token), access.refresh(signed_in.refresh_token)
    )
    assert first.refresh_token == second.refresh_token
    clock.advance(10)
    third = await access.refresh(signed_in.refresh_token)
    assert third.refresh_token == first.refresh_token
    for answer in (first, second, third):
        assert await access.by_token(answer.access_token)
    clock.advance(60)
    assert (await access.refresh(first.refresh_token)).refresh_token != first.refresh_token


async def test_the_grace_is_for_the_last_token_only(access: Access, clock: ManualClock, signed_in: SignedIn) -> None:
    """The one before the last ends the session, however quickly it comes."""
    second = await access.refresh(signed_in.refresh_token)
    await access.refresh(second.refresh_token)
    with pytest.raises(NotAuthenticated):
        await access.refresh(signed_in.refresh_token)
    with pytest.raises(NotAuthenticated):
        await access.by_token(second.access_token)


async def test_a_refresh_token_that_has_run_out(access: Access, clock: ManualClock, signed_in: SignedIn) -> None:
    """After two weeks without a refresh, one signs in again."""
    clock.advance(14 * 24 * 3600 + 31)
    with pytest.raises(NotAuthenticated):
        await access.refresh(signed_in.refresh_token)


async def test_refresh_with_another_kind_of_token(access: Access, signed_in: SignedIn) -> None:
    """An access token does not refresh, and does no harm to the session."""
    for token in (signed_in.access_token, signed_in.cookie or "", ""):
        with pytest.raises(NotAuthenticated) as caught:
            await access.refresh(token)
        assert caught.value.code == "token_invalid"
    assert await access.refresh(signed_in.refresh_token)


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
