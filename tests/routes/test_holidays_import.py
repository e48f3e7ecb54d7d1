"""Holidays of a whole calendar over HTTP."""

from typing import Any

import httpx
import pytest

from server.parts import Parts
from server.routes import holidays_import
from tests.pipeline.test_holiday_calendar import calendar
from tests.routes.limited import build, limited_client

API = "/api/v1"
IMPORT = f"{API}/holidays/import"
MAY, TRIP = "SUMMARY:May_Day DTSTART;VALUE=DATE:20260501", "SUMMARY:Trip DTSTART:20260601T080000Z"
YEARLY = "SUMMARY:New_Year DTSTART;VALUE=DATE:20200101 RRULE:FREQ=YEARLY"


async def sent(client: httpx.AsyncClient, content: bytes, **fields: str) -> httpx.Response:
    return await client.post(IMPORT, files={"file": ("days.ics", content, "text/calendar")}, data=fields)


async def imported(client: httpx.AsyncClient, *events: str, **fields: str) -> Any:
    answer = await sent(client, calendar(*events), **fields)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


async def holidays(client: httpx.AsyncClient, **query: str) -> list[tuple[str, str, str | None]]:
    found = (await client.get(f"{API}/holidays", params={"pageSize": 200, **query})).json()["data"]
    return [(one["date"], one["name"], one["siteId"]) for one in found]


async def test_a_calendar(admin: httpx.AsyncClient) -> None:
    """What is a holiday is added, the rest told; the same again adds nothing; the audit knows."""
    assert await imported(admin, MAY, TRIP, YEARLY) == {
        "added": 8,
        "skipped": [{"line": 7, "name": "Trip", "date": None, "code": "not_a_whole_day",
                     "reason": "Its DTSTART has a time. Holidays are whole days (VALUE=DATE)."}],
    }  # fmt: skip
    assert await holidays(admin) == sorted(
        [("2026-05-01", "May Day", None), *((f"{year}-01-01", "New Year", None) for year in range(2025, 2032))]
    )
    again = await imported(admin, MAY, MAY)
    assert again["added"] == 0
    assert [(one["code"], one["date"], one["line"]) for one in again["skipped"]] == [
        ("exists", "2026-05-01", 3), ("exists", "2026-05-01", 7),
    ]  # fmt: skip
    noted = (await admin.get(f"{API}/audit", params={"action": "holidays.imported", "sort": "position"})).json()["data"]
    after = noted[0]["after"]
    assert (after["file"], after["added"], after["skipped"], len(noted)) == ("days.ics", 8, 1, 2)


async def test_of_one_site(admin: httpx.AsyncClient) -> None:
    """They hold there only, beside those of every site; an empty field is no site."""
    site = (await admin.post(f"{API}/sites", json={"name": "Athens", "timezone": "Europe/Athens"})).json()["data"]
    assert (await imported(admin, MAY, siteId=""))["added"] == 1
    assert (await imported(admin, MAY, siteId=site["id"]))["added"] == 1
    assert [one[2] for one in await holidays(admin)].count(site["id"]) == 1
    answer = await sent(admin, calendar(MAY), siteId="nowhere")
    assert (answer.status_code, answer.json()["error"]["details"][0]["field"]) == (422, "siteId")


async def test_days_that_nobody_is_expected_on(admin: httpx.AsyncClient) -> None:
    """What was imported counts for the days at once."""
    person = (await admin.post(f"{API}/people", json={"fullName": "Ada"})).json()["data"]
    shift = (await admin.post(f"{API}/shifts", json={"name": "Day", "start": "09:00", "end": "17:00"})).json()["data"]
    plan = {"shiftId": shift["id"], "personId": person["id"], "from": "2026-05-01"}
    assert (await admin.post(f"{API}/schedules", json=plan)).status_code == 201
    await imported(admin, MAY)
    days = (await admin.get(f"{API}/attendance/days", params={"from": "2026-05-01"})).json()["data"]
    assert [day["status"] for day in days] == ["holiday"]


async def test_what_is_no_calendar(admin: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing, nonsense, another type, too much: each names the field or says what is wrong."""
    for content, code in ((b"", "empty"), (b"hello", "not_a_calendar")):
        answer = await sent(admin, content)
        assert answer.status_code == 422
        (detail,) = answer.json()["error"]["details"]
        assert (detail["field"], detail["code"]) == ("file", code)
    assert (await admin.post(IMPORT, files={"other": b"x"})).status_code == 422
    assert (await admin.post(IMPORT, json={})).status_code == 415
    monkeypatch.setattr(holidays_import, "MOST_BYTES", 100)
    assert (await sent(admin, calendar(MAY, YEARLY))).status_code == 413
    assert await holidays(admin) == []


async def test_who_may(parts: Parts, viewer: httpx.AsyncClient) -> None:
    """Whoever writes attendance, and is not limited to some departments: holidays are everybody's."""
    assert (await sent(viewer, calendar(MAY))).status_code == 403
    house = await build(parts)
    async with limited_client(parts, departments=[house.night]) as limited:
        answer = await sent(limited, calendar(MAY))
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "limited")
