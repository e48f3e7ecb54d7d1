"""Signing in and out over HTTP: tokens, rotation, the browser's cookie and its CSRF token."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest

from server.app import make_app
from server.clock import ManualClock
from server.parts import Parts
from server.settings import SecuritySettings
from tests.opened import PASSWORD, client_of, parts_in

LOGIN = {"username": "admin@example.com", "password": PASSWORD}


async def test_login_answers_tokens_and_the_user(anyone: httpx.AsyncClient) -> None:
    """The envelope carries both tokens, how long, and who it is; the cookie is not for scripts."""
    answer = await anyone.post("/api/v1/auth/login", json=LOGIN)
    assert answer.status_code == 200
    data = answer.json()["data"]
    assert answer.json()["success"] is True
    assert data["expiresIn"] == 900
    assert data["user"]["role"] == "Admin"
    assert "people:write" in data["user"]["permissions"]
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "passwordHash" not in answer.text


@pytest.mark.parametrize("wrong", [{"password": "wrong horse"}, {"username": "nobody@example.com"}])
async def test_wrong_password_and_unknown_user_look_alike(anyone: httpx.AsyncClient, wrong: dict[str, str]) -> None:
    """The answer does not tell which of the two was wrong."""
    answer = await anyone.post("/api/v1/auth/login", json=LOGIN | wrong)
    assert answer.status_code == 401
    assert answer.json()["success"] is False
    assert answer.json()["error"]["code"] == "wrong_credentials"
    assert "set-cookie" not in answer.headers


async def test_a_missing_field_is_named(anyone: httpx.AsyncClient) -> None:
    """422 with the field under its name on the wire."""
    answer = await anyone.post("/api/v1/auth/login", json={"username": "admin@example.com", "pasword": "x"})
    assert answer.status_code == 422
    fields = {detail["field"] for detail in answer.json()["error"]["details"]}
    assert fields == {"password", "pasword"}


async def test_refresh_rotates_and_a_spent_token_ends_the_family(parts: Parts, anyone: httpx.AsyncClient) -> None:
    """A refresh token is good once; used again after the grace it takes the whole family down."""
    first = (await anyone.post("/api/v1/auth/login", json=LOGIN)).json()["data"]
    second = (await anyone.post("/api/v1/auth/refresh", json={"refreshToken": first["refreshToken"]})).json()["data"]
    assert second["refreshToken"] != first["refreshToken"]
    parts.clock.advance(60)  # type: ignore[attr-defined]
    again = await anyone.post("/api/v1/auth/refresh", json={"refreshToken": first["refreshToken"]})
    assert again.status_code == 401
    dead = await anyone.post("/api/v1/auth/refresh", json={"refreshToken": second["refreshToken"]})
    assert dead.status_code == 401
    me = await anyone.get("/api/v1/auth/me", headers={"Authorization": f"Bearer {second['accessToken']}"})
    assert me.status_code == 401


async def test_logout_ends_the_access_token_too(anyone: httpx.AsyncClient) -> None:
    """After logout neither the token nor the cookie says who it is."""
    data = (await anyone.post("/api/v1/auth/login", json=LOGIN)).json()["data"]
    bearer = {"Authorization": f"Bearer {data['accessToken']}"}
    assert (await anyone.get("/api/v1/auth/me", headers=bearer)).json()["data"]["email"] == "admin@example.com"
    assert (await anyone.post("/api/v1/auth/logout", headers=bearer)).status_code == 204
    assert (await anyone.get("/api/v1/auth/me", headers=bearer)).status_code == 401
    anyone.cookies.clear()
    assert (await anyone.get("/api/v1/auth/me")).status_code == 401


async def test_logout_all_ends_every_session(anyone: httpx.AsyncClient) -> None:
    """Two logins end together."""
    tokens = [(await anyone.post("/api/v1/auth/login", json=LOGIN)).json()["data"]["accessToken"] for _ in range(2)]
    anyone.cookies.clear()
    bearers = [{"Authorization": f"Bearer {token}"} for token in tokens]
    assert (await anyone.post("/api/v1/auth/logout-all", headers=bearers[0])).status_code == 204
    for bearer in bearers:
        assert (await anyone.get("/api/v1/auth/me", headers=bearer)).status_code == 401


async def test_cookie_changes_nothing_without_the_csrf_token(parts: Parts, anyone: httpx.AsyncClient) -> None:
    """Reading goes by cookie alone; changing needs the header from the page."""
    await anyone.post("/api/v1/auth/login", json=LOGIN)
    assert (await anyone.get("/api/v1/auth/me")).status_code == 200
    refused = await anyone.post("/api/v1/people", json={"fullName": "Ada"})
    assert refused.status_code == 403
    assert refused.json()["error"]["code"] == "csrf_failed"
    principal = await parts.access.by_cookie(anyone.cookies["rollcall_session"])
    assert principal is not None
    headers = {"X-CSRF-Token": parts.access.csrf_token(principal)}
    assert (await anyone.post("/api/v1/people", json={"fullName": "Ada"}, headers=headers)).status_code == 201


async def test_ticket_is_for_one_socket(parts: Parts, admin: httpx.AsyncClient) -> None:
    """A ticket lets in once."""
    data = (await admin.post("/api/v1/auth/ticket")).json()["data"]
    assert data["expiresIn"] == 30
    principal = await parts.access.by_ticket(data["ticket"])
    assert principal is not None
    assert principal.role == "Admin"
    assert await parts.access.by_ticket(data["ticket"]) is None


async def test_a_kiosk_is_not_a_user(parts: Parts, admin: httpx.AsyncClient) -> None:
    """A kiosk's token does not open `auth/me` or anything but its own."""
    kiosk = (await admin.post("/api/v1/kiosks", json={"name": "Door"})).json()["data"]
    code = (await admin.post(f"/api/v1/kiosks/{kiosk['id']}/pairing-code")).json()["data"]["code"]
    token = (await admin.post("/api/v1/kiosks/pair", json={"code": code})).json()["data"]["token"]
    bearer = {"Authorization": f"Bearer {token}"}
    assert (await admin.get("/api/v1/auth/me", headers=bearer)).status_code == 403
    assert (await admin.get("/api/v1/people", headers=bearer)).status_code == 403
    assert (await admin.get("/api/v1/kiosks", headers=bearer)).json()["meta"]["total"] == 1


async def test_me(viewer: httpx.AsyncClient) -> None:
    """Everything that a front end shows or hides by, with a tag; the own name can be changed, on a condition too."""
    answer = await viewer.get("/api/v1/auth/me")
    me = answer.json()["data"]
    assert (me["mustChangePassword"], me["totpEnabled"], me["apiKey"]) == (False, False, None)
    assert (me["cameraIds"], me["departmentIds"]) == (None, None)
    etag = answer.headers["ETag"]
    renamed = await viewer.patch("/api/v1/auth/me", json={"fullName": "Vera"}, headers={"If-Match": etag})
    assert renamed.json()["data"]["fullName"] == "Vera"
    late = await viewer.patch("/api/v1/auth/me", json={"fullName": "Eve"}, headers={"If-Match": etag})
    assert late.status_code == 412
    assert (await viewer.get("/api/v1/auth/me")).json()["data"]["fullName"] == "Vera"
    assert (await viewer.patch("/api/v1/auth/me", json={"role": "Admin"})).status_code == 422


async def test_the_cookie_is_secure_over_https(parts: Parts) -> None:
    """Where the request came over HTTPS, whatever the setting says; over HTTP a browser would drop it."""
    transport = httpx.ASGITransport(make_app(parts))
    for scheme, secure in (("https", True), ("http", False)):
        async with httpx.AsyncClient(transport=transport, base_url=f"{scheme}://rollcall.test") as client:
            answer = await client.post("/api/v1/auth/login", json=LOGIN)
            assert ("secure" in answer.headers["set-cookie"].lower()) is secure


async def test_until_a_new_password_is_chosen(parts: Parts, anyone: httpx.AsyncClient) -> None:
    """After an administrator set it, little is open; with a new one of one's own, all is."""
    login = {"username": "viewer@example.com", "password": "set by an admin 1"}
    before = (await anyone.post("/api/v1/auth/login", json=login | {"password": PASSWORD})).json()["data"]
    await parts.access.accounts.set_password(before["user"]["id"], login["password"])
    given = (await anyone.post("/api/v1/auth/login", json=login)).json()["data"]
    assert given["user"]["mustChangePassword"] is True
    anyone.cookies.clear()
    bearer = {"Authorization": f"Bearer {given['accessToken']}"}
    for path in ("auth/me", "auth/sessions"):
        assert (await anyone.get(f"/api/v1/{path}", headers=bearer)).status_code == 200
    for method, path in (
        ("GET", "people"),
        ("POST", "auth/ticket"),
        ("POST", "auth/totp"),
        ("GET", "auth/preferences"),
    ):
        refused = await anyone.request(method, f"/api/v1/{path}", headers=bearer)
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "password_change_required")
    form = {"currentPassword": login["password"], "newPassword": "chosen by myself 2"}
    assert (await anyone.post("/api/v1/auth/change-password", json=form, headers=bearer)).status_code == 204
    assert (await anyone.get("/api/v1/people", headers=bearer)).status_code == 200


async def test_logout_drops_the_cookie(anyone: httpx.AsyncClient, parts: Parts) -> None:
    """The browser is told to forget it, and another session's refresh token ends that one too."""
    first = (await anyone.post("/api/v1/auth/login", json=LOGIN)).json()["data"]
    second = (await anyone.post("/api/v1/auth/login", json=LOGIN)).json()["data"]
    answer = await anyone.post(
        "/api/v1/auth/logout",
        json={"refreshToken": first["refreshToken"]},
        headers={"Authorization": f"Bearer {second['accessToken']}"},
    )
    assert answer.status_code == 204
    assert "max-age=0" in answer.headers["set-cookie"].lower()
    for data in (first, second):
        refused = await anyone.post("/api/v1/auth/refresh", json={"refreshToken": data["refreshToken"]})
        assert (refused.status_code, refused.json()["error"]["code"]) == (401, "session_ended")


async def test_lifetimes_are_settings(tmp_path: Path, clock: ManualClock, on_machines: dict[str, Any]) -> None:
    """Of the access token, of the refresh token, and of the session, which coming back does not lengthen."""
    chosen = SecuritySettings(bcrypt_rounds=4, access_token_minutes=7, refresh_token_days=3, session_days=8)

    def ends(token: str) -> datetime:
        return datetime.fromtimestamp(jwt.decode(token, options={"verify_signature": False})["exp"], UTC)

    async with (
        parts_in(tmp_path / "state", clock, security=chosen, **on_machines) as parts,
        client_of(parts, None) as one,
    ):
        begun = clock.now()
        given = (await one.post("/api/v1/auth/login", json=LOGIN)).json()["data"]
        assert given["expiresIn"] == 7 * 60
        assert ends(given["accessToken"]) == begun + timedelta(minutes=7)
        assert ends(given["refreshToken"]) == begun + timedelta(days=3)
        for _ in range(3):
            clock.advance(2 * 86_400)
            given = (await one.post("/api/v1/auth/refresh", json={"refreshToken": given["refreshToken"]})).json()[
                "data"
            ]
        assert given["expiresIn"] == 7 * 60
        clock.advance(2 * 86_400 + 1)
        over = await one.post("/api/v1/auth/refresh", json={"refreshToken": given["refreshToken"]})
        assert (over.status_code, over.json()["success"]) == (401, False)
