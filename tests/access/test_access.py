"""The door: by token, by cookie, by ticket, and whether one may stay."""

from dataclasses import replace

import pytest

from server.access.access import Access
from server.access.permissions import KIOSK_MAY
from server.clock import ManualClock
from server.errors import Invalid, NotAuthenticated, NotFound
from server.store import kiosks, sessions
from server.store.engine import Store
from server.store.tables import Kiosk
from tests.access.conftest import SECRET


async def _login(access: Access, who: str = "admin@example.com", password: str = "correct horse"):  # type: ignore[no-untyped-def]
    return await access.login(who, password, "test", "192.0.2.1")


async def _kiosk(store: Store) -> str:
    async with store.transaction() as session:
        return (await kiosks.save_kiosk(session, Kiosk(name="Door"))).id


async def test_logout(access: Access, store: Store) -> None:
    """After a logout neither the token, nor the cookie, nor the refresh token lets in, at once."""
    signed_in = await _login(access)
    assert signed_in.cookie is not None
    principal = await access.by_token(signed_in.access_token)
    assert await access.by_cookie(signed_in.cookie) is not None
    await access.logout(principal)
    assert not await access.still_valid(principal)
    assert await access.by_cookie(signed_in.cookie) is None
    for attempt in (access.by_token(signed_in.access_token), access.refresh(signed_in.refresh_token)):
        with pytest.raises(NotAuthenticated) as caught:
            await attempt
        assert caught.value.code == "session_ended"
    async with store.read() as session:
        standing = await sessions.standing(session, signed_in.session_id)
    assert standing is not None
    assert standing.session.end_reason == "logout"


async def test_logout_of_another_session_by_its_refresh_token(access: Access) -> None:
    """The refresh token in a logout ends its session too, if it is the same user's."""
    await access.accounts.create(email="o@example.com", full_name="O", role="Viewer", password="green bicycle")
    one, two = await _login(access), await _login(access)
    other = await _login(access, "o@example.com", "green bicycle")
    principal = await access.by_token(one.access_token)
    await access.logout(principal, "rubbish")
    await access.logout(principal, two.refresh_token)
    await access.logout(principal, other.refresh_token)
    with pytest.raises(NotAuthenticated):
        await access.by_token(two.access_token)
    assert (await access.by_token(other.access_token)).email == "o@example.com"


async def test_logout_all_and_the_list_of_sessions(access: Access) -> None:
    """Users see where they are signed in, and end one or all."""
    first, second, third = [await _login(access) for _ in range(3)]
    principal = await access.by_token(third.access_token)
    listed = (await access.sessions(principal)).rows
    assert [(view.id, view.current) for view in listed] == [
        (third.session_id, True),
        (second.session_id, False),
        (first.session_id, False),
    ]
    assert (listed[0].user_agent, listed[0].address) == ("test", "192.0.2.1")
    await access.end_session(principal, first.session_id)
    with pytest.raises(NotAuthenticated):
        await access.by_token(first.access_token)
    assert await access.logout_all(principal) == 2
    assert (await access.sessions(principal)).rows == []
    with pytest.raises(NotAuthenticated):
        await access.by_token(third.access_token)


async def test_nobody_ends_the_session_of_somebody_else(access: Access) -> None:
    """It is not even told that there is one."""
    await access.accounts.create(email="o@example.com", full_name="O", role="Viewer", password="green bicycle")
    admin = await _login(access)
    viewer = await access.by_token((await _login(access, "o@example.com", "green bicycle")).access_token)
    with pytest.raises(NotFound):
        await access.end_session(viewer, admin.session_id)
    assert await access.by_token(admin.access_token)


async def test_csrf(access: Access) -> None:
    """The token of one session does not fit another, and a kiosk has none."""
    one, two = [await access.by_token((await _login(access)).access_token) for _ in range(2)]
    assert access.csrf_valid(one, access.csrf_token(one))
    for wrong in ("", "é", access.csrf_token(two), access.csrf_token(one)[:-1]):
        assert not access.csrf_valid(one, wrong)
    kiosk = replace(one, session_id=None, kiosk_id="k")
    assert access.csrf_token(kiosk) == ""
    assert not access.csrf_valid(kiosk, "")


async def test_tickets(access: Access, clock: ManualClock) -> None:
    """Lets in once, for half a minute, and not after a logout."""
    principal = await access.by_token((await _login(access)).access_token)
    ticket, expires_in = await access.ticket(principal)
    assert expires_in == 30
    assert await access.by_ticket(ticket) == principal
    assert await access.by_ticket(ticket) is None
    late, _ = await access.ticket(principal)
    clock.advance(30)
    assert await access.by_ticket(late) is None
    ended, _ = await access.ticket(principal)
    await access.logout(principal)
    assert await access.by_ticket(ended) is None


async def test_a_kiosk(access: Access, store: Store, clock: ManualClock) -> None:
    """A paired screen may read its own topic, for as long as its kiosk exists."""
    kiosk_id = await _kiosk(store)
    code = await access.pairing_code(kiosk_id)
    paired = await access.pair(code.code, "192.0.2.7")
    assert (paired.kiosk_id, paired.name, paired.camera_ids) == (kiosk_id, "Door", ())
    principal = await access.by_token(paired.token)
    assert (principal.id, principal.kiosk_id, principal.permissions) == (kiosk_id, kiosk_id, KIOSK_MAY)
    assert principal.user["role"] == "Kiosk"
    clock.advance(364 * 24 * 3600)
    assert await access.still_valid(principal)
    async with store.transaction() as session:
        await kiosks.remove(session, await kiosks.get(session, kiosk_id))
    access.forget()
    assert not await access.still_valid(principal)
    with pytest.raises(NotAuthenticated):
        await access.by_token(paired.token)


async def test_a_pairing_code_is_good_once(access: Access, store: Store, clock: ManualClock) -> None:
    """Not twice, not late, not after a newer one, not for a kiosk that is not there."""
    kiosk_id = await _kiosk(store)
    used = await access.pairing_code(kiosk_id)
    await access.pair(used.code)
    replaced = await access.pairing_code(kiosk_id)
    late = await access.pairing_code(kiosk_id)
    assert (late.expires_at - clock.now()).total_seconds() == 600
    clock.advance(600)
    for code in (used, replaced, late):
        with pytest.raises(Invalid) as caught:
            await access.pair(code.code)
        assert caught.value.details[0].code == "unknown_code"
    with pytest.raises(NotFound):
        await access.pairing_code("nowhere")


async def test_another_secret_refuses_everything(access: Access, store: Store, clock: ManualClock) -> None:
    """Whoever changes the secret ends every token, and no CSRF token fits any more."""
    signed_in = await _login(access)
    principal = await access.by_token(signed_in.access_token)
    other = Access(store, SECRET[::-1], clock, bcrypt_rounds=4)
    with pytest.raises(NotAuthenticated):
        await other.by_token(signed_in.access_token)
    assert not other.csrf_valid(principal, access.csrf_token(principal))


async def test_old_sessions_are_forgotten(access: Access, clock: ManualClock) -> None:
    """Rows of sessions that ran out long ago are deleted, the others stay."""
    await _login(access)
    clock.advance(40 * 24 * 3600)
    await _login(access)
    assert await access.forget_old_sessions() == 0
    clock.advance(5 * 24 * 3600)
    assert await access.forget_old_sessions() == 1
