"""The first administrator over HTTP."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from server.clock import ManualClock
from server.parts import Parts
from tests.opened import client_of, parts_in

FORM = {"email": "ada@example.com", "fullName": "Ada", "password": "correct horse battery"}


@pytest.fixture
async def empty(tmp_path: Path, clock: ManualClock, on_machines: dict[str, Any]) -> AsyncIterator[Parts]:
    async with parts_in(tmp_path / "state", clock, users=False, **on_machines) as parts:
        yield parts


async def test_works_exactly_once(empty: Parts) -> None:
    """Needed until it was done; then the new administrator signs in, and nobody is made again."""
    async with client_of(empty, None) as client:
        assert (await client.get("/api/v1/setup")).json()["data"] == {"needed": True}
        form = {"code": empty.access.setup_code(), **FORM}
        made = await client.post("/api/v1/setup", json=form)
        assert made.status_code == 201
        assert made.json()["data"]["role"] == "Admin"
        assert "password" not in made.text.lower().replace("mustchangepassword", "")
        assert (await client.get("/api/v1/setup")).json()["data"] == {"needed": False}
        again = await client.post("/api/v1/setup", json=form | {"email": "eve@example.com"})
        assert (again.status_code, again.json()["error"]["code"]) == (409, "already_set_up")
        login = {"username": FORM["email"], "password": FORM["password"]}
        assert (await client.post("/api/v1/auth/login", json=login)).status_code == 200


async def test_a_wrong_code(empty: Parts) -> None:
    """403, and after ten of them 429 with the time to wait, for the right one too."""
    async with client_of(empty, None) as client:
        for _ in range(10):
            wrong = await client.post("/api/v1/setup", json={"code": "AAAAAAAAAA", **FORM})
            assert (wrong.status_code, wrong.json()["error"]["code"]) == (403, "wrong_code")
        late = await client.post("/api/v1/setup", json={"code": empty.access.setup_code(), **FORM})
        assert late.status_code == 429
        assert late.headers["Retry-After"] == "600"
        assert (await client.get("/api/v1/setup")).json()["data"]["needed"] is True


async def test_wrong_fields_are_named(empty: Parts) -> None:
    """As for any user."""
    async with client_of(empty, None) as client:
        form = {"code": empty.access.setup_code(), **FORM}
        for wrong, field in (({"email": "x"}, "email"), ({"password": "short"}, "password"), ({"fullName": ""}, None)):
            answer = await client.post("/api/v1/setup", json=form | wrong)
            assert answer.status_code == 422
            assert answer.json()["error"]["details"][0]["field"] == (field or "fullName")
