"""API keys over HTTP, and what they let in to."""

from datetime import timedelta

import httpx
import pytest
from sqlmodel import select

from server.clock import ManualClock
from server.parts import Parts
from server.store.tables import AuditRow
from server.wire import rfc3339
from tests.opened import PASSWORD, client_of

FORM = {"name": "Payroll", "permissions": ["people:read", "cameras:read"]}


async def _make(client: httpx.AsyncClient, **changes: object) -> dict[str, str]:
    answer = await client.post("/api/v1/api-keys", json=FORM | changes)
    assert answer.status_code == 201
    made: dict[str, str] = answer.json()["data"]
    return made


def _bearer(made: dict[str, str]) -> dict[str, str]:
    return {"Authorization": f"Bearer {made['key']}"}


async def test_made_listed_and_removed(admin: httpx.AsyncClient, anyone: httpx.AsyncClient) -> None:
    """The key is told once; the list has its beginning and its last use."""
    made = await _make(admin)
    assert made["key"].startswith("rck_")
    assert (await anyone.get("/api/v1/people", headers=_bearer(made))).status_code == 200
    listed = await admin.get("/api/v1/api-keys", params={"search": "pay", "sort": "-createdAt"})
    [one] = listed.json()["data"]
    assert made["key"] not in listed.text
    assert one["prefix"] == made["key"][:12]
    assert (one["owner"], one["expiresAt"]) == ("admin@example.com", None)
    assert one["permissions"] == one["effectivePermissions"] == ["cameras:read", "people:read"]
    assert one["lastUsedAt"] is not None
    assert listed.json()["meta"] == {"page": 1, "pageSize": 20, "total": 1}
    assert (await admin.delete(f"/api/v1/api-keys/{made['id']}")).status_code == 204
    assert (await anyone.get("/api/v1/people", headers=_bearer(made))).status_code == 401
    gone = await admin.delete(f"/api/v1/api-keys/{made['id']}")
    assert (gone.status_code, gone.json()["error"]["code"]) == (404, "api_key_not_found")


async def test_only_for_what_it_names(admin: httpx.AsyncClient, anyone: httpx.AsyncClient) -> None:
    """Its owner may more, the key does not."""
    made = await _make(admin)
    answer = await anyone.post("/api/v1/people", json={"fullName": "Ada"}, headers=_bearer(made))
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden")


async def test_rotated(admin: httpx.AsyncClient, anyone: httpx.AsyncClient) -> None:
    """Another key under the same id; an outdated If-Match leaves it as it is."""
    made = await _make(admin)
    path = f"/api/v1/api-keys/{made['id']}/rotate"
    assert (await admin.post(path, headers={"If-Match": '"0"'})).status_code == 412
    answer = await admin.post(path)
    assert answer.status_code == 200
    fresh = answer.json()["data"]
    assert fresh["id"] == made["id"]
    assert (await anyone.get("/api/v1/people", headers=_bearer(made))).status_code == 401
    assert (await anyone.get("/api/v1/people", headers=_bearer(fresh))).status_code == 200


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": ""}, "name"),
        ({"permissions": []}, "permissions"),
        ({"permissions": ["people:fly"]}, "permissions"),
        ({"expiresAt": "2020-01-01T00:00:00Z"}, "expiresAt"),
        ({"expiresAt": "2999-01-01T00:00:00"}, "expiresAt"),
        ({"key": "rck_mine"}, "key"),
    ],
)
async def test_what_cannot_be(admin: httpx.AsyncClient, changes: dict[str, object], field: str) -> None:
    """422 with the field; an unknown permission is named."""
    answer = await admin.post("/api/v1/api-keys", json=FORM | changes)
    assert answer.status_code == 422
    assert {detail["field"] for detail in answer.json()["error"]["details"]} == {field}
    if field == "permissions" and changes["permissions"]:
        assert "people:fly" in answer.json()["error"]["details"][0]["message"]


async def test_it_runs_out(admin: httpx.AsyncClient, anyone: httpx.AsyncClient, clock: ManualClock) -> None:
    """At the time it was given."""
    made = await _make(admin, expiresAt=rfc3339(clock.now() + timedelta(hours=1)))
    assert (await anyone.get("/api/v1/people", headers=_bearer(made))).status_code == 200
    clock.advance(3600)
    late = await anyone.get("/api/v1/people", headers=_bearer(made))
    assert (late.status_code, late.json()["error"]["code"]) == (401, "key_invalid")


async def test_a_key_makes_none_that_outlives_it(
    admin: httpx.AsyncClient, anyone: httpx.AsyncClient, clock: ManualClock
) -> None:
    """Its end is an end: what it makes ends with it at the latest."""
    end, later = clock.now() + timedelta(days=1), clock.now() + timedelta(days=2)
    made = await _make(admin, permissions=["keys:write"], expiresAt=end.isoformat())
    anyone.headers["Authorization"] = f"Bearer {made['key']}"
    for expires_at in (None, later.isoformat()):
        form = {"name": "Next", "permissions": ["keys:write"], "expiresAt": expires_at}
        refused = await anyone.post("/api/v1/api-keys", json=form)
        assert (refused.status_code, refused.json()["error"]["details"][0]["field"]) == (422, "expiresAt")
    form = {"name": "Next", "permissions": ["keys:write"], "expiresAt": end.isoformat()}
    assert (await anyone.post("/api/v1/api-keys", json=form)).status_code == 201


async def test_keys_wait_for_the_new_password_too(
    parts: Parts, admin: httpx.AsyncClient, anyone: httpx.AsyncClient
) -> None:
    """Who must choose a new password first gets in by none of their keys until then."""
    viewer = await parts.access.login("viewer@example.com", PASSWORD)
    grant = {"name": "Watcher", "permissions": ["cameras:read", "keys:write"]}
    role = (await admin.post("/api/v1/roles", json=grant)).json()["data"]
    assert role
    user = {"email": "viewer@example.com", "fullName": "V", "role": "Watcher"}
    url = f"/api/v1/users/{viewer.user.id}"
    assert (await admin.put(url, json=user)).status_code == 200
    viewer = await parts.access.login("viewer@example.com", PASSWORD)
    headers = {"Authorization": f"Bearer {viewer.access_token}"}
    form = {"name": "Own", "permissions": ["cameras:read"]}
    key = (await anyone.post("/api/v1/api-keys", json=form, headers=headers)).json()["data"]["key"]
    anyone.headers["Authorization"] = f"Bearer {key}"
    assert (await anyone.get("/api/v1/cameras")).status_code == 200
    assert (await admin.patch(f"{url}/password", json={"newPassword": "seven grey herons"})).status_code == 204
    refused = await anyone.get("/api/v1/cameras")
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "password_change_required")


async def test_what_it_tells_of_itself(parts: Parts, admin: httpx.AsyncClient, anyone: httpx.AsyncClient) -> None:
    """`auth/me` has the owner, the key and what the key may do; a ticket opens a socket as that key."""
    made = await _make(admin)
    me = (await anyone.get("/api/v1/auth/me", headers=_bearer(made))).json()["data"]
    assert me["email"] == "admin@example.com"
    assert me["apiKey"] == {"id": made["id"], "name": "Payroll"}
    assert me["permissions"] == ["cameras:read", "people:read"]
    assert (await admin.get("/api/v1/auth/me")).json()["data"]["apiKey"] is None
    ticket = (await anyone.post("/api/v1/auth/ticket", headers=_bearer(made))).json()["data"]["ticket"]
    principal = await parts.access.by_ticket(ticket)
    assert principal is not None
    assert principal.key_id == made["id"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PATCH", "auth/me"),
        ("POST", "auth/change-password"),
        ("GET", "auth/sessions"),
        ("DELETE", "auth/sessions/x"),
        ("POST", "auth/logout"),
        ("POST", "auth/logout-all"),
        ("GET", "auth/preferences"),
        ("PUT", "auth/preferences"),
        ("POST", "auth/totp"),
        ("POST", "auth/totp/confirm"),
        ("DELETE", "auth/totp"),
    ],
)
async def test_an_account_is_not_for_programs(
    admin: httpx.AsyncClient, anyone: httpx.AsyncClient, method: str, path: str
) -> None:
    """Whoever finds a key does not get the account with it."""
    made = await _make(admin)
    answer = await anyone.request(method, f"/api/v1/{path}", headers=_bearer(made))
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "needs_a_session")


async def test_who_may(parts: Parts, viewer: httpx.AsyncClient) -> None:
    """The roles without these permissions make and see none."""
    assert (await viewer.get("/api/v1/api-keys")).status_code == 403
    assert (await viewer.post("/api/v1/api-keys", json=FORM)).status_code == 403
    async with client_of(parts, None) as nobody:
        assert (await nobody.get("/api/v1/api-keys")).status_code == 401


async def test_told_to_the_audit(parts: Parts, admin: httpx.AsyncClient, anyone: httpx.AsyncClient) -> None:
    """What a key does is noted under the key."""
    made = await _make(admin, permissions=["keys:write", "people:read"])
    inner = await anyone.post("/api/v1/api-keys", json=FORM | {"permissions": ["people:read"]}, headers=_bearer(made))
    assert inner.status_code == 201
    async with parts.store.read() as session:
        rows = (await session.exec(select(AuditRow).where(AuditRow.action == "api_key.created"))).all()
    assert {(row.actor_kind, row.actor_id) for row in rows if row.resource_id == inner.json()["data"]["id"]} == {
        ("key", made["id"])
    }
