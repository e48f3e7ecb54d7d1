"""Jobs over HTTP: lists, one with a fresh link to its file, cancelling, removing, and the export of the audit."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from server.clock import ManualClock
from server.parts import Parts
from server.store.audit import Filter
from server.store.paging import Page
from server.store.tables import Job
from tests.opened import client_of

URL = "/api/v1/jobs"


@pytest.fixture
async def operator(parts: Parts) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(parts, "Operator") as client:
        yield client


@pytest.fixture
async def exported(parts: Parts, admin: httpx.AsyncClient) -> str:
    """The id of an export that is done."""
    answer = await admin.post("/api/v1/audit/export", json={"format": "jsonl"})
    assert answer.status_code == 202, answer.text
    job_id: str = answer.json()["data"]["id"]
    await worked_off(parts, job_id)
    return job_id


async def worked_off(parts: Parts, job_id: str) -> None:
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(parts.jobs.run())
        for _ in range(1000):
            async with parts.store.read() as session:
                if (await session.get_one(Job, job_id)).state in ("done", "failed"):
                    break
            await asyncio.sleep(0.01)
        running.cancel()


async def test_the_audit_as_a_file(parts: Parts, admin: httpx.AsyncClient, exported: str) -> None:
    """A job, with a link that needs no login, is good for a while, and is signed anew each time."""
    job = (await admin.get(f"{URL}/{exported}")).json()["data"]
    assert (job["state"], job["kind"], job["error"]) == ("done", "audit-export", None)
    assert job["result"]["rows"] == job["done"] == job["total"] > 0
    async with client_of(parts, None) as anyone:
        file = await anyone.get(job["resultUrl"])
    assert file.status_code == 200
    assert "audit-export-" in file.headers["content-disposition"]
    streamed = await admin.get("/api/v1/audit/export", params={"format": "jsonl"})
    assert streamed.text.startswith(file.text), "the same as the file that is made while one waits"
    assert isinstance(parts.clock, ManualClock)
    parts.clock.advance(60)
    again = (await admin.get(f"{URL}/{exported}")).json()["data"]
    assert again["resultUrl"] != job["resultUrl"]
    assert (await admin.get(URL)).json()["data"][-1]["id"]


async def test_who_may_not_read_the_audit_gets_no_link_to_it(operator: httpx.AsyncClient, exported: str) -> None:
    """They see that there is a job, and neither its figures nor its file."""
    job = (await operator.get(f"{URL}/{exported}")).json()["data"]
    assert (job["state"], job["result"], job["resultUrl"]) == ("done", None, None)
    assert (await operator.post("/api/v1/audit/export", json={})).status_code == 403
    assert (await operator.delete(f"{URL}/{exported}")).status_code == 403


async def test_lists(admin: httpx.AsyncClient, viewer: httpx.AsyncClient, exported: str) -> None:
    """By kind and state, in pages."""
    second = (await admin.post("/api/v1/audit/export", json={})).json()["data"]["id"]

    async def ids(**query: str) -> list[str]:
        answer = await admin.get(URL, params={"kind": "audit-export"} | query)
        assert answer.status_code == 200, answer.text
        return [one["id"] for one in answer.json()["data"]]

    assert await ids(sort="createdAt") == [exported, second]
    assert await ids(state="queued") == [second]
    assert await ids(pageSize="1", page="2", sort="createdAt") == [second]
    assert await ids(kind="nothing") == []
    assert (await admin.get(URL, params={"state": "lost"})).status_code == 422
    assert (await viewer.get(URL)).json()["data"] == [], "nothing of others"
    assert len(await ids(mine="true")) == 2
    row = (await admin.get(URL, params={"state": "queued"})).json()["data"][0]
    assert (row["askedByName"], row["priority"], row["mayDismiss"], row["stays"]) == ("Admin One", "normal", True, None)


async def test_cancelling_and_removing(parts: Parts, admin: httpx.AsyncClient, exported: str) -> None:
    """A queued one is cancelled, one that is over is removed with its file; the audit has both."""
    queued = (await admin.post("/api/v1/audit/export", json={})).json()["data"]
    assert (await admin.delete(f"{URL}/{queued['id']}", headers={"If-Match": '"1"'})).status_code == 412
    assert (await admin.delete(f"{URL}/{queued['id']}")).status_code == 204
    assert (await admin.get(f"{URL}/{queued['id']}")).json()["data"]["state"] == "cancelled"
    link = (await admin.get(f"{URL}/{exported}")).json()["data"]["resultUrl"]
    assert (await admin.delete(f"{URL}/{exported}")).status_code == 204
    assert (await admin.get(f"{URL}/{exported}")).status_code == 404
    assert (await admin.get(link)).status_code == 404
    assert (await admin.delete(f"{URL}/{exported}")).json()["error"]["code"] == "job_not_found"
    actions = {}
    for action in ("audit.exported", "job.cancelled", "job.removed"):
        actions[action] = (await parts.access.audit.page(Page(), Filter(action=action))).rows
    assert [len(rows) for rows in actions.values()] == [2, 1, 1]
    assert actions["job.removed"][0].resource_id == exported
    assert actions["job.removed"][0].actor_name == "admin@example.com"


async def test_what_has_just_ended_is_not_removed_by_a_cancel(admin: httpx.AsyncClient, exported: str) -> None:
    """With `only=open`, as a page sends it that still shows the job as running."""
    refused = await admin.delete(f"{URL}/{exported}", params={"only": "open"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "job_over")
    assert (await admin.get(f"{URL}/{exported}")).json()["data"]["resultUrl"] is not None
    queued = (await admin.post("/api/v1/audit/export", json={})).json()["data"]["id"]
    assert (await admin.delete(f"{URL}/{queued}", params={"only": "open"})).status_code == 204
    assert (await admin.delete(f"{URL}/{queued}", params={"only": "open"})).status_code == 409
    assert (await admin.delete(f"{URL}/{queued}", params={"only": "over"})).status_code == 422
    assert (await admin.delete(f"{URL}/{queued}")).status_code == 204


async def test_what_an_export_is_asked_for(admin: httpx.AsyncClient) -> None:
    """The end comes after the start; the format is one of two; and nobody asks without end."""
    times = {"from": "2026-01-05T00:00:00Z", "to": "2026-01-04T00:00:00Z"}
    backwards = await admin.post("/api/v1/audit/export", json=times)
    assert backwards.status_code == 422
    assert backwards.json()["error"]["details"][0]["field"] == "to"
    assert (await admin.post("/api/v1/audit/export", json={"format": "xlsx"})).status_code == 422
    for _ in range(3):
        assert (await admin.post("/api/v1/audit/export", json={})).status_code == 202
    full = await admin.post("/api/v1/audit/export", json={})
    assert (full.status_code, full.json()["error"]["code"]) == (429, "too_many_jobs")
    assert int(full.headers["Retry-After"]) > 0


async def test_whoever_asks_follows_and_cancels_their_own(
    parts: Parts, viewer: httpx.AsyncClient, operator: httpx.AsyncClient, exported: str
) -> None:
    """A Viewer's export: in their list, on the topic, and cancelled or removed by them; nothing of anybody else's."""
    form = {"format": "csv", "from": "2026-01-05", "to": "2026-01-06"}
    asked = await viewer.post("/api/v1/attendance/export", json=form)
    assert asked.status_code == 202, asked.text
    job = asked.json()["data"]
    assert (job["askedByName"], job["mayDismiss"]) == ("Viewer One", True)
    assert [one["id"] for one in (await viewer.get(URL)).json()["data"]] == [job["id"]]
    seen = next(one for one in (await operator.get(URL)).json()["data"] if one["id"] == job["id"])
    assert (seen["askedByName"], seen["mayDismiss"]) == ("Viewer One", False)
    assert (await operator.delete(f"{URL}/{job['id']}")).status_code == 403
    assert (await viewer.delete(f"{URL}/{exported}")).status_code == 403
    assert (await viewer.delete(f"{URL}/nothing")).status_code == 403, "nor does anybody learn which there are"
    assert (await viewer.delete(f"{URL}/{job['id']}")).status_code == 204
    assert (await viewer.get(f"{URL}/{job['id']}")).json()["data"]["state"] == "cancelled"
    epoch = (await parts.hub.log.head("jobs")).epoch
    events = {}
    for name, client in (("viewer", viewer), ("operator", operator)):
        answer = await client.get("/api/v1/events", params={"topic": "jobs", "after": f"{epoch}:0"})
        events[name] = {one["event"]["data"]["id"] for one in answer.json()["data"]}
    assert events["viewer"] == {job["id"]}
    assert events["operator"] >= {job["id"], exported}
    assert (await viewer.delete(f"{URL}/{job['id']}")).status_code == 204
    assert (await viewer.get(URL)).json()["data"] == []


async def test_a_key_needs_what_it_was_not_given(parts: Parts, admin: httpx.AsyncClient, exported: str) -> None:
    """It stands for its owner, and yet lists, cancels and removes nothing of theirs by that alone."""
    answers = {}
    for name, permissions in (("reads", ["people:read"]), ("jobs", ["jobs:read", "jobs:delete"])):
        made = await admin.post("/api/v1/api-keys", json={"name": name, "permissions": permissions})
        async with client_of(parts, None) as program:
            program.headers["Authorization"] = f"Bearer {made.json()['data']['key']}"
            epoch = (await parts.hub.log.head("jobs")).epoch
            feed = await program.get("/api/v1/events", params={"topic": "jobs", "after": f"{epoch}:0"})
            listed = [(await program.get(URL, params=query)).status_code for query in ({}, {"mine": "true"})]
            job = (await program.get(f"{URL}/{exported}")).json()["data"]
            removed = await program.delete(f"{URL}/{exported}")
        answers[name] = [feed.status_code, *listed, job["mayDismiss"], removed.status_code]
    assert answers == {"reads": [403, 403, 403, False, 403], "jobs": [200, 200, 200, True, 204]}


async def test_what_has_to_be_done_is_not_cancelled(parts: Parts, admin: httpx.AsyncClient) -> None:
    """An erasure that waits or runs stays, and says why; once it is over it may be removed."""
    job = await parts.jobs.submit(None, "erasure")
    shown = (await admin.get(f"{URL}/{job.id}")).json()["data"]
    assert (shown["mayDismiss"], shown["priority"]) == (False, "normal")
    refused = await admin.delete(f"{URL}/{job.id}")
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "not_cancellable")
    assert refused.json()["error"]["message"] == shown["stays"]
    await worked_off(parts, job.id)
    assert (await admin.get(f"{URL}/{job.id}")).json()["data"]["mayDismiss"]
    assert (await admin.delete(f"{URL}/{job.id}")).status_code == 204
