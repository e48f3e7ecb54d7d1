"""Alerts over HTTP: lists, acknowledging, and those about cameras that somebody does not see."""

import httpx
import pytest
from sqlmodel import col, update

from server.parts import Parts
from server.store.alerts import clear_alert, raise_alert
from server.store.audit import Filter
from server.store.event_log import TableLog
from server.store.paging import Page
from server.store.tables import Department, Person, User
from tests.opened import client_of

URL = "/api/v1/alerts"


async def raised(parts: Parts, kind: str, subject: str) -> str:
    async with parts.store.transaction() as session:
        (event,) = await raise_alert(
            session, TableLog(parts.store), kind=kind, severity="critical", subject=subject, message=f"{kind}.",
            at=parts.clock.now(),
        )  # fmt: skip
    return str(event.data["id"])


@pytest.fixture
async def three(parts: Parts) -> list[str]:
    """About a user, about a camera, and one about a camera that is over."""
    ids = [await raised(parts, "token_reused", "users/1"), await raised(parts, "camera_offline", "cameras/a")]
    ids.append(await raised(parts, "camera_offline", "cameras/b"))
    async with parts.store.transaction() as session:
        await clear_alert(session, TableLog(parts.store), "camera_offline", "cameras/b", parts.clock.now())
    return ids


async def ids_of(client: httpx.AsyncClient, **query: str) -> list[str]:
    answer = await client.get(URL, params={"sort": "createdAt"} | query)
    assert answer.status_code == 200, answer.text
    return [one["id"] for one in answer.json()["data"]]


async def test_lists(admin: httpx.AsyncClient, anyone: httpx.AsyncClient, three: list[str]) -> None:
    """By state and kind."""
    assert set(await ids_of(admin)) == set(three)
    assert set(await ids_of(admin, state="open")) == set(three[:2])
    assert await ids_of(admin, state="cleared") == three[2:]
    assert set(await ids_of(admin, kind="camera_offline")) == set(three[1:])
    assert await ids_of(admin, search="users/1") == three[:1]
    assert (await admin.get(URL, params={"state": "lost"})).status_code == 422
    assert (await anyone.get(URL)).status_code == 401


async def test_acknowledging(
    parts: Parts, admin: httpx.AsyncClient, viewer: httpx.AsyncClient, three: list[str]
) -> None:
    """Who and when; a second time changes nothing; a Viewer may only look."""
    url = f"{URL}/{three[0]}/acknowledge"
    assert (await viewer.post(url)).status_code == 403
    first = (await admin.post(url)).json()["data"]
    assert (first["acknowledgedBy"], first["clearedAt"]) == ("admin@example.com", None)
    async with client_of(parts, "Operator") as operator:
        assert (await operator.post(url)).json()["data"]["acknowledgedBy"] == "admin@example.com"
    (row,) = (await parts.access.audit.page(Page(), Filter(action="alert.acknowledged"))).rows
    assert (row.resource_id, row.after) == (three[0], {"kind": "token_reused", "subject": "users/1"})
    assert (await admin.post(f"{URL}/nothing/acknowledge")).json()["error"]["code"] == "alert_not_found"


async def test_somebody_who_is_limited_to_cameras(parts: Parts, three: list[str]) -> None:
    """Sees and acknowledges what is about those, and nothing else."""
    async with parts.store.transaction() as session:
        await session.exec(update(User).where(col(User.email) == "operator@example.com").values(camera_ids=["a"]))
    parts.access.forget()
    async with client_of(parts, "Operator") as operator:
        assert await ids_of(operator) == [three[1]]
        assert (await operator.post(f"{URL}/{three[0]}/acknowledge")).status_code == 404
        assert (await operator.post(f"{URL}/{three[1]}/acknowledge")).status_code == 200


async def test_somebody_who_is_limited_to_departments(parts: Parts, three: list[str]) -> None:
    """Sees and acknowledges what is about their people alone; who is limited to cameras sees everybody's."""
    async with parts.store.transaction() as session:
        night, day = Department(name="Night"), Department(name="Day")
        session.add_all([night, day])
        await session.flush()
        ada, bob = Person(full_name="Ada", department_id=night.id), Person(full_name="Bob", department_id=day.id)
        session.add_all([ada, bob, cleo := Person(full_name="Cleo")])
        await session.flush()
    theirs, *others = [
        await raised(parts, "check_out_missing", f"people/{one.id}/days/2026-03-08") for one in (ada, bob, cleo)
    ]
    limits = {"department_ids": [night.id], "camera_ids": ["a"]}
    async with parts.store.transaction() as session:
        await session.exec(update(User).where(col(User.email) == "operator@example.com").values(**limits))
        await session.exec(update(User).where(col(User.email) == "viewer@example.com").values(camera_ids=["a"]))
    parts.access.forget()
    async with client_of(parts, "Operator") as operator:
        assert await ids_of(operator) == [three[1], theirs]
        assert (await operator.get(URL)).json()["meta"]["total"] == 2
        assert (await operator.post(f"{URL}/{others[0]}/acknowledge")).status_code == 404
        assert (await operator.post(f"{URL}/{theirs}/acknowledge")).status_code == 200
    async with client_of(parts, "Viewer") as viewer:
        assert await ids_of(viewer) == [three[1], theirs, *others]
    told = await TableLog(parts.store).read("alerts", 0, 100)
    assert [event.data["departmentId"] for event in told if event.data["id"] in (theirs, *others)] == [
        night.id, day.id, None
    ]  # fmt: skip
