"""The import of entries over HTTP: looked at before it is taken, then a job that whoever asked may cancel."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from server.clock import ManualClock
from server.jobs.uploads import FOLDER
from server.parts import Parts
from tests.opened import client_of

URL = "/api/v1/attendance/import"
TABLE = b"employeeId,at,direction\n1,2025-12-01 09:00,in\n1,2025-12-01 17:00,out\n2,2025-12-01 17:00,out\n"


@pytest.fixture
async def operator(parts: Parts) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(parts, "Operator") as client:
        yield client


async def sent(client: httpx.AsyncClient, content: bytes = TABLE, **fields: str) -> httpx.Response:
    return await client.post(URL, files={"file": ("entries.csv", content)}, data=fields)


@asynccontextmanager
async def working(parts: Parts) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(parts.jobs.run())
        yield
        running.cancel()


async def over(client: httpx.AsyncClient, job_id: str) -> Any:
    """The job, once it is."""
    for _ in range(2000):
        job = (await client.get(f"/api/v1/jobs/{job_id}")).json()["data"]
        if job["state"] in ("done", "failed"):
            return job
        await asyncio.sleep(0.02)
    raise AssertionError(f"still {job['state']}")


async def test_looked_at_and_imported(parts: Parts, operator: httpx.AsyncClient) -> None:
    """With `dryRun` nothing is added; then the days have what was imported, and the report says what was refused."""
    ada = (await operator.post("/api/v1/people", json={"fullName": "Ada", "employeeId": "1"})).json()["data"]["id"]
    async with working(parts):
        for said, entries in (("true", 0), ("", 2), ("false", 2)):
            assert isinstance(parts.clock, ManualClock)
            parts.clock.advance(1)
            answer = await sent(operator, dryRun=said)
            assert answer.status_code == 202, answer.text
            job = await over(operator, answer.json()["data"]["id"])
            assert (job["kind"], job["state"], job["result"]["refused"]) == ("attendance-import", "done", 1)
            listed = await operator.get("/api/v1/attendance/entries", params={"origin": "import"})
            assert listed.json()["meta"]["total"] == entries
    assert (job["result"]["added"], job["result"]["known"]) == (0, 2)
    async with client_of(parts, None) as anyone:
        report = await anyone.get(job["resultUrl"])
    assert "attendance-import-" in report.headers["content-disposition"]
    assert [line.split(",")[0] for line in report.text.splitlines()] == ["kind", "known", "known", "refused"]
    dates = {"from": "2025-12-01", "to": "2025-12-01", "personId": ada}
    [day] = (await operator.get("/api/v1/attendance/days", params=dates)).json()["data"]
    assert (day["workedMinutes"], day["status"]) == (480, "present")
    assert [key async for key in parts.objects.keys(FOLDER)] == []


@pytest.mark.parametrize(
    ("content", "said", "field", "code"),
    [
        (b"who\n", "", "file", "unknown_column"),
        (b"", "", "file", "empty"),
        (b"employeeId,at,direction\n", "", "file", "empty"),
        (TABLE, "perhaps", "dryRun", "not_a_boolean"),
    ],
)
async def test_what_cannot_be_understood(
    operator: httpx.AsyncClient, parts: Parts, content: bytes, said: str, field: str, code: str
) -> None:
    """Refused at once, with its field, and nothing of it is kept."""
    answer = await sent(operator, content, dryRun=said)
    assert answer.status_code == 422, answer.text
    [detail] = answer.json()["error"]["details"]
    assert (detail["field"], detail["code"]) == (field, code)
    assert [key async for key in parts.objects.keys(FOLDER)] == []


async def test_forms_that_are_none(operator: httpx.AsyncClient) -> None:
    """JSON is 415, a form without the file 422."""
    assert (await operator.post(URL, json={})).status_code == 415
    assert (await operator.post(URL, files={"other": ("a.csv", TABLE)})).status_code == 422


async def test_cancelling_ones_own(parts: Parts, operator: httpx.AsyncClient, admin: httpx.AsyncClient) -> None:
    """An operator may cancel and remove an import of their own, and no other job; the third at once is refused."""
    mine, others = [(await sent(one)).json()["data"]["id"] for one in (operator, admin)]
    people = (await operator.post("/api/v1/people/import", files={"file": ("p.csv", b"fullName\nAda\n")})).json()
    for job_id in (others, people["data"]["id"], "nothing"):
        assert (await operator.delete(f"{URL}/{job_id}")).status_code == 404
    assert (await sent(operator)).status_code == 202
    assert (await sent(operator)).status_code == 429
    assert (await operator.delete(f"{URL}/{mine}")).status_code == 204
    assert (await operator.get(f"/api/v1/jobs/{mine}")).json()["data"]["state"] == "cancelled"
    kept = await operator.delete(f"{URL}/{mine}", params={"only": "open"})
    assert (kept.status_code, kept.json()["error"]["code"]) == (409, "job_over")
    assert (await operator.delete(f"{URL}/{mine}")).status_code == 204
    assert (await operator.get(f"/api/v1/jobs/{mine}")).status_code == 404
