"""Charts of days over HTTP: the numbers, and the drawings of them."""

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from server.parts import Parts
from tests.opened import client_of
from tests.routes.test_days import EARLY, MONDAY, entered, made

CHARTS = "/api/v1/attendance/charts"
DRAWN = "/api/v1/attendance/chart.svg"
TUESDAY = "2026-01-06"
BOTH = {"from": MONDAY, "to": TUESDAY}


@pytest.fixture
async def admin(parts: Parts) -> Any:
    """It is the Monday after."""
    ahead = datetime(2026, 1, 12, 8, tzinfo=UTC) - parts.clock.now()
    parts.clock.advance(ahead.total_seconds())  # type: ignore[attr-defined]
    async with client_of(parts, "Admin") as client:
        yield client


@pytest.fixture
async def two(admin: httpx.AsyncClient) -> list[str]:
    """Two who work the early shift; on Monday one comes late and the other forgets to check out."""
    shift = await made(admin, "shifts", **EARLY)
    await made(admin, "schedules", shiftId=shift["id"], **{"from": MONDAY, "to": "2026-03-27"})
    people = [str((await made(admin, "people", fullName=name))["id"]) for name in ("Ada", "Bea")]
    await entered(admin, people[0], "in 2026-01-05T09:31", "out 2026-01-05T17:00")
    await entered(admin, people[1], "in 2026-01-05T08:58", "in 2026-01-06T08:47", "out 2026-01-06T17:00")
    return people


async def charts(client: httpx.AsyncClient, **query: str) -> Any:
    answer = await client.get(CHARTS, params={**BOTH, **query})
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


async def test_numbers(admin: httpx.AsyncClient, two: list[str]) -> None:
    """Every quarter between the first and the last arrival, and every date."""
    found = await charts(admin)
    assert [(one["at"], one["people"]) for one in found["arrivals"]] == [
        ("08:45", 2), ("09:00", 0), ("09:15", 0), ("09:30", 1),
    ]  # fmt: skip
    assert found["lateness"] == [
        {"date": MONDAY, "people": 1, "minutes": 31}, {"date": TUESDAY, "people": 0, "minutes": 0},
    ]  # fmt: skip
    assert found["presence"] == [
        {"date": MONDAY, "there": 2, "incomplete": 1, "absent": 0, "away": 0},
        {"date": TUESDAY, "there": 1, "incomplete": 0, "absent": 1, "away": 0},
    ]
    alone = await charts(admin, personId=two[0])
    assert [one["there"] for one in alone["presence"]] == [1, 0]


async def test_arrivals_go_by_the_clock_of_the_place(admin: httpx.AsyncClient) -> None:
    """Who lives in New York comes at nine there; who is on leave is away."""
    ada = str((await made(admin, "people", fullName="Ada", timezone="America/New_York"))["id"])
    await entered(admin, ada, "in 2026-01-05T14:02", "out 2026-01-05T21:00")
    await made(admin, "leave", personId=ada, kind="vacation", **{"from": TUESDAY, "to": TUESDAY})
    found = await charts(admin)
    assert found["arrivals"] == [{"at": "09:00", "people": 1}]
    assert [one["away"] for one in found["presence"]] == [0, 1]


@pytest.mark.parametrize("show", ["arrivals", "lateness", "presence"])
async def test_drawings(admin: httpx.AsyncClient, two: list[str], show: str) -> None:
    """An SVG that runs nothing and loads nothing, in the colours of the page; also of dates without anybody."""
    for dates in (BOTH, {"from": "2025-01-01", "to": "2025-01-31"}):
        answer = await admin.get(DRAWN, params={**dates, "show": show, "theme": "dark"})
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/svg+xml")
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "people" in answer.text
        assert "<script" not in answer.text
        assert "href=" not in answer.text
    assert (await admin.get(DRAWN, params={"show": "everything"})).status_code == 422


async def test_only_the_own_departments(admin: httpx.AsyncClient, parts: Parts, two: list[str]) -> None:
    """A chart is asked for with the same dates and departments as days, and too many dates are refused."""
    department = await made(admin, "departments", name="Night")
    assert (await charts(admin, departmentId=department["id"]))["presence"] == []
    long = await admin.get(CHARTS, params={"from": "2024-01-01", "to": "2026-01-01"})
    assert long.status_code == 422
