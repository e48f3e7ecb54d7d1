"""Entries by hand, corrections and a second person, over HTTP."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from server.parts import Parts
from server.store.runtime import AttendanceSettings, RuntimeSettings
from server.wire import rfc3339
from tests.opened import client_of
from tests.pipeline.conftest import add_camera, change, events_of

ENTRIES = "/api/v1/attendance/entries"
CORRECTIONS = "/api/v1/attendance/corrections"


@pytest.fixture
async def ada(admin: httpx.AsyncClient) -> str:
    return str((await admin.post("/api/v1/people", json={"fullName": "Ada"})).json()["data"]["id"])


async def ask_for_two(parts: Parts) -> None:
    """The setting that lets corrections wait for a second person."""
    runtime = parts.runtime
    async with parts.store.transaction() as session:
        row = await runtime.locked(session)
        await runtime.save(session, row, RuntimeSettings(attendance=AttendanceSettings(second_person=True)))
    runtime.apply(row)


async def added(client: httpx.AsyncClient, parts: Parts, person_id: str, minutes: int = 0, **more: Any) -> Any:
    at = rfc3339(parts.clock.now() + timedelta(minutes=minutes))
    form = {"personId": person_id, "at": at, "direction": "in", "reason": "The camera was dark.", **more}
    answer = await client.post(ENTRIES, json=form)
    assert answer.status_code == 201, answer.text
    return answer.json()["data"]


async def listed(client: httpx.AsyncClient, **query: str) -> list[str]:
    return [one["id"] for one in (await client.get(ENTRIES, params=query)).json()["data"]]


async def test_an_entry_by_hand(parts: Parts, admin: httpx.AsyncClient, ada: str) -> None:
    """It counts at once, says who made it and why, is told as a check-in, and is not made twice."""
    entry = await added(admin, parts, ada)
    assert (entry["origin"], entry["state"], entry["original"], entry["reason"]) == (
        "manual", "valid", None, "The camera was dark.",
    )  # fmt: skip
    assert [kind for kind, _ in await events_of(parts, "attendance")] == ["attendance.checked_in"]
    present = (await admin.get("/api/v1/attendance/present")).json()["data"]
    assert [one["person"]["fullName"] for one in present] == ["Ada"]
    form = {"personId": ada, "at": entry["at"], "direction": "in", "reason": "Once more."}
    twice = await admin.post(ENTRIES, json=form)
    assert (twice.status_code, twice.json()["error"]["code"]) == (409, "entry_exists")
    (row,) = (await admin.get(f"{ENTRIES}/{entry['id']}/corrections")).json()["data"]
    assert (row["kind"], row["before"], row["after"]["direction"], row["askedByName"]) == (
        "add", None, "in", "admin@example.com",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("wrong", "field"),
    [({"reason": " "}, "reason"), ({"personId": "nobody"}, "personId"), ({"direction": "up"}, "direction"),
     ({"at": "2090-01-01T08:00:00Z"}, "at"), ({"at": "0206-01-05T08:00:00Z"}, "at"),
     ({"at": "2026-01-01T08:00:00"}, "at")],
)  # fmt: skip
async def test_what_cannot_be(
    parts: Parts, admin: httpx.AsyncClient, ada: str, wrong: dict[str, str], field: str
) -> None:
    """Each is refused with its field, and nothing is written."""
    form = {"personId": ada, "at": rfc3339(parts.clock.now()), "direction": "in", "reason": "Forgot."} | wrong
    answer = await admin.post(ENTRIES, json=form)
    assert answer.status_code == 422, answer.text
    assert [one["field"] for one in answer.json()["error"]["details"]] == [field]
    assert await listed(admin, state="all") == []


async def test_a_correction_stands_beside_what_it_corrects(parts: Parts, admin: httpx.AsyncClient, ada: str) -> None:
    """The entry has its id and says what counts; what it said first stays, however often it is corrected."""
    first = await added(admin, parts, ada)
    earlier = rfc3339(parts.clock.now() - timedelta(minutes=30))
    url = f"{ENTRIES}/{first['id']}"
    once = (await admin.patch(url, json={"at": earlier, "reason": "She was at the gate."})).json()["data"]
    twice = (await admin.patch(url, json={"direction": "out", "reason": "It was the way out."})).json()["data"]
    assert (once["id"], once["at"], once["direction"]) == (first["id"], earlier, "in")
    assert (twice["at"], twice["direction"], twice["state"]) == (earlier, "out", "valid")
    said = {"personId": ada, "at": first["at"], "direction": "in"}
    assert twice["original"] == once["original"] == said
    rows = (await admin.get(f"{url}/corrections")).json()["data"]
    assert [(row["kind"], row["reason"]) for row in rows] == [
        ("replace", "It was the way out."), ("replace", "She was at the gate."), ("add", "The camera was dark."),
    ]  # fmt: skip
    assert rows[1]["before"] == said
    assert rows[0]["before"] == rows[1]["after"]
    told = await events_of(parts, "attendance")
    assert [kind for kind, _ in told] == ["attendance.checked_in", "attendance.corrected", "attendance.corrected"]
    assert told[-1][1]["direction"] == "out"
    audited = [one["action"] for one in (await admin.get("/api/v1/audit?resource=entries")).json()["data"]]
    assert sorted(audited) == ["entry.added", "entry.corrected", "entry.corrected"]


@pytest.mark.parametrize("in_the_query", [False, True])
async def test_what_is_removed_stays_to_be_seen(
    parts: Parts, admin: httpx.AsyncClient, ada: str, in_the_query: bool
) -> None:
    """It counts no more, is not in the usual list, and says who removed it and why. It takes a reason."""
    entry = await added(admin, parts, ada)
    url = f"{ENTRIES}/{entry['id']}"
    without = await admin.delete(url)
    assert (without.status_code, without.json()["error"]["details"][0]["field"]) == (422, "reason")
    if in_the_query:
        gone = await admin.delete(url, params={"reason": "Twins."})
    else:
        gone = await admin.request("DELETE", url, json={"reason": "Twins."})
    assert gone.status_code == 204
    assert await listed(admin) == []
    assert await listed(admin, state="removed") == await listed(admin, state="all") == [entry["id"]]
    assert (await admin.get(url)).json()["data"]["state"] == "removed"
    assert (await admin.get("/api/v1/attendance/present")).json()["meta"]["total"] == 0
    assert (await admin.get(f"{url}/corrections")).json()["data"][0]["reason"] == "Twins."
    again = await admin.patch(url, json={"direction": "out", "reason": "No."})
    assert (again.status_code, again.json()["error"]["code"]) == (409, "entry_removed")
    kind, data = (await events_of(parts, "attendance"))[-1]
    assert (kind, data["state"], data["removed"]) == ("attendance.corrected", "removed", True)


async def test_nothing_to_change(parts: Parts, admin: httpx.AsyncClient, ada: str) -> None:
    """A correction says what."""
    entry = await added(admin, parts, ada)
    answer = await admin.patch(f"{ENTRIES}/{entry['id']}", json={"reason": "Hm."})
    assert (answer.status_code, answer.json()["error"]["details"][0]["code"]) == (422, "nothing_to_change")


async def test_a_second_person_agrees(parts: Parts, admin: httpx.AsyncClient, ada: str) -> None:
    """Until then nothing counts and nothing is told; whoever asked for it cannot agree, and there is one decision."""
    await ask_for_two(parts)
    async with client_of(parts, "Operator") as operator:
        entry = await added(operator, parts, ada)
        assert entry["state"] == "pending"
        assert await listed(operator) == []
        (row,) = (await operator.get(CORRECTIONS, params={"state": "pending"})).json()["data"]
        assert row["timezone"] == "UTC"
        own = await operator.post(f"{CORRECTIONS}/{row['id']}/approve")
        assert (own.status_code, own.json()["error"]["code"]) == (403, "same_person")
        assert await events_of(parts, "attendance") == []
        agreed = (await admin.post(f"{CORRECTIONS}/{row['id']}/approve", json={"note": "I saw her."})).json()["data"]
        assert (agreed["state"], agreed["decidedByName"], agreed["note"]) == (
            "applied", "admin@example.com", "I saw her.",
        )  # fmt: skip
        assert await listed(operator) == [entry["id"]]
        assert [kind for kind, _ in await events_of(parts, "attendance")] == ["attendance.checked_in"]
        twice = await admin.post(f"{CORRECTIONS}/{row['id']}/refuse")
        assert (twice.status_code, twice.json()["error"]["code"]) == (409, "already_decided")


async def test_a_second_person_does_not_agree(parts: Parts, admin: httpx.AsyncClient, ada: str) -> None:
    """All stays as it was; while one waits, no other correction of the same entry is taken."""
    kept = await added(admin, parts, ada)
    await ask_for_two(parts)
    async with client_of(parts, "Operator") as operator:
        url = f"{ENTRIES}/{kept['id']}"
        asked = (await operator.patch(url, json={"direction": "out", "reason": "Perhaps."})).json()["data"]
        assert (asked["direction"], asked["original"]) == ("in", None)
        other = await operator.request("DELETE", url, json={"reason": "Or so."})
        assert (other.status_code, other.json()["error"]["code"]) == (409, "correction_pending")
        never = await added(operator, parts, ada, -60, direction="out")
        for row in (await admin.get(CORRECTIONS, params={"state": "pending"})).json()["data"]:
            assert (await admin.post(f"{CORRECTIONS}/{row['id']}/refuse")).json()["data"]["state"] == "refused"
    assert await listed(admin) == [kept["id"]]
    assert await listed(admin, state="refused") == [never["id"]]
    assert (await admin.get(f"{ENTRIES}/{kept['id']}")).json()["data"]["direction"] == "in"
    assert len(await events_of(parts, "attendance")) == 1


async def test_a_corrected_sighting_withdraws_its_entry(parts: Parts, admin: httpx.AsyncClient, ada: str) -> None:
    """The entry of the wrong person stays to be seen as removed, and says who said so."""
    bea = (await admin.post("/api/v1/people", json={"fullName": "Bea"})).json()["data"]["id"]
    camera = await add_camera(parts, "In", "in")
    seen = change(camera, "recognized", parts.clock.now(), ada)
    await parts.recorder.record(camera.id, [seen], {})
    await admin.patch(f"/api/v1/sightings/{seen.sighting.id}", json={"personId": bea})
    everything = (await admin.get(ENTRIES, params={"state": "all"})).json()["data"]
    assert sorted((one["person"]["fullName"], one["state"]) for one in everything) == [
        ("Ada", "removed"), ("Bea", "valid"),
    ]  # fmt: skip
    removed = next(one for one in everything if one["state"] == "removed")
    (row,) = (await admin.get(f"{ENTRIES}/{removed['id']}/corrections")).json()["data"]
    assert (row["kind"], row["reason"], row["askedByName"]) == (
        "remove", "The sighting was corrected.", "admin@example.com",
    )  # fmt: skip
