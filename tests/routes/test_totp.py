"""The second factor over HTTP."""

import httpx
import pyotp

from server.clock import ManualClock
from server.parts import Parts
from tests.opened import PASSWORD, client_of

LOGIN = {"username": "viewer@example.com", "password": PASSWORD}


async def _enable(client: httpx.AsyncClient, clock: ManualClock) -> tuple[pyotp.TOTP, list[str]]:
    begun = await client.post("/api/v1/auth/totp", json={"currentPassword": PASSWORD})
    assert begun.status_code == 200
    assert begun.json()["data"]["svg"].startswith("<svg")
    app = pyotp.TOTP(begun.json()["data"]["secret"])
    done = await client.post("/api/v1/auth/totp/confirm", json={"otp": app.at(clock.now())})
    assert done.status_code == 200
    clock.advance(60)
    return app, done.json()["data"]["recoveryCodes"]


async def test_the_whole_way(viewer: httpx.AsyncClient, anyone: httpx.AsyncClient, clock: ManualClock) -> None:
    """Set up, asked for at the login, used, and switched off again with password and code."""
    app, codes = await _enable(viewer, clock)
    assert len(codes) == 10
    assert (await viewer.get("/api/v1/auth/me")).json()["data"]["totpEnabled"] is True
    for given, code in (({}, "otp_required"), ({"otp": "000000"}, "otp_wrong")):
        refused = await anyone.post("/api/v1/auth/login", json=LOGIN | given)
        assert (refused.status_code, refused.json()["error"]["code"]) == (401, code)
        assert "set-cookie" not in refused.headers
    for otp in (app.at(clock.now()), codes[0]):
        assert (await anyone.post("/api/v1/auth/login", json=LOGIN | {"otp": otp})).status_code == 200
    form = {"currentPassword": PASSWORD, "otp": codes[0]}
    used = await viewer.request("DELETE", "/api/v1/auth/totp", json=form)
    assert used.status_code == 422
    assert used.json()["error"]["details"][0]["field"] == "otp"
    assert (await viewer.request("DELETE", "/api/v1/auth/totp", json=form | {"otp": codes[1]})).status_code == 204
    assert (await anyone.post("/api/v1/auth/login", json=LOGIN)).status_code == 200


async def test_it_is_not_begun_twice(viewer: httpx.AsyncClient, clock: ManualClock) -> None:
    """A conflict, and a wrong password is named at its field."""
    wrong = await viewer.post("/api/v1/auth/totp", json={"currentPassword": "wrong horse"})
    assert wrong.status_code == 422
    assert wrong.json()["error"]["details"][0]["field"] == "currentPassword"
    nothing = await viewer.post("/api/v1/auth/totp/confirm", json={"otp": "123456"})
    assert (nothing.status_code, nothing.json()["error"]["code"]) == (409, "totp_not_begun")
    await _enable(viewer, clock)
    again = await viewer.post("/api/v1/auth/totp", json={"currentPassword": PASSWORD})
    assert (again.status_code, again.json()["error"]["code"]) == (409, "totp_enabled")


async def test_an_administrator_removes_a_lost_one(
    parts: Parts, viewer: httpx.AsyncClient, admin: httpx.AsyncClient, clock: ManualClock
) -> None:
    """With `users:manage`, and not for oneself."""
    await _enable(viewer, clock)
    async with client_of(parts, "Admin") as fresh:
        viewer_id = (await viewer.get("/api/v1/auth/me")).json()["data"]["id"]
        admin_id = (await fresh.get("/api/v1/auth/me")).json()["data"]["id"]
        assert (await viewer.delete(f"/api/v1/users/{admin_id}/totp")).status_code == 403
        assert (await fresh.delete(f"/api/v1/users/{admin_id}/totp")).json()["error"]["code"] == "own_account"
        outdated = await fresh.delete(f"/api/v1/users/{viewer_id}/totp", headers={"If-Match": '"0"'})
        assert outdated.status_code == 412
        assert (await fresh.delete(f"/api/v1/users/{viewer_id}/totp")).status_code == 204
        assert (await fresh.delete(f"/api/v1/users/{viewer_id}/totp")).status_code == 404
        assert (await fresh.post("/api/v1/auth/login", json=LOGIN)).status_code == 200
