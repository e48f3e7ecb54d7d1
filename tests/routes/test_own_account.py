"""What users do with their own account over HTTP."""

from typing import Any

import httpx
import pytest

from server.clock import ManualClock
from server.parts import Parts
from tests.opened import PASSWORD, client_of

NEW = "chosen by myself 2"
LOGIN = {"username": "viewer@example.com", "password": PASSWORD}


async def test_change_of_the_password(parts: Parts, viewer: httpx.AsyncClient, anyone: httpx.AsyncClient) -> None:
    """The session that asks goes on, every other one ends, and only the new password is right."""
    async with client_of(parts, "Viewer") as elsewhere:
        form = {"currentPassword": PASSWORD, "newPassword": NEW}
        wrong = await viewer.post("/api/v1/auth/change-password", json=form | {"currentPassword": "wrong horse"})
        assert wrong.status_code == 422
        assert wrong.json()["error"]["details"][0]["field"] == "currentPassword"
        assert (await viewer.post("/api/v1/auth/change-password", json=form)).status_code == 204
        assert (await viewer.get("/api/v1/auth/me")).status_code == 200
        assert (await elsewhere.get("/api/v1/auth/me")).status_code == 401
    assert (await anyone.post("/api/v1/auth/login", json=LOGIN)).status_code == 401
    assert (await anyone.post("/api/v1/auth/login", json=LOGIN | {"password": NEW})).status_code == 200


async def test_a_password_is_taken_as_it_is(viewer: httpx.AsyncClient, anyone: httpx.AsyncClient) -> None:
    """Spaces around it are part of it, when it is set and when it is asked for."""
    new = "  spaces on both sides "
    form = {"currentPassword": PASSWORD, "newPassword": new}
    assert (await viewer.post("/api/v1/auth/change-password", json=form)).status_code == 204
    assert (await anyone.post("/api/v1/auth/login", json=LOGIN | {"password": new.strip()})).status_code == 401
    assert (await anyone.post("/api/v1/auth/login", json=LOGIN | {"password": new})).status_code == 200


async def test_guessing_the_password_of_an_open_session(viewer: httpx.AsyncClient) -> None:
    """After ten wrong ones 429 with the time to wait."""
    form = {"currentPassword": "wrong horse", "newPassword": NEW}
    statuses = [(await viewer.post("/api/v1/auth/change-password", json=form)).status_code for _ in range(11)]
    assert statuses == [422] * 10 + [429]


async def test_sessions(parts: Parts, viewer: httpx.AsyncClient, admin: httpx.AsyncClient) -> None:
    """Listed, the one that asks marked; one that is ended is out at once; those of others are not there."""
    async with client_of(parts, "Viewer") as elsewhere:
        listed = (await viewer.get("/api/v1/auth/sessions", params={"sort": "createdAt"})).json()
        assert listed["meta"]["total"] == 2
        here, there = sorted(listed["data"], key=lambda one: not one["current"])
        assert (here["current"], there["current"]) == (True, False)
        assert "hash" not in str(listed).lower()
        theirs = (await admin.get("/api/v1/auth/sessions")).json()["data"][0]["id"]
        strange = await viewer.delete(f"/api/v1/auth/sessions/{theirs}")
        assert (strange.status_code, strange.json()["error"]["code"]) == (404, "session_not_found")
        path = f"/api/v1/auth/sessions/{there['id']}"
        assert (await viewer.delete(path, headers={"If-Match": '"0"'})).status_code == 412
        assert (await viewer.delete(path)).status_code == 204
        assert (await elsewhere.get("/api/v1/auth/me")).status_code == 401
    assert (await viewer.get("/api/v1/auth/me")).status_code == 200


async def test_preferences(viewer: httpx.AsyncClient, admin: httpx.AsyncClient) -> None:
    """Nothing at first; then what was put, all at once, and each user's own."""
    empty: dict[str, Any] = {"theme": None, "language": None, "timezone": None, "ui": {}}
    assert without_time(await viewer.get("/api/v1/auth/preferences")) == empty
    mine = {"theme": "dark", "language": "pt-BR", "timezone": "Europe/Lisbon", "ui": {"wall": {"columns": [1, 2.5]}}}
    assert without_time(await viewer.put("/api/v1/auth/preferences", json=mine)) == mine
    assert without_time(await viewer.get("/api/v1/auth/preferences")) == mine
    assert without_time(await admin.get("/api/v1/auth/preferences")) == empty
    assert (await viewer.put("/api/v1/auth/preferences", json={"theme": "light"})).json()["data"]["ui"] == {}


def without_time(answer: httpx.Response) -> dict[str, Any]:
    data: dict[str, Any] = answer.json()["data"]
    assert data.pop("updatedAt")
    return data


async def test_two_tabs_do_not_overwrite_each_other(viewer: httpx.AsyncClient, clock: ManualClock) -> None:
    """Who edits with what was read before the other's change is told so."""
    tag = (await viewer.get("/api/v1/auth/preferences")).headers["ETag"]
    clock.advance(1)
    first = await viewer.put("/api/v1/auth/preferences", json={"theme": "dark"}, headers={"If-Match": tag})
    assert first.status_code == 200, first.text
    second = await viewer.put("/api/v1/auth/preferences", json={"theme": "light"}, headers={"If-Match": tag})
    assert second.status_code == 412
    assert (await viewer.get("/api/v1/auth/preferences")).json()["data"]["theme"] == "dark"


def _deep(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(levels):
        value = {"a": value}
    return value


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"theme": "pink"}, "theme"),
        ({"language": "klingon please"}, "language"),
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"timezone": "../../etc/passwd"}, "timezone"),
        ({"ui": []}, "ui"),
        ({"ui": {"a": "x" * 8192}}, "body"),
        ({"ui": _deep(17)}, "ui"),
        ({"ui": _deep(500)}, "ui"),
        ({"colour": "red"}, "colour"),
    ],
)
async def test_preferences_are_bounded(viewer: httpx.AsyncClient, wrong: dict[str, Any], field: str) -> None:
    """8 KB, not too deep, and nothing unknown beside `ui`."""
    answer = await viewer.put("/api/v1/auth/preferences", json=wrong)
    assert answer.status_code == 422
    assert answer.json()["error"]["details"][0]["field"] == field


async def test_depth_that_is_allowed(viewer: httpx.AsyncClient) -> None:
    """Sixteen levels are enough for any front end."""
    assert (await viewer.put("/api/v1/auth/preferences", json={"ui": _deep(15)})).status_code == 200
