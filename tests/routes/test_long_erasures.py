"""Erasures that take long: how many jobs they make, and which place with the workers."""

import httpx
import pytest

from server.parts import Parts
from server.store import jobs
from server.store.tables import Erasure


async def test_one_job_finishes_all_that_wait(
    parts: Parts, admin: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So many long erasures are one job that waits; one that runs may have looked for them before this one came."""

    async def long(_receipt: Erasure) -> bool:
        return True

    async def begun() -> None:
        person = (await admin.post("/api/v1/people", json={"fullName": "Ada"})).json()["data"]
        answer = await admin.delete(f"/api/v1/people/{person['id']}/biometrics")
        assert answer.json()["data"]["state"] == "pending"

    monkeypatch.setattr(parts.eraser, "is_long", long)
    await begun()
    await begun()
    [job] = (await admin.get("/api/v1/jobs")).json()["data"]
    assert job["priority"] == "normal", "it takes long, which nothing that is short should wait for"
    async with parts.store.transaction() as session:
        (await jobs.get(session, job["id"])).state = "running"
    await begun()
    assert len((await admin.get("/api/v1/jobs")).json()["data"]) == 2
    assert await parts.eraser.finish_all() == 3
