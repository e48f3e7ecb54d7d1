"""The import over HTTP: looked at before it is taken, then a job with a report that whoever asked may have."""

import asyncio
import io
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from server.app import make_app
from server.jobs.uploads import FOLDER
from server.parts import Parts
from server.store.tables import Job
from tests.opened import client_of, parts_in
from tests.sources import DemoSources

URL = "/api/v1/people/import"


@pytest.fixture
async def operator(parts: Parts) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(parts, "Operator") as client:
        yield client


async def sent(client: httpx.AsyncClient, content: bytes, name: str = "people.csv") -> httpx.Response:
    return await client.post(URL, files={"file": (name, content)})


async def worked_off(parts: Parts, job_id: str) -> None:
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(parts.jobs.run())
        for _ in range(2000):
            async with parts.store.read() as session:
                if (await session.get_one(Job, job_id)).state in ("done", "failed"):
                    break
            await asyncio.sleep(0.02)
        running.cancel()


async def test_an_archive_of_faces(parts: Parts, operator: httpx.AsyncClient, demo: DemoSources) -> None:
    """An operator gets a job, figures and the report; the face is matched."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as made:
        made.writestr("Eileen Collins/1.jpg", demo.collins)
        made.writestr("Eileen Collins/2.jpg", b"no picture")
        made.writestr("readme.txt", b"hello")
    answer = await sent(operator, packed.getvalue(), "faces.zip")
    assert answer.status_code == 202, answer.text
    job = answer.json()["data"]
    assert (job["kind"], job["state"]) == ("people-import", "queued")
    await worked_off(parts, job["id"])
    job = (await operator.get(f"/api/v1/jobs/{job['id']}")).json()["data"]
    assert (job["state"], job["error"]) == ("done", None)
    assert job["result"] == {"people": 1, "photos": 1, "refused": 2, "warnings": 0}
    async with client_of(parts, None) as anyone:
        report = await anyone.get(job["resultUrl"])
    assert "people-import-" in report.headers["content-disposition"]
    assert sorted(line.split(",")[5] for line in report.text.splitlines()[1:]) == ["not_a_picture", "unreadable"]
    assert parts.roster.gallery.people == 1
    assert [key async for key in parts.objects.keys(FOLDER)] == []


@pytest.mark.parametrize(
    ("content", "code"),
    [(b"name\nAda\n", "unknown_column"), (b"", "empty"), (b"PK\x03\x04", "bad_archive"), (b"fullName\n", "empty")],
)
async def test_what_cannot_be_understood_is_refused_at_once(
    operator: httpx.AsyncClient, parts: Parts, content: bytes, code: str
) -> None:
    """Naming what is wrong with the file, and keeping nothing of it."""
    answer = await sent(operator, content)
    assert answer.status_code == 422, answer.text
    [detail] = answer.json()["error"]["details"]
    assert (detail["field"], detail["code"]) == ("file", code)
    assert [key async for key in parts.objects.keys(FOLDER)] == []


async def test_forms_that_are_none(operator: httpx.AsyncClient) -> None:
    """JSON is 415, a form without the file 422."""
    assert (await operator.post(URL, json={})).status_code == 415
    assert (await operator.post(URL, files={"other": ("a.csv", b"fullName\n")})).status_code == 422


async def test_a_file_that_is_too_large(tmp_path: Path) -> None:
    """413 beyond the setting, which is another one than that of every other body."""
    limits = {"max_body_mb": 1, "max_import_mb": 2}
    async with parts_in(tmp_path / "state", http=limits) as parts, client_of(parts, "Operator") as client:
        assert (await sent(client, b"fullName\n" + b"Ada\n" * 400_000)).status_code == 202
        assert (await sent(client, b"fullName\n" + b"Ada\n" * 600_000)).status_code == 413
        assert (await client.post("/api/v1/people", content=b"x" * 1_500_000)).status_code == 413
        assert make_app(parts)


async def test_cancelling_ones_own(parts: Parts, operator: httpx.AsyncClient, admin: httpx.AsyncClient) -> None:
    """An operator may cancel and remove an import of their own, and no other job."""
    mine, others = [(await sent(one, b"fullName\nAda\n")).json()["data"]["id"] for one in (operator, admin)]
    assert (await operator.delete(f"{URL}/{others}")).status_code == 404
    assert (await operator.delete(f"{URL}/nothing")).status_code == 404
    assert (await operator.delete(f"{URL}/{mine}")).status_code == 204
    assert (await operator.get(f"/api/v1/jobs/{mine}")).json()["data"]["state"] == "cancelled"
    assert len([key async for key in parts.objects.keys(FOLDER)]) == 1, "that of the other one"
    kept = await operator.delete(f"{URL}/{mine}", params={"only": "open"})
    assert (kept.status_code, kept.json()["error"]["code"]) == (409, "job_over")
    assert (await operator.delete(f"{URL}/{mine}")).status_code == 204
    assert (await operator.get(f"/api/v1/jobs/{mine}")).status_code == 404


async def test_not_too_many_at_once(operator: httpx.AsyncClient, parts: Parts) -> None:
    """The third is refused, and what it sent is not kept."""
    answers = [await sent(operator, b"fullName\nAda\n") for _ in range(3)]
    assert [one.status_code for one in answers] == [202, 202, 429]
    assert len([key async for key in parts.objects.keys(FOLDER)]) == 2
