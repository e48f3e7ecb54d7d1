"""Who is asking, and whether they may stay: what changes about them counts within seconds."""

from dataclasses import replace

import pytest
from sqlalchemy import event

from server.access.access import Access
from server.access.permissions import ALL
from server.access.principal import Principal
from server.clock import ManualClock
from server.errors import NotAuthenticated
from server.store import cameras, departments, kiosks, sessions, users
from server.store.engine import Store
from server.store.tables import Camera, Department, Kiosk, Session


async def _login(access: Access, who: str = "admin@example.com", password: str = "correct horse"):  # type: ignore[no-untyped-def]
    return await access.login(who, password, "test", "192.0.2.1")


async def _kiosk(store: Store) -> str:
    async with store.transaction() as session:
        return (await kiosks.save_kiosk(session, Kiosk(name="Door"))).id


async def test_by_token(access: Access, clock: ManualClock) -> None:
    """An access token tells who asks, with everything that `ready` and the pages show."""
    signed_in = await _login(access)
    principal = await access.by_token(signed_in.access_token)
    assert principal.permissions == ALL
    assert principal.may("users:manage")
    assert not principal.may("users:fly")
    assert principal.user == {
        "id": signed_in.user.id,
        "email": "admin@example.com",
        "fullName": "Ada Admin",
        "role": "Admin",
        "permissions": sorted(ALL),
    }
    assert principal.session_id == signed_in.session_id
    assert principal.expires_at is not None
    assert (principal.expires_at - clock.now()).total_seconds() == signed_in.expires_in == 900


async def test_a_refresh_token_does_not_let_in(access: Access) -> None:
    """Only access tokens and kiosks' tokens are for asking."""
    with pytest.raises(NotAuthenticated):
        await access.by_token((await _login(access)).refresh_token)


async def test_a_token_that_has_run_out(access: Access, clock: ManualClock) -> None:
    """After its time and the leeway, a token is refused, and its principal may not stay."""
    token = (await _login(access)).access_token
    principal = await access.by_token(token)
    clock.advance(900)
    assert not await access.still_valid(principal)
    clock.advance(31)
    with pytest.raises(NotAuthenticated) as caught:
        await access.by_token(token)
    assert caught.value.code == "token_expired"


async def test_a_disabled_user(access: Access) -> None:
    """Is out at once, by every way, and cannot come back."""
    user = await access.accounts.create(email="o@example.com", full_name="O", role="Operator", password="green bicycle")
    signed_in = await _login(access, "o@example.com", "green bicycle")
    principal = await access.by_token(signed_in.access_token)
    assert await access.still_valid(principal)
    await access.accounts.update(user.id, email=user.email, full_name="O", role="Operator", active=False)
    assert not await access.still_valid(principal)
    assert signed_in.cookie is not None
    assert await access.by_cookie(signed_in.cookie) is None
    for attempt in (access.by_token(signed_in.access_token), access.refresh(signed_in.refresh_token)):
        with pytest.raises(NotAuthenticated):
            await attempt
    with pytest.raises(NotAuthenticated) as caught:
        await _login(access, "o@example.com", "green bicycle")
    assert caught.value.code == "wrong_credentials"


async def test_a_change_of_role_ends_what_was_let_in(access: Access) -> None:
    """A long connection with the old permissions may not stay; the next request has the new ones."""
    user = await access.accounts.create(email="o@example.com", full_name="O", role="Operator", password="green bicycle")
    signed_in = await _login(access, "o@example.com", "green bicycle")
    principal = await access.by_token(signed_in.access_token)
    await access.accounts.update(user.id, email=user.email, full_name="O", role="Viewer", active=True)
    assert not await access.still_valid(principal)
    assert not (await access.by_token(signed_in.access_token)).may("people:write")


async def test_a_change_by_another_process_counts_within_seconds(
    access: Access, store: Store, clock: ManualClock
) -> None:
    """What this process remembers is at most three seconds old."""
    principal = await access.by_token((await _login(access)).access_token)
    async with store.transaction() as session:
        await sessions.end_all_of(session, principal.user_id, clock.now(), "elsewhere")
    assert await access.still_valid(principal)
    clock.advance(3)
    assert not await access.still_valid(principal)


async def test_by_cookie(access: Access, store: Store, clock: ManualClock) -> None:
    """The cookie of a login lets the browser in until the session runs out; nothing else does."""
    signed_in = await _login(access)
    assert signed_in.cookie is not None
    assert signed_in.cookie_max_age_s == 14 * 24 * 3600
    clock.advance(600)
    principal = await access.by_cookie(signed_in.cookie)
    assert principal is not None
    assert principal.session_id == signed_in.session_id
    for wrong in ("", signed_in.cookie + "x", signed_in.session_id, signed_in.access_token):
        assert await access.by_cookie(wrong) is None
    async with store.read() as session:
        standing = await sessions.standing(session, signed_in.session_id)
    assert standing is not None
    assert standing.session.last_used_at == clock.now()
    assert signed_in.cookie not in str(standing.session)
    clock.advance(14 * 24 * 3600)
    assert await access.by_cookie(signed_in.cookie) is None
    assert not await access.still_valid(principal)


async def test_a_kiosk_sees_the_cameras_it_has_now(access: Access, store: Store) -> None:
    """Another binding counts for whoever watches already; a user is only asked whether the session goes on."""
    async with store.transaction() as session:
        camera = await cameras.save_camera(session, Camera(name="C", source="", kind="push", role="in"))
    kiosk_id = await _kiosk(store)
    paired = await access.pair((await access.pairing_code(kiosk_id)).code)
    principal = await access.by_token(paired.token)
    assert not await access.still_sees(principal, camera.id)
    async with store.transaction() as session:
        kiosk = await kiosks.get(session, kiosk_id)
        kiosk.camera_ids = [camera.id]
        await kiosks.save_kiosk(session, kiosk)
    access.forget()
    assert await access.still_sees(principal, camera.id)
    assert (await access.by_token(paired.token)).camera_ids == {camera.id}
    async with store.transaction() as session:
        await kiosks.remove(session, await kiosks.get(session, kiosk_id))
    access.forget()
    assert not await access.still_sees(principal, camera.id)


async def test_requests_do_not_all_ask_the_database(access: Access, store: Store) -> None:
    """Within a moment, a second request of the same session is answered from memory."""
    token = (await _login(access)).access_token
    principal = await access.by_token(token)
    async with store.transaction() as session:
        await users.remove(session, (await users.get(session, principal.user_id)).user)
    assert await access.by_token(token) == principal
    access.forget()
    with pytest.raises(NotAuthenticated):
        await access.by_token(token)


async def _viewer(access: Access) -> tuple[str, Principal]:
    user = await access.accounts.create(email="v@example.com", full_name="V", role="Viewer", password="correct horse")
    return user.id, await access.by_token((await _login(access, "v@example.com")).access_token)


async def test_changed_limits_end_what_was_let_in(access: Access, store: Store) -> None:
    """A long connection with more cameras or departments may not stay; the next request has the new limits."""
    async with store.transaction() as session:
        camera = await cameras.save_camera(session, Camera(name="C", source="", kind="push", role="in"))
        department = await departments.save_department(session, Department(name="D"))
    user_id, free = await _viewer(access)
    assert (free.only_cameras, free.only_departments) == (None, None)
    assert await access.still_sees(free, camera.id)

    async def limit(camera_ids: list[str] | None, department_ids: list[str] | None) -> Principal:
        await access.accounts.update(
            user_id, email="v@example.com", full_name="V", role="Viewer", active=True, camera_ids=camera_ids,
            department_ids=department_ids,
        )  # fmt: skip
        return await access.by_token((await _login(access, "v@example.com")).access_token)

    one = await limit([camera.id], None)
    assert one.only_cameras == frozenset({camera.id})
    assert not await access.still_valid(free)
    assert await access.still_sees(one, camera.id)
    assert not await access.still_sees(one, "another")
    none = await limit([camera.id], [department.id])
    assert none.only_departments == frozenset({department.id})
    assert not await access.still_valid(one)
    renamed = await access.accounts.rename(none, "Vera")
    assert renamed.full_name == "Vera"
    assert await access.still_valid(none), "a new name is no other right"


async def test_a_password_set_by_an_administrator(access: Access) -> None:
    """Ends the sessions; the next one may do little else than choose a new password, and then all."""
    user_id, before = await _viewer(access)
    await access.accounts.set_password(user_id, "set by an admin 1")
    assert not await access.still_valid(before)
    who = await access.by_token((await _login(access, "v@example.com", "set by an admin 1")).access_token)
    assert who.must_change_password
    await access.change_password(who, "set by an admin 1", "chosen by myself 2")
    assert not await access.still_valid(who)
    token = (await _login(access, "v@example.com", "chosen by myself 2")).access_token
    assert not (await access.by_token(token)).must_change_password


async def test_forgetting_makes_a_change_of_another_process_count(
    access: Access, store: Store, clock: ManualClock
) -> None:
    """What the hub does when another process says that somebody's session ended."""
    principal = await access.by_token((await _login(access)).access_token)
    async with store.transaction() as session:
        await sessions.end_all_of(session, principal.user_id, clock.now(), "elsewhere")
    assert await access.still_valid(principal)
    access.forget()
    assert not await access.still_valid(principal)


async def test_many_are_asked_about_with_one_question(access: Access, store: Store, clock: ManualClock) -> None:
    """Their sessions are read together, and each has an answer of its own; keys and strangers are among them."""
    principals = [await access.by_token((await _login(access)).access_token) for _ in range(5)]
    async with store.transaction() as session:
        row = await session.get_one(Session, principals[2].session_id)
        await sessions.end(session, row, clock.now(), "elsewhere")
    nobody = replace(principals[0], session_id="unknown")
    access.forget()
    statements: list[str] = []

    def count(_conn: object, _cursor: object, statement: str, *_rest: object) -> None:
        statements.append(statement)

    event.listen(store.engine.sync_engine, "before_cursor_execute", count)
    assert await access.all_still_valid([*principals, nobody]) == [True, True, False, True, True, False]
    assert sum("FROM sessions" in statement for statement in statements) == 2  # one for all, one for who is missing
    statements.clear()
    assert await access.all_still_valid(principals) == [True, True, False, True, True]
    assert statements == []
    assert await access.all_still_valid([]) == []
