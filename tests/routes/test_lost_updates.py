"""If-Match is honoured where the row is written: of two who edit the same state one wins, on both databases."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from server.clock import ManualClock
from server.parts import Parts
from tests.databases import Databases
from tests.databases import databases as databases
from tests.opened import parts_in
from tests.routes.limited import House, build

CAMERA = {"name": "Gate", "source": "rtsp://admin:hunter2@10.0.0.5/live", "kind": "rtsp", "enabled": False}
AT_ONCE = 4


@pytest.fixture
async def parts(databases: Databases, tmp_path: Path, clock: ManualClock) -> AsyncIterator[Parts]:
    url = await databases.make(migrated=True)
    async with parts_in(tmp_path / "state", clock, database={"url": url}) as opened:
        yield opened
    await databases.drop(url)


@pytest.fixture
async def house(parts: Parts) -> House:
    return await build(parts)


async def edited_at_once(
    client: httpx.AsyncClient, method: str, url: str, forms: list[dict[str, object]]
) -> list[httpx.Response]:
    """The same ETag for all of them; exactly one may win."""
    tag = (await client.get(url)).headers["ETag"]
    answers = await asyncio.gather(
        *(client.request(method, url, json=form, headers={"If-Match": tag}) for form in forms)
    )
    assert sorted(answer.status_code for answer in answers) == [200] + [412] * (len(forms) - 1)
    assert {answer.json()["error"]["code"] for answer in answers if answer.status_code == 412} == {"edited_meanwhile"}
    [won] = [answer for answer in answers if answer.status_code == 200]
    assert won.headers["ETag"] != tag
    shown = (await client.get(url)).json()["data"]
    assert shown == {name: won.json()["data"][name] for name in shown}  # an edit may say besides what came of it
    late = await client.request(method, url, json=forms[0], headers={"If-Match": tag})
    assert late.status_code == 412
    fresh = await client.request(method, url, json=forms[0], headers={"If-Match": won.headers["ETag"]})
    assert fresh.status_code == 200
    return answers


async def test_cameras(admin: httpx.AsyncClient) -> None:
    """And each edit is one event."""
    made = (await admin.post("/api/v1/cameras", json=CAMERA)).json()["data"]
    forms: list[dict[str, object]] = [{"name": f"Gate {number}"} for number in range(AT_ONCE)]
    await edited_at_once(admin, "PUT", f"/api/v1/cameras/{made['id']}", forms)


async def test_people(admin: httpx.AsyncClient, house: House) -> None:
    """A name that somebody else gave is not overwritten."""
    forms: list[dict[str, object]] = [{"fullName": f"Ada {number}"} for number in range(AT_ONCE)]
    await edited_at_once(admin, "PUT", f"/api/v1/people/{house.ada.id}", forms)


async def test_kiosks(admin: httpx.AsyncClient, house: House) -> None:
    """Nor the cameras of a screen."""
    made = (await admin.post("/api/v1/kiosks", json={"name": "Screen"})).json()["data"]
    forms: list[dict[str, object]] = [
        {"name": f"Screen {number}", "cameraIds": [house.door.id]} for number in range(AT_ONCE)
    ]
    await edited_at_once(admin, "PUT", f"/api/v1/kiosks/{made['id']}", forms)


async def test_users(admin: httpx.AsyncClient) -> None:
    """Nor what somebody may do: their role, which is read together with them, changes each time."""
    roles = [
        (await admin.post("/api/v1/roles", json={"name": f"Role {n}", "permissions": ["cameras:read"]})).json()["data"]
        for n in range(AT_ONCE)
    ]
    user = {"email": "vera@example.com", "fullName": "Vera", "role": "Viewer", "password": "seven grey herons"}
    made = (await admin.post("/api/v1/users", json=user)).json()["data"]
    forms: list[dict[str, object]] = [
        {"email": "vera@example.com", "fullName": "Vera", "role": role["name"]} for role in roles
    ]
    await edited_at_once(admin, "PUT", f"/api/v1/users/{made['id']}", forms)
    url = f"/api/v1/users/{made['id']}"
    for number in range(6):
        form = forms[number % AT_ONCE]
        role, active, password, login = await asyncio.gather(
            admin.put(url, json=form),
            admin.put(url, json=forms[(number + 1) % AT_ONCE] | {"active": True}),
            admin.patch(f"{url}/password", json={"newPassword": "seven grey herons"}),
            admin.post("/api/v1/auth/login", json={"username": "vera@example.com", "password": "seven grey herons"}),
        )
        # A hash that changes while it is checked is a wrong password; somebody who is there is never "not found".
        assert [role.status_code, active.status_code, password.status_code] == [200, 200, 204]
        assert login.status_code in (200, 401)


async def test_sightings(admin: httpx.AsyncClient, house: House) -> None:
    """Nor who an operator said that it was."""
    forms: list[dict[str, object]] = [{"personId": one} for one in (house.ada.id, house.bob.id, house.cleo.id, None)]
    await edited_at_once(admin, "PATCH", f"/api/v1/sightings/{house.seen['Door/-']}", forms)


async def test_an_edit_that_changes_nothing_is_one_too(admin: httpx.AsyncClient, house: House) -> None:
    """The same values again: the second one has not seen the first."""
    forms: list[dict[str, object]] = [{"fullName": "Ada"}] * 2
    await edited_at_once(admin, "PUT", f"/api/v1/people/{house.ada.id}", forms)


async def test_nobody_removes_what_was_changed_meanwhile(parts: Parts, admin: httpx.AsyncClient, house: House) -> None:
    """412, and it is still there; with the tag of now it goes."""
    kiosk = (await admin.post("/api/v1/kiosks", json={"name": "Screen"})).json()["data"]
    camera = (await admin.post("/api/v1/cameras", json=CAMERA)).json()["data"]
    for url, form in (
        (f"/api/v1/people/{house.ada.id}", {"fullName": "Ada L."}),
        (f"/api/v1/kiosks/{kiosk['id']}", {"name": "Gate"}),
        (f"/api/v1/cameras/{camera['id']}", {"name": "Gate 2"}),
    ):
        tag = (await admin.get(url)).headers["ETag"]
        assert (await admin.put(url, json=form)).status_code == 200
        assert (await admin.delete(url, headers={"If-Match": tag})).status_code == 412
        now = (await admin.get(url)).headers["ETag"]
        assert (await admin.delete(url, headers={"If-Match": now})).status_code == 204
        assert (await admin.get(url)).status_code == 404


async def test_edits_and_sightings_at_once(parts: Parts, admin: httpx.AsyncClient, house: House) -> None:
    """Corrections, edits, new people and kiosks at the same time: all arrive, none waits for another for ever."""

    async def correct(number: int) -> httpx.Response:
        who = (house.ada.id, house.bob.id, None)[number % 3]
        return await admin.patch(f"/api/v1/sightings/{house.seen['Yard/-']}", json={"personId": who})

    async def rename(number: int) -> httpx.Response:
        return await admin.put(f"/api/v1/people/{house.ada.id}", json={"fullName": f"Ada {number}"})

    async def switch(number: int) -> httpx.Response:
        return await admin.post(f"/api/v1/cameras/{house.yard.id}/{('start', 'stop')[number % 2]}")

    async def screen(number: int) -> httpx.Response:
        form = {"name": f"Screen {number}", "cameraIds": [house.yard.id]}
        return await admin.post("/api/v1/kiosks", json=form)

    async with asyncio.timeout(30):
        answers = await asyncio.gather(
            *(work(number) for number in range(6) for work in (correct, rename, switch, screen))
        )
    assert {answer.status_code for answer in answers} == {200, 201}
    assert (await parts.access.audit.verify()).intact
