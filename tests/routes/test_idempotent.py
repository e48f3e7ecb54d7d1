"""Idempotency-Key: what was made is not made twice, and its answer is not lost."""

import asyncio
from functools import partial

import httpx
import pytest
from sqlmodel import col, select, update

from server.clock import ManualClock
from server.demo.clips import enrolment_photo
from server.errors import StillAtWork
from server.parts import Parts
from server.routes import endpoint, idempotent
from server.store import idempotency
from server.store.engine import noted
from server.store.idempotency import Claim
from server.store.tables import Department, IdempotentAnswer
from tests.opened import client_of

KEY = {"Idempotency-Key": "01941f29-7c00"}
ADA = {"fullName": "Ada Lovelace"}


async def answers(parts: Parts) -> list[bytes | None]:
    async with parts.store.read() as session:
        return list((await session.exec(select(IdempotentAnswer.answer))).all())


async def count(client: httpx.AsyncClient) -> int:
    total: int = (await client.get("/api/v1/people")).json()["meta"]["total"]
    return total


async def test_the_same_answer_again(admin: httpx.AsyncClient, parts: Parts, clock: ManualClock) -> None:
    """Status, body and headers of the first, for a day; JSON counts by its content. What is stored cannot be read."""
    first = await admin.post("/api/v1/people", json={**ADA, "active": True}, headers=KEY)
    assert (first.status_code, first.headers.get("Idempotent-Replayed")) == (201, None)
    clock.advance(23 * 3600)
    async with client_of(parts) as later:  # signed in anew: the key is the user's, not the session's
        again = await later.post("/api/v1/people", json={"active": True, **ADA}, headers=KEY)
        assert await count(later) == 1
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (201, "true")
    assert again.content == first.content
    for name in ("ETag", "Location", "Content-Type"):
        assert again.headers[name] == first.headers[name]
    (stored,) = await answers(parts)
    assert stored is not None
    assert b"Ada" not in stored
    clock.advance(2 * 3600)
    async with client_of(parts) as next_day:
        anew = await next_day.post("/api/v1/people", json=ADA, headers=KEY)
        assert (anew.status_code, await count(next_day)) == (201, 2)


async def test_another_request_with_the_key_is_refused(admin: httpx.AsyncClient) -> None:
    """The key stands for one request. Another address has keys of its own, and so has everybody else."""
    await admin.post("/api/v1/people", json=ADA, headers=KEY)
    other = await admin.post("/api/v1/people", json={"fullName": "Bea"}, headers=KEY)
    assert (other.status_code, other.json()["error"]["code"]) == (422, "idempotency_key_reused")
    assert (await admin.post("/api/v1/departments", json={"name": "Lab"}, headers=KEY)).status_code == 201


async def test_nobody_gets_the_answers_of_others(admin: httpx.AsyncClient, parts: Parts) -> None:
    """The same key of another user makes something new."""
    first = await admin.post("/api/v1/people", json=ADA, headers=KEY)
    async with client_of(parts, "Operator") as operator:
        second = await operator.post("/api/v1/people", json=ADA, headers=KEY)
    assert "Idempotent-Replayed" not in second.headers
    assert second.json()["data"]["id"] != first.json()["data"]["id"]


async def test_who_may_not_any_more_gets_no_answer(parts: Parts) -> None:
    """The permission is asked for first, whatever was answered before."""
    async with client_of(parts, "Viewer") as viewer:
        assert (await viewer.post("/api/v1/people", json=ADA, headers=KEY)).status_code == 403
    assert await answers(parts) == []


async def test_failures_are_not_kept(admin: httpx.AsyncClient, parts: Parts) -> None:
    """A clash, or a wrong field, may be put right and sent again with the same key."""
    assert (await admin.post("/api/v1/departments", json={"name": "Lab"})).status_code == 201
    clash = await admin.post("/api/v1/departments", json={"name": "Lab"}, headers=KEY)
    assert clash.status_code == 409
    assert (await admin.post("/api/v1/departments", json={"name": ""}, headers=KEY)).status_code == 422
    assert await answers(parts) == []
    assert (await admin.post("/api/v1/departments", json={"name": "Office"}, headers=KEY)).status_code == 201


async def test_two_at_once_make_one(admin: httpx.AsyncClient) -> None:
    """The second is told to come back, and then gets the answer of the first."""
    found = await asyncio.gather(*(admin.post("/api/v1/people", json=ADA, headers=KEY) for _ in range(4)))
    waited = [one for one in found if one.status_code == 409]
    made = [one for one in found if one.status_code == 201]
    assert len(waited) + len(made) == 4
    assert len({one.json()["data"]["id"] for one in made}) == 1
    for one in waited:
        assert one.json()["error"]["code"] == "idempotency_in_progress"
        assert one.headers["Retry-After"] == "1"
    assert await count(admin) == 1
    assert (await admin.post("/api/v1/people", json=ADA, headers=KEY)).headers["Idempotent-Replayed"] == "true"


async def test_a_crash_in_between_does_not_block_for_ever(
    admin: httpx.AsyncClient, parts: Parts, clock: ManualClock
) -> None:
    """An answer that never came is given up after a minute."""
    await admin.post("/api/v1/people", json=ADA, headers=KEY)
    async with parts.store.transaction() as session:
        await session.exec(update(IdempotentAnswer).values(answer=None))
    blocked = await admin.post("/api/v1/people", json=ADA, headers=KEY)
    assert (blocked.status_code, blocked.headers["Retry-After"]) == (409, "1")
    clock.advance(60)
    assert (await admin.post("/api/v1/people", json=ADA, headers=KEY)).status_code == 201


async def test_a_crash_before_the_answer_does_not_make_it_twice(
    admin: httpx.AsyncClient, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was made, and its maker died: at work for a minute, then said so for as long as an answer is kept."""

    async def died(*_: object, **__: object) -> None:
        return None

    with monkeypatch.context() as dying:
        dying.setattr(idempotent, "_settle", died)
        assert (await admin.post("/api/v1/people", json=ADA, headers=KEY)).status_code == 201
    waiting = await admin.post("/api/v1/people", json=ADA, headers=KEY)
    assert (waiting.status_code, waiting.json()["error"]["code"]) == (409, "idempotency_in_progress")
    clock.advance(60)
    lost = await admin.post("/api/v1/people", json=ADA, headers=KEY)
    assert (lost.status_code, lost.json()["error"]["code"]) == (409, "idempotency_answer_lost")
    assert await count(admin) == 1


async def test_an_error_after_the_commit_does_not_make_it_twice(
    admin: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Something went away before it could be answered: it is there all the same."""

    def away(*_: object) -> None:
        raise ConnectionError("The database is away.")

    with monkeypatch.context() as broken:
        broken.setattr(endpoint, "answered", away)
        assert (await admin.post("/api/v1/people", json=ADA, headers=KEY)).status_code == 503
    again = await admin.post("/api/v1/people", json=ADA, headers=KEY)
    assert (again.status_code, again.json()["error"]["code"]) == (409, "idempotency_in_progress")
    assert await count(admin) == 1


async def test_who_was_too_slow_makes_nothing(parts: Parts, clock: ManualClock) -> None:
    """Somebody has taken the key over: then what the first writes is not kept."""
    gone = Claim("k", clock.now())
    with pytest.raises(StillAtWork), noted(partial(idempotency.made, mine=gone)):
        async with parts.store.transaction() as session:
            session.add(Department(name="Lab"))
    async with parts.store.read() as session:
        assert (await session.exec(select(Department.name))).all() == []


async def test_an_answer_that_cannot_be_read_is_not_made_twice(admin: httpx.AsyncClient, parts: Parts) -> None:
    """The encryption key has gone since: said so, and nothing is made."""
    await admin.post("/api/v1/people", json=ADA, headers=KEY)
    async with parts.store.transaction() as session:
        await session.exec(update(IdempotentAnswer).where(col(IdempotentAnswer.key_hash) != "").values(answer=b"?"))
    lost = await admin.post("/api/v1/people", json=ADA, headers=KEY)
    assert (lost.status_code, lost.json()["error"]["code"]) == (409, "idempotency_answer_lost")
    assert await count(admin) == 1


@pytest.mark.parametrize("key", ["", " ", "a b", "é", "k" * 201])
async def test_a_key_is_short_and_visible(admin: httpx.AsyncClient, key: str) -> None:
    """1 to 200 visible characters of ASCII."""
    answer = await admin.post("/api/v1/people", json=ADA, headers={b"Idempotency-Key": key.encode()})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_idempotency_key")


async def test_an_upload_is_made_once_too(admin: httpx.AsyncClient, portraits: None) -> None:
    """The same picture under another boundary is the same request; another picture is not."""
    person = (await admin.post("/api/v1/people", json=ADA)).json()["data"]["id"]
    url, picture = f"/api/v1/people/{person}/photos", enrolment_photo()
    first = await admin.post(url, files={"file": ("ada.jpg", picture)}, headers=KEY)
    assert first.status_code == 201, first.text
    again = await admin.post(url, files={"file": ("ada.jpg", picture)}, headers=KEY)
    assert again.json() == first.json()
    assert len((await admin.get(url)).json()["data"]) == 1
    other = await admin.post(url, files={"file": ("ada.jpg", picture + b"x")}, headers=KEY)
    assert other.status_code == 422


async def test_reading_and_editing_know_no_key(admin: httpx.AsyncClient, parts: Parts) -> None:
    """The header counts on creations only."""
    assert (await admin.get("/api/v1/people", headers=KEY)).status_code == 200
    assert await answers(parts) == []


async def test_a_job_is_asked_for_once(admin: httpx.AsyncClient, parts: Parts) -> None:
    """An export or an import under a key is one job, with the same answer again; of a file it is the content that
    counts, and what was sent again is not kept. A refusal keeps nothing."""
    table = b"employeeId,at,direction\n1,2026-01-05T09:00:00+01:00,in\n"
    asked = []
    for _ in range(2):
        asked.append(await admin.post("/api/v1/audit/export", json={"format": "jsonl"}, headers=KEY))
        file = {"file": (f"again-{len(asked)}.csv", table)}
        asked.append(await admin.post("/api/v1/attendance/import", files=file, headers=KEY))
        asked.append(
            await admin.post("/api/v1/people/import", files={"file": ("p.csv", b"fullName\nAda\n")}, headers=KEY)
        )
    assert [one.status_code for one in asked] == [202] * 6
    assert [one.headers.get("Idempotent-Replayed") for one in asked] == [None] * 3 + ["true"] * 3
    assert [one.json()["data"] for one in asked[:3]] == [one.json()["data"] for one in asked[3:]]
    jobs = (await admin.get("/api/v1/jobs", params={"mine": "true"})).json()
    assert jobs["meta"]["total"] == 3
    assert len([key async for key in parts.objects.keys("imports")]) == 2
    other = await admin.post("/api/v1/attendance/import", files={"file": ("a.csv", table + b"\n")}, headers=KEY)
    assert (other.status_code, other.json()["error"]["code"]) == (422, "idempotency_key_reused")
    again, dry = {"file": ("a.csv", table)}, {"dryRun": "true"}
    assert (await admin.post("/api/v1/attendance/import", headers=KEY, files=again, data=dry)).status_code == 422
    assert len([key async for key in parts.objects.keys("imports")]) == 2


async def test_a_key_of_a_job_that_was_refused_is_free(admin: httpx.AsyncClient) -> None:
    """Too many at once: the same request is made once there is room."""
    for _ in range(3):
        assert (await admin.post("/api/v1/audit/export", json={})).status_code == 202
    assert (await admin.post("/api/v1/audit/export", json={}, headers=KEY)).status_code == 429
    [job, *_] = (await admin.get("/api/v1/jobs", params={"kind": "audit-export"})).json()["data"]
    assert (await admin.delete(f"/api/v1/jobs/{job['id']}")).status_code == 204
    made = await admin.post("/api/v1/audit/export", json={}, headers=KEY)
    assert (made.status_code, made.headers.get("Idempotent-Replayed")) == (202, None)
