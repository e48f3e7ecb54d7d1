"""Who does not get in, and is told why, over real HTTP: on SQLite alone and on PostgreSQL with Redis."""

import time

import httpx
import pyotp
import pytest

from tests.journeys.client import Api, Json
from tests.journeys.server import PASSWORD, RollcallServer
from tests.journeys.test_identity import admin as admin
from tests.journeys.test_identity import credentials
from tests.journeys.test_identity import nobody as nobody
from tests.journeys.test_identity import server as server
from tests.journeys.test_identity import user as user

pytestmark = [pytest.mark.journey, pytest.mark.timeout(300)]

GRACE_S = 10


def test_a_refresh_token_that_is_used_again(server: RollcallServer, nobody: Api, admin: Api, user: Json) -> None:
    """After the grace it ends the whole family, raises an alert and is in the audit."""
    first = nobody.post("auth/login", credentials(user), status=200)
    second = nobody.post("auth/refresh", {"refreshToken": first["refreshToken"]}, status=200)
    time.sleep(GRACE_S + 1.5)
    stolen = nobody.refusal("POST", "auth/refresh", 401, json={"refreshToken": first["refreshToken"]})
    assert stolen["code"]
    with Api(server.url, second["accessToken"]) as vera:
        assert vera.refusal("GET", "auth/me", 401)["code"] == "session_ended"
    nobody.refusal("POST", "auth/refresh", 401, json={"refreshToken": second["refreshToken"]})
    alerts = admin.get("alerts", kind="refresh_token_reused")
    assert [one["subject"] for one in alerts if one["subject"] == f"users/{user['id']}"]
    reused = admin.get("audit", action="session.refresh_reused")
    assert user["id"] in [row["after"]["userId"] for row in reused]


def test_guessing_is_slowed_for_all_alike(nobody: Api, user: Json) -> None:
    """The same words for a wrong password and for an unknown user, and after ten tries for both when to come back."""

    def said(username: str) -> tuple[list[tuple[int, str, str]], str]:
        answers = [
            nobody.raw("POST", "auth/login", json={"username": username, "password": f"wrong guess {n}"})
            for n in range(11)
        ]
        told = [(one.status_code, one.json()["error"]["code"], one.json()["error"]["message"]) for one in answers]
        return told, answers[-1].headers.get("Retry-After", "")

    known, unknown = said(user["email"]), said("nobody-of-that-name@site.example")
    assert known[0][:10] == unknown[0][:10]
    assert {status for status, _, _ in known[0][:10]} == {401}
    assert (known[0][10][0], unknown[0][10][0]) == (429, 429), (known[0][10], unknown[0][10])
    assert 0 < int(known[1]) <= 300


def test_a_disabled_user_is_out(server: RollcallServer, nobody: Api, admin: Api, user: Json) -> None:
    """With the access token, the refresh token and the password."""
    tokens = nobody.post("auth/login", credentials(user), status=200)
    form = {"email": user["email"], "fullName": "Vera", "role": "Viewer", "active": False}
    admin.call("PUT", f"users/{user['id']}", 200, json=form)
    with Api(server.url, tokens["accessToken"]) as vera:
        assert vera.refusal("GET", "auth/me", 401)["code"] == "session_ended"
    nobody.refusal("POST", "auth/refresh", 401, json={"refreshToken": tokens["refreshToken"]})
    assert nobody.refusal("POST", "auth/login", 401, json=credentials(user))["code"] == "wrong_credentials"


def test_a_second_factor(server: RollcallServer, nobody: Api, user: Json) -> None:
    """Asked for, refused where it is wrong or was used, and made up for by a recovery code, once."""
    with server.login(user["email"]) as vera:
        secret = vera.raw("POST", "auth/totp", json={"currentPassword": PASSWORD}).json()["data"]["secret"]
        code = pyotp.TOTP(secret)
        confirmed = vera.raw("POST", "auth/totp/confirm", json={"otp": code.now()})
        assert confirmed.status_code == 200, confirmed.text
        recovery = confirmed.json()["data"]["recoveryCodes"]
    login = credentials(user)

    def refused(otp: str | None = None) -> str:
        return str(nobody.refusal("POST", "auth/login", 401, json=login | ({"otp": otp} if otp else {}))["code"])

    assert refused() == "otp_required"
    assert refused("000000") == "otp_wrong"
    following = code.at(int(time.time()) + 30)  # noqa: TID251 - as the app does
    assert nobody.post("auth/login", login | {"otp": following}, status=200)
    assert refused(following) == "otp_wrong"
    assert nobody.post("auth/login", login | {"otp": recovery[0]}, status=200)
    assert refused(recovery[0]) == "otp_wrong"


def test_a_page_of_another_site_changes_nothing(server: RollcallServer, user: Json) -> None:
    """The browser's cookie alone reads; a change needs what only our own pages know."""
    with httpx.Client(base_url=server.url) as browser:
        assert browser.post("/api/v1/auth/login", json=credentials(user)).status_code == 200
        assert browser.get("/api/v1/auth/me").status_code == 200
        refused = browser.patch("/api/v1/auth/me", json={"fullName": "Eve"})
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "csrf_failed")
        assert browser.get("/api/v1/auth/me").json()["data"]["fullName"] == "Vera"


def test_ones_own_name(server: RollcallServer, user: Json) -> None:
    """Can be changed, and nothing else of oneself."""
    with server.login(user["email"]) as vera:
        assert vera.call("PATCH", "auth/me", 200, json={"fullName": "Vera V."})["fullName"] == "Vera V."
        error = vera.refusal("PATCH", "auth/me", 422, json={"fullName": "Vera", "role": "Admin"})
        assert [detail["field"] for detail in error["details"]] == ["role"]


def test_an_edit_that_comes_too_late(admin: Api, user: Json) -> None:
    """Of two who have read the same, the second is told."""
    tag = admin.raw("GET", f"users/{user['id']}").headers["ETag"]
    form = {"email": user["email"], "fullName": "Vera", "role": "Operator"}
    admin.call("PUT", f"users/{user['id']}", 200, json=form, headers={"If-Match": tag})
    late = admin.refusal("PUT", f"users/{user['id']}", 412, json=form | {"role": "Admin"}, headers={"If-Match": tag})
    assert late["code"] == "edited_meanwhile"
    assert admin.get(f"users/{user['id']}")["role"] == "Operator"
