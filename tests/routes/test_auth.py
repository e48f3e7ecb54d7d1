"""Signing in and out over HTTP: tokens, rotation, the browser's cookie and its CSRF token."""

import httpx
import pytest

from server.parts import Parts
from tests.opened import PASSWORD

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
