"""Signing in over real HTTP, on SQLite alone and on PostgreSQL with Redis: the same answers, the same errors."""

import time
from collections.abc import Iterator
from contextlib import ExitStack

import httpx
import pytest

from tests.journeys.client import Api, Json
from tests.journeys.server import ADMIN, PASSWORD, RollcallServer
from tests.journeys.stacks import postgresql_and_redis

pytestmark = [pytest.mark.journey, pytest.mark.timeout(300)]

NEW = "an even longer password"


@pytest.fixture(scope="module", params=["sqlite", "postgresql and redis"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RollcallServer]:
    with ExitStack() as stack:
        settings: dict[str, str] = {}
        if request.param != "sqlite":
            postgresql, redis = (request.getfixturevalue(name) for name in ("postgresql_server", "redis_server"))
            settings = stack.enter_context(postgresql_and_redis(postgresql, redis))
        folder = tmp_path_factory.mktemp("identity")
        yield stack.enter_context(RollcallServer(folder, settings=settings))


@pytest.fixture
def admin(server: RollcallServer) -> Iterator[Api]:
    with server.login() as api:
        yield api


@pytest.fixture
def nobody(server: RollcallServer) -> Iterator[Api]:
    with Api(server.url) as api:
        yield api


@pytest.fixture
def user(admin: Api) -> Iterator[Json]:
    """A Viewer of this test's own."""
    form = {"email": f"v{time.monotonic_ns()}@site.example", "fullName": "Vera", "role": "Viewer"}
    made = admin.post("users", {**form, "password": PASSWORD})
    yield made
    admin.raw("DELETE", f"users/{made['id']}")


def credentials(user: Json, password: str = PASSWORD) -> Json:
    return {"username": user["email"], "password": password}


def test_login_refresh_me_and_logout(server: RollcallServer, nobody: Api, user: Json) -> None:
    """A whole life of a session."""
    tokens = nobody.post("auth/login", credentials(user), status=200)
    assert tokens["expiresIn"] == 900
    assert tokens["user"]["email"] == user["email"]
    with Api(server.url, tokens["accessToken"]) as vera:
        assert vera.get("auth/me")["role"] == "Viewer"
        assert [one["current"] for one in vera.get("auth/sessions")] == [True]
        fresh = nobody.post("auth/refresh", {"refreshToken": tokens["refreshToken"]}, status=200)
        assert fresh["refreshToken"] != tokens["refreshToken"]
        vera.call("POST", "auth/logout", 204, json={"refreshToken": fresh["refreshToken"]})
        assert vera.refusal("GET", "auth/me", 401)["code"] == "session_ended"
    gone = nobody.refusal("POST", "auth/refresh", 401, json={"refreshToken": fresh["refreshToken"]})
    assert gone["code"] == "session_ended"


def test_logout_all_ends_every_session(server: RollcallServer, user: Json) -> None:
    """Also the ones on other devices."""
    with server.login(user["email"]) as one, server.login(user["email"]) as other:
        assert len(one.get("auth/sessions")) == 2
        one.call("POST", "auth/logout-all", 204)
        assert other.refusal("GET", "auth/me", 401)["code"] == "session_ended"


def test_one_session_can_be_ended_from_another(server: RollcallServer, user: Json) -> None:
    """By its id in the list; a strange id is not found."""
    with server.login(user["email"]) as here, server.login(user["email"]) as there:
        other = next(one["id"] for one in here.get("auth/sessions") if not one["current"])
        here.call("DELETE", f"auth/sessions/{other}", 204)
        assert there.refusal("GET", "auth/me", 401)["code"] == "session_ended"
        assert here.refusal("DELETE", "auth/sessions/nothing", 404)["code"] == "session_not_found"


def test_a_new_password(server: RollcallServer, nobody: Api, user: Json) -> None:
    """Wrong, short and common ones are refused at their field; the new one counts, and ends the other sessions."""
    with server.login(user["email"]) as vera, server.login(user["email"]) as elsewhere:

        def refused(current: str, new: str) -> list[tuple[str, str]]:
            form = {"currentPassword": current, "newPassword": new}
            error = vera.refusal("POST", "auth/change-password", 422, json=form)
            return [(detail["field"], detail["code"]) for detail in error["details"]]

        assert refused("not this one", NEW) == [("currentPassword", "wrong_password")]
        assert refused(PASSWORD, "short") == [("newPassword", "too_short")]
        assert refused(PASSWORD, "123456789012") == [("newPassword", "too_common")]
        vera.call("POST", "auth/change-password", 204, json={"currentPassword": PASSWORD, "newPassword": NEW})
        assert vera.get("auth/me")
        assert elsewhere.refusal("GET", "auth/me", 401)
    assert nobody.refusal("POST", "auth/login", 401, json=credentials(user))["code"] == "wrong_credentials"
    nobody.post("auth/login", credentials(user, NEW), status=200)


def test_a_password_that_an_admin_has_set(server: RollcallServer, admin: Api, user: Json) -> None:
    """Lets in, and to nothing but a new one of one's own."""
    admin.call("PATCH", f"users/{user['id']}/password", 204, json={"newPassword": "set by an admin 1"})
    with server.login(user["email"], "set by an admin 1") as vera:
        assert vera.get("auth/me")["mustChangePassword"] is True
        assert vera.refusal("GET", "cameras", 403)["code"] == "password_change_required"
        form = {"currentPassword": "set by an admin 1", "newPassword": NEW}
        vera.call("POST", "auth/change-password", 204, json=form)
        assert vera.get("cameras") == []


def test_a_changed_role_counts_at_once_on_sockets_too(server: RollcallServer, admin: Api, user: Json) -> None:
    """The socket is closed with 4510 within five seconds, and the next request has the new permissions."""
    with server.login(user["email"]) as vera, server.subscriber(vera.token) as socket:
        socket.subscribe("attendance")
        form = {"email": user["email"], "fullName": "Vera", "role": "Operator", "active": True}
        admin.call("PUT", f"users/{user['id']}", 200, json=form)
        assert socket.wait_closed(5) == 4510
        assert vera.get("auth/me")["role"] == "Operator"


def test_an_api_key(server: RollcallServer, admin: Api) -> None:
    """Shown once, good for what it is for, on the socket too, and out within five seconds of its removal."""
    made = admin.post("api-keys", {"name": "Payroll", "permissions": ["attendance:read"]})
    assert "key" not in next(one for one in admin.get("api-keys") if one["id"] == made["id"])
    with Api(server.url, made["key"]) as payroll, server.subscriber(made["key"]) as socket:
        assert payroll.get("attendance/entries") == []
        assert payroll.refusal("GET", "people", 403)["code"] == "forbidden"
        socket.subscribe("attendance")
        admin.call("DELETE", f"api-keys/{made['id']}", 204)
        assert socket.wait_closed(5) == 4510
        assert payroll.raw("GET", "attendance/entries").status_code == 401


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        ({"content": b"{", "headers": {"Content-Type": "application/json"}}, 400, "malformed_json"),
        ({"content": b"a=b", "headers": {"Content-Type": "application/x-www-form-urlencoded"}}, 415, None),
        ({"json": {}}, 422, "validation_failed"),
        ({"json": {"username": ADMIN, "password": "wrong horse"}}, 401, "wrong_credentials"),
        ({"json": {"username": "nobody@site.example", "password": "wrong horse"}}, 401, "wrong_credentials"),
        ({"json": {"username": ADMIN, "password": "x\u0000y"}}, 400, "nul_character"),
    ],
)
def test_what_is_wrong_with_a_login(nobody: Api, sent: Json, status: int, code: str | None) -> None:
    """Each mistake has its status and its code."""
    error = nobody.refusal("POST", "auth/login", status, **sent)
    assert code is None or error["code"] == code


def test_who_is_nobody(nobody: Api, server: RollcallServer) -> None:
    """Without, with a broken and with a foreign token it is 401, and the header says how to come."""
    for headers in ({}, {"Authorization": "Bearer x.y.z"}, {"Authorization": "Basic eDp5"}):
        answer = httpx.get(f"{server.url}/api/v1/auth/me", headers=headers)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_everything_is_in_the_audit(server: RollcallServer, admin: Api, user: Json) -> None:
    """Who was signed in, who made whom; the chain is whole; the rows stay when the user is gone."""
    with server.login(user["email"]):
        pass
    admin.call("DELETE", f"users/{user['id']}", 204)
    rows = admin.get("audit", resourceId=user["id"])
    assert {"user.created", "user.removed"} <= {row["action"] for row in rows}
    removed = next(row for row in rows if row["action"] == "user.removed")
    assert removed["actor"]["name"] == ADMIN
    assert removed["before"]["email"] == user["email"]
    assert "password" not in str(removed).lower().replace("mustchangepassword", "")
    assert admin.get("audit/verification")["intact"] is True
