"""Who sends a request: a bearer's token, or a browser's cookie with the token of its page."""

import httpx

from server.parts import Parts
from server.routes.identify import CSRF_HEADER, SESSION_COOKIE
from tests.opened import PASSWORD


async def test_a_wrong_authorization_is_401(anyone: httpx.AsyncClient) -> None:
    """Another scheme, nothing after Bearer, or a token that is none."""
    for value in ("Basic YTpi", "Bearer", "Bearer  ", "Bearer x.y.z", "x"):
        answer = await anyone.get("/api/v1/auth/me", headers={"Authorization": value})
        assert answer.status_code == 401, value


async def test_a_cookie_reads_and_with_its_token_writes(anyone: httpx.AsyncClient, parts: Parts) -> None:
    """What changes something needs the token of this very session; reading does not."""
    credentials = {"username": "admin@example.com", "password": PASSWORD}
    assert (await anyone.post("/api/v1/auth/login", json=credentials)).status_code == 200
    assert SESSION_COOKIE in anyone.cookies
    assert (await anyone.get("/api/v1/people")).status_code == 200
    principal = await parts.access.by_cookie(anyone.cookies[SESSION_COOKIE])
    assert principal is not None
    token = parts.access.csrf_token(principal)
    for headers, status in (({}, 403), ({CSRF_HEADER: "x"}, 403), ({CSRF_HEADER: token}, 201)):
        answer = await anyone.post("/api/v1/people", json={"fullName": "Ada"}, headers=headers)
        assert answer.status_code == status
        if status == 403:
            assert answer.json()["error"]["code"] == "csrf_failed"


async def test_a_cookie_of_no_session_is_nobody(anyone: httpx.AsyncClient) -> None:
    """A value that was never given out."""
    anyone.cookies[SESSION_COOKIE] = "x" * 40
    assert (await anyone.get("/api/v1/people")).status_code == 401
