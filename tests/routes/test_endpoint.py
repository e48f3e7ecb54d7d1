"""Typed endpoints: who may, what came in, and the envelope of what goes out."""

from collections.abc import MutableMapping
from dataclasses import replace
from typing import Any

import httpx
import pytest
from sqlalchemy.exc import OperationalError
from structlog.testing import capture_logs

from server.access.access import Access
from server.access.permissions import ALL
from server.access.principal import Principal
from server.app import ENDPOINTS, make_app
from server.parts import Parts
from server.routes.endpoint import KIOSK, PUBLIC, SIGNED_IN, Endpoint

NO_ID = "00000000-0000-7000-8000-000000000000"


def named(one: Endpoint) -> str:
    return f"{one.method} {one.path}"


@pytest.mark.parametrize("one", ENDPOINTS, ids=named)
def test_every_endpoint_has_a_rule_and_a_summary(one: Endpoint) -> None:
    """A rule is a permission that exists, or one of the three words; a summary is a sentence."""
    assert one.allow in ALL | {KIOSK, PUBLIC, SIGNED_IN}
    assert one.summary.endswith(".")


async def test_lists_page_sort_and_search(admin: httpx.AsyncClient) -> None:
    """`meta` says how many there are in all; sorting goes both ways; an unknown key is refused."""
    for name in ("Cleo", "Ada", "Bea"):
        assert (await admin.post("/api/v1/people", json={"fullName": name})).status_code == 201
    page = (await admin.get("/api/v1/people?sort=-fullName&pageSize=2")).json()
    assert [person["fullName"] for person in page["data"]] == ["Cleo", "Bea"]
    assert page["meta"] == {"page": 1, "pageSize": 2, "total": 3}
    assert (await admin.get("/api/v1/people?search=ad")).json()["meta"]["total"] == 1
    assert (await admin.get("/api/v1/people?sort=shoeSize")).status_code == 400


async def test_if_match_refuses_a_lost_update(admin: httpx.AsyncClient) -> None:
    """Who edits with the ETag of an older read gets 412; without If-Match the edit passes."""
    made = await admin.post("/api/v1/people", json={"fullName": "Ada"})
    url, tag = f"/api/v1/people/{made.json()['data']['id']}", made.headers["ETag"]
    first = await admin.put(url, json={"fullName": "Ada L."}, headers={"If-Match": tag})
    assert first.status_code == 200
    second = await admin.put(url, json={"fullName": "Ada X."}, headers={"If-Match": tag})
    assert (second.status_code, second.json()["error"]["code"]) == (412, "edited_meanwhile")
    assert (await admin.put(url, json={"fullName": "Ada Y."})).status_code == 200


def as_somebody_else(monkeypatch: pytest.MonkeyPatch, parts: Parts, **changes: object) -> None:
    """Whoever signs in from now on is different in this."""
    by_token = Access.by_token

    async def changed(self: Access, token: str, *rest: str) -> Principal:
        return replace(await by_token(self, token, *rest), **changes)  # type: ignore[arg-type]

    monkeypatch.setattr(Access, "by_token", changed)


async def test_a_camera_outside_of_the_limits_is_not_there(
    parts: Parts, admin: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is asked of it: the same answer as for one that does not exist, before anything is read."""
    form = {"name": "Door", "kind": "push", "enabled": False}
    mine, other = [
        (await admin.post("/api/v1/cameras", json={**form, "name": name})).json()["data"]["id"]
        for name in ("Mine", "Other")
    ]
    as_somebody_else(monkeypatch, parts, only_cameras=frozenset({mine}))
    assert (await admin.get(f"/api/v1/cameras/{mine}")).status_code == 200
    for one in ENDPOINTS:
        if "camera_id" in one.path_names:
            unseen = await admin.request(
                one.method, one.url.format(camera_id=other, session_id="x", snapshot_id=NO_ID, zone_id=NO_ID)
            )
            assert (unseen.status_code, unseen.json()["error"]["code"]) == (404, "camera_not_found"), named(one)


async def test_who_must_choose_a_password_does_that_first(
    parts: Parts, admin: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everything else is refused, but for what is marked as open before."""
    as_somebody_else(monkeypatch, parts, must_change_password=True)
    for one in (each for each in ENDPOINTS if each.allow != PUBLIC and not each.path.startswith("/auth/logout")):
        answer = await admin.request(one.method, one.url.format(**dict.fromkeys(one.path_names, NO_ID)))
        refused = answer.status_code == 403 and answer.json()["error"]["code"] == "password_change_required"
        assert refused != one.before_password_change, named(one)


async def test_ones_own_account_needs_a_session(
    parts: Parts, admin: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program with a key, and a kiosk, have none."""
    as_somebody_else(monkeypatch, parts, session_id=None, key_id="key")
    for one in (each for each in ENDPOINTS if each.own_account):
        answer = await admin.request(one.method, one.url.format(**dict.fromkeys(one.path_names, NO_ID)))
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "needs_a_session"), named(one)


async def test_times_at_the_ends_of_the_calendar(admin: httpx.AsyncClient) -> None:
    """A time that has no place in UTC's calendar any more is its first or last moment."""
    for query in ("from=0001-01-01T00:00:00%2B05:00", "to=9999-12-31T23:59:59-05:00"):
        assert (await admin.get(f"/api/v1/sightings?{query}")).status_code == 200
    for path, form in (
        ("api-keys", {"name": "Payroll", "permissions": ["cameras:read"], "expiresAt": "9999-12-31T23:59:59-23:59"}),
        ("audit/export", {"from": "0001-01-01T00:00:00+23:59", "to": "9999-12-31T23:59:59-23:59"}),
    ):
        answer = await admin.post(f"/api/v1/{path}", json=form)
        assert answer.status_code in (201, 202), answer.text


async def test_a_database_that_is_away_is_503(
    parts: Parts, admin: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Come back later, in the envelope; no crash, no traceback."""

    def away(_self: object) -> object:
        raise OperationalError("SELECT", {}, OSError("connection refused"))

    monkeypatch.setattr(type(parts.store), "read", away)
    answer = await admin.get("/api/v1/people")
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "database_unavailable")


async def test_who_leaves_in_the_middle_of_a_request_is_no_crash(parts: Parts) -> None:
    """Nothing is raised and nothing is logged as an error: browsers do that at each change of page."""
    began: MutableMapping[str, Any] = {"type": "http.request", "body": b'{"user', "more_body": True}
    left: MutableMapping[str, Any] = {"type": "http.disconnect"}
    heard = iter((began, left))
    sent: list[MutableMapping[str, Any]] = []

    async def receive() -> MutableMapping[str, Any]:
        return next(heard)

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    scope = {
        "type": "http", "method": "POST", "path": "/api/v1/auth/login", "raw_path": b"/api/v1/auth/login",
        "query_string": b"", "root_path": "", "scheme": "http", "http_version": "1.1", "asgi": {"version": "3.0"},
        "headers": [(b"host", b"rollcall.test"), (b"content-type", b"application/json")],
        "client": ("127.0.0.1", 1), "server": ("rollcall.test", 80),
    }  # fmt: skip
    with capture_logs() as logs:
        await make_app(parts)(scope, receive, send)
    assert [log for log in logs if log["log_level"] in ("error", "critical")] == []
    assert sent[0]["status"] == 400
