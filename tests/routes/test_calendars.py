"""Calendars over HTTP: who gets which, by a key in the address that may do nothing else and ends when it is removed."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
from icalendar import Calendar

from server.parts import Parts
from server.wire import rfc3339
from tests.opened import client_of

FEED, HOLIDAYS = "/api/v1/attendance/calendar.ics", "/api/v1/holidays.ics"


async def made(client: httpx.AsyncClient, area: str, **form: Any) -> str:
    answer = await client.post(f"/api/v1/{area}", json=form)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["data"]["id"])


async def key_of(client: httpx.AsyncClient, *permissions: str) -> tuple[str, str]:
    form = {"name": f"For {', '.join(permissions)}", "permissions": list(permissions)}
    answer = (await client.post("/api/v1/api-keys", json=form)).json()["data"]
    return answer["id"], answer["key"]


def summaries(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/calendar")
    assert answer.headers["cache-control"] == "no-store"
    return sorted(str(one["summary"]) for one in Calendar.from_ical(answer.content).walk("VEVENT"))


@pytest.fixture
async def works(parts: Parts, admin: httpx.AsyncClient) -> dict[str, str]:
    """Two people in two departments, one of them on leave; a holiday everywhere and one at a site."""
    now = parts.clock.now()
    today = now.date()
    here, there = [await made(admin, "departments", name=name) for name in ("Here", "There")]
    site = await made(admin, "sites", name="Works", timezone="UTC")
    ada = await made(admin, "people", fullName="Ada", departmentId=here)
    bea = await made(admin, "people", fullName="Bea", departmentId=there)
    for person in (ada, bea):
        form = {"personId": person, "at": rfc3339(now - timedelta(hours=1)), "direction": "in", "reason": "x"}
        await made(admin, "attendance/entries", **form)
    await made(admin, "leave", **{"personId": ada, "from": f"{today}", "to": f"{today}", "kind": "vacation"})
    await made(admin, "holidays", date=f"{today}", name="Fair")
    await made(admin, "holidays", date=f"{today}", name="Feast", siteId=site)
    return {"here": here, "ada": ada, "site": site}


async def test_a_key_in_the_address(parts: Parts, admin: httpx.AsyncClient, works: dict[str, str]) -> None:
    """It opens the calendar, of all or of some, until it is removed; it is in no answer and in no line of the log."""
    key_id, key = await key_of(admin, "attendance:read")
    async with client_of(parts, None) as anyone:
        whole = ["Ada", "Ada: vacation", "Bea", "Fair", "Feast (Works)"]
        assert summaries(await anyone.get(FEED, params={"key": key})) == whole
        some = {"key": key, "departmentId": works["here"]}
        assert summaries(await anyone.get(FEED, params=some)) == ["Ada", "Ada: vacation", "Fair", "Feast (Works)"]
        theirs = summaries(await anyone.get(FEED, params={"key": key, "personId": works["ada"]}))
        assert theirs == ["Ada", "Ada: vacation", "Fair", "Feast (Works)"]
        assert summaries(await anyone.get(HOLIDAYS, params={"key": key})) == ["Fair", "Feast (Works)"]
        assert (await anyone.get("/api/v1/attendance/days", params={"key": key})).status_code == 401
        assert (await admin.delete(f"/api/v1/api-keys/{key_id}")).status_code == 204
        assert (await anyone.get(FEED, params={"key": key})).status_code == 401


async def test_the_key_is_in_no_line_of_the_log(
    parts: Parts, admin: httpx.AsyncClient, works: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    """A request is logged by its path alone."""
    del works
    _, key = await key_of(admin, "attendance:read")
    async with client_of(parts, None) as anyone:
        assert (await anyone.get(FEED, params={"key": key})).status_code == 200
    told = capsys.readouterr()
    assert FEED in told.out + told.err
    assert key not in told.out + told.err


async def test_what_is_no_such_key(parts: Parts, admin: httpx.AsyncClient) -> None:
    """A key that may do more is too good for an address; an access token is none; nobody gets nothing."""
    _, strong = await key_of(admin, "attendance:read", "people:read")
    _, other = await key_of(admin, "people:read")
    token = admin.headers["Authorization"].removeprefix("Bearer ")
    async with client_of(parts, None) as anyone:
        for key, status in ((strong, 403), (other, 403), (token, 401), ("rk_none", 401), ("", 401)):
            assert (await anyone.get(FEED, params={"key": key})).status_code == status
        assert (await anyone.get(HOLIDAYS)).status_code == 401


async def test_with_a_session(admin: httpx.AsyncClient, works: dict[str, str]) -> None:
    """Whoever is signed in may load it too; a site has its own holidays."""
    assert "Bea" in summaries(await admin.get(FEED))
    assert summaries(await admin.get(HOLIDAYS, params={"siteId": "none"})) == ["Fair"]
    assert summaries(await admin.get(HOLIDAYS, params={"siteId": works["site"]})) == ["Fair", "Feast (Works)"]
