"""Sessions: the rotation of refresh tokens, what ends a session, and who is told of it."""

import asyncio
from datetime import timedelta

import pytest

from server.access.access import Access
from server.access.sessions import Lifetimes, TokenReused
from server.access.views import SignedIn
from server.clock import ManualClock
from server.errors import NotAuthenticated
from server.store import alerts, sessions
from server.store.audit import Actor
from server.store.engine import Store
from server.store.event_log import TableLog
from server.store.paging import Page
from server.store.sessions import Standing
from tests.access.conftest import SECRET
from tests.access.noted import noted

DAY_S = 24 * 3600


@pytest.fixture
async def signed_in(access: Access) -> SignedIn:
    return await access.login("admin@example.com", "correct horse", "test", "192.0.2.1")


async def _standing(store: Store, session_id: str) -> Standing:
    async with store.read() as session:
        standing = await sessions.standing(session, session_id)
    assert standing is not None
    return standing


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


async def test_an_answer_that_was_lost_while_the_key_changed(
    access: Access, clock: ManualClock, store: Store, signed_in: SignedIn
) -> None:
    """Who asks again within the grace gets the token that is stored, though another key signs by now."""
    lost = await access.refresh(signed_in.refresh_token)
    clock.advance(5)
    restarted = Access(store, "n" * 20 + SECRET, clock, bcrypt_rounds=4, previous_secrets=[SECRET])
    again = await restarted.refresh(signed_in.refresh_token)
    assert again.refresh_token == lost.refresh_token
    clock.advance(20)
    assert (await restarted.refresh(again.refresh_token)).session_id == signed_in.session_id


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


async def test_a_session_ends_absolutely(access: Access, clock: ManualClock, signed_in: SignedIn, store: Store) -> None:
    """Ninety days after the login nothing of it lets in, however often it was refreshed."""
    token, answer = signed_in.refresh_token, signed_in
    for _ in range(8):
        clock.advance(10 * DAY_S)
        answer = await access.refresh(token)
        token = answer.refresh_token
    principal = await access.by_token(answer.access_token)
    row = (await _standing(store, signed_in.session_id)).session
    assert (row.expires_at - row.created_at).total_seconds() == 90 * DAY_S
    clock.advance(10 * DAY_S - 60)
    last = await access.refresh(token)
    assert last.expires_in == 60
    assert signed_in.cookie is not None
    assert await access.by_cookie(signed_in.cookie) is not None
    clock.advance(60)
    assert await access.by_cookie(signed_in.cookie) is None
    assert not await access.still_valid(principal)
    for attempt in (access.refresh(last.refresh_token), access.by_token(last.access_token)):
        with pytest.raises(NotAuthenticated) as caught:
            await attempt
        assert caught.value.code == "session_ended"


async def test_a_shorter_lifetime_counts_for_sessions_that_are_there(
    access: Access, clock: ManualClock, signed_in: SignedIn, store: Store
) -> None:
    """The setting is asked at each use, not only at the login; the cookie does not outlive it either."""
    stricter = Access(store, SECRET, clock, bcrypt_rounds=4, lifetimes=Lifetimes(session_s=DAY_S))
    assert (await stricter.login("admin@example.com", "correct horse")).cookie_max_age_s == DAY_S
    assert signed_in.cookie is not None
    clock.advance(DAY_S - 1)
    before = await stricter.by_cookie(signed_in.cookie)
    assert before is not None
    assert before.expires_at == clock.now() + timedelta(seconds=1)
    clock.advance(1)
    assert await stricter.by_cookie(signed_in.cookie) is None
    with pytest.raises(NotAuthenticated):
        await stricter.refresh(signed_in.refresh_token)
    assert (await stricter.sessions(before)).total == 0
    assert await access.refresh(signed_in.refresh_token)


async def test_reuse_is_told(store: Store, clock: ManualClock) -> None:
    """An audit row and an alert in one transaction with the end of the session, and the alert's readers are woken."""
    woken: list[str] = []
    access = Access(store, SECRET, clock, bcrypt_rounds=4, log=TableLog(store), wake=woken.extend)
    await access.accounts.seed()
    await access.accounts.first_admin("admin@example.com", "Ada Admin", "correct horse")
    signed_in = await access.login("admin@example.com", "correct horse", "Firefox", "192.0.2.1")
    await access.refresh(signed_in.refresh_token)
    clock.advance(11)
    thief = Actor("nobody", None, "", "203.0.113.7", "curl", "r1")
    with pytest.raises(TokenReused):
        await access.refresh(signed_in.refresh_token, thief)
    [row] = await noted(access, "session.refresh_reused")
    assert (row.actor_kind, row.actor_name, row.address) == ("nobody", "admin@example.com", "203.0.113.7")
    assert (row.resource, row.resource_id) == ("sessions", signed_in.session_id)
    assert row.after == {"userId": signed_in.user.id, "signedInFrom": "192.0.2.1"}
    assert woken == ["alerts"]
    async with store.read() as session:
        [alert] = (await alerts.page(session, Page())).rows
    assert (alert.kind, alert.severity) == ("refresh_token_reused", "critical")
    assert alert.subject == f"users/{signed_in.user.id}"
    [event] = await TableLog(store).read("alerts", 0, 10)
    assert event.type == "alert.raised"
    with pytest.raises(NotAuthenticated) as ended:
        await access.refresh(signed_in.refresh_token, thief)
    assert not isinstance(ended.value, TokenReused), "it is told once"
    assert len(await noted(access, "session.refresh_reused")) == 1


async def test_ends_are_audited(access: Access) -> None:
    """Who ended which session, and how; one that has ended already is not told of again."""
    answers = [await access.login("admin@example.com", "correct horse") for _ in range(4)]
    first, second, third, _ = answers
    principals = [await access.by_token(answer.access_token) for answer in answers]
    actor = Actor("user", principals[0].user_id, "admin@example.com", "192.0.2.1")
    for _ in range(2):
        await access.logout(principals[0], first.refresh_token, actor)
        await access.end_session(principals[1], second.session_id, actor)
    assert await access.logout_all(principals[2], actor) == 2
    rows = [row for row in await noted(access) if row.address == "192.0.2.1"]
    assert [(row.action, row.resource_id) for row in rows] == [
        ("session.logout", first.session_id),
        ("session.ended", second.session_id),
        ("session.logout_all", principals[0].user_id),
    ]
    assert {row.actor_id for row in rows} == {principals[0].user_id}


async def test_the_list_is_paged_by_the_database(access: Access, clock: ManualClock) -> None:
    """Searched, sorted and cut."""
    for number in range(3):
        await access.login("admin@example.com", "correct horse", f"Firefox {number}", f"192.0.2.{number}")
        clock.advance(1)
    last = await access.login("admin@example.com", "correct horse", "curl")
    principal = await access.by_token(last.access_token)
    found = await access.sessions(principal, Page(page_size=2, search="firefox", sort="createdAt"))
    assert found.total == 3
    assert [view.user_agent for view in found.rows] == ["Firefox 0", "Firefox 1"]
    assert [view.current for view in (await access.sessions(principal)).rows] == [True, False, False, False]


async def test_a_refresh_tells_where_it_came_from(access: Access, store: Store, signed_in: SignedIn) -> None:
    """For the list of sessions; without an address the old one stays."""
    answer = await access.refresh(signed_in.refresh_token, Actor("nobody", None, "", "192.0.2.99", "other"))
    await access.refresh(answer.refresh_token)
    row = (await _standing(store, signed_in.session_id)).session
    assert (row.address, row.user_agent) == ("192.0.2.99", "other")
