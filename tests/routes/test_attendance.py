"""Attendance over HTTP: entries with their evidence, and who is in."""

from datetime import timedelta

import httpx

from server.events.limits import Reach
from server.parts import Parts
from server.store import entries
from server.store.entries import EntryFilter
from server.store.paging import Page as Asked
from server.store.tables import Department, Person
from tests.pipeline.conftest import add_camera, change


async def test_entries_and_who_is_present(parts: Parts, admin: httpx.AsyncClient) -> None:
    """Two come in, one leaves: three entries, one present; filters by direction and person."""
    door_in, door_out = await add_camera(parts, "In", "in"), await add_camera(parts, "Out", "out")
    ada, bea = Person(full_name="Ada"), Person(full_name="Bea")
    async with parts.store.transaction() as session:
        session.add_all([ada, bea])
    now = parts.clock.now()
    for camera, person, minutes in ((door_in, ada, 0), (door_in, bea, 1), (door_out, ada, 60)):
        one = change(camera, "recognized", now + timedelta(minutes=minutes), person.id)
        await parts.recorder.record(camera.id, [one], {})
    listed = (await admin.get("/api/v1/attendance/entries")).json()
    assert [(e["person"]["fullName"], e["direction"]) for e in listed["data"]] == [
        ("Ada", "out"),
        ("Bea", "in"),
        ("Ada", "in"),
    ]
    first = listed["data"][2]
    assert {"sightingId", "similarity", "margin", "pack", "snapshotUrl"} <= set(first)
    assert (await admin.get(f"/api/v1/attendance/entries/{first['id']}")).json()["data"] == first
    assert (await admin.get("/api/v1/attendance/entries/nothing")).json()["error"]["code"] == "entry_not_found"
    out = (await admin.get(f"/api/v1/attendance/entries?direction=out&personId={ada.id}")).json()
    assert out["meta"]["total"] == 1
    present = (await admin.get("/api/v1/attendance/present")).json()
    assert [one["person"]["fullName"] for one in present["data"]] == ["Bea"]
    assert present["meta"]["total"] == 1
    assert (present["data"][0]["siteId"], present["data"][0]["timezone"]) == (None, "UTC")


async def test_entries_of_somebody_who_was_erased(parts: Parts, admin: httpx.AsyncClient) -> None:
    """They came and went, whoever they were: nobody is present; who is limited sees those of their department."""
    night, day = Department(name="Night"), Department(name="Day")
    async with parts.store.transaction() as session:
        session.add_all([night, day])
    ada, camera = (
        Person(full_name="Ada", employee_id="E-1", department_id=night.id),
        await add_camera(parts, "In", "in"),
    )
    async with parts.store.transaction() as session:
        session.add(ada)
    now = parts.clock.now()
    await parts.recorder.record(camera.id, [change(camera, "recognized", now, ada.id)], {})
    [before] = (await admin.get("/api/v1/attendance/entries")).json()["data"]
    assert (before["pseudonym"], before["personId"]) == (None, ada.id)
    assert (await admin.delete(f"/api/v1/people/{ada.id}")).status_code == 204
    [entry] = (await admin.get("/api/v1/attendance/entries?sort=at")).json()["data"]
    assert (entry["id"], entry["at"], entry["direction"]) == (before["id"], before["at"], "in")
    assert (entry["person"], entry["personId"], entry["sightingId"], entry["snapshotUrl"]) == (None,) * 4
    assert entry["pseudonym"] not in (None, ada.id)
    assert entry["departmentId"] == night.id
    assert (await admin.get(f"/api/v1/attendance/entries/{entry['id']}")).json()["data"] == entry
    assert (await admin.get("/api/v1/attendance/present")).json()["meta"]["total"] == 0
    async with parts.store.read() as session:
        for department, seen in ((night, 1), (day, 0)):
            limited = Reach(departments=frozenset({department.id}))
            assert (await entries.page(session, Asked(), None, limited)).total == seen
            which = EntryFilter(department_id=department.id)
            assert (await entries.page(session, Asked(), which)).total == seen


async def test_yesterday_is_not_present(parts: Parts, admin: httpx.AsyncClient) -> None:
    """Who did not check out is not in on the next day."""
    camera, ada = await add_camera(parts, "In", "in"), Person(full_name="Ada")
    async with parts.store.transaction() as session:
        session.add(ada)
    await parts.recorder.record(camera.id, [change(camera, "recognized", parts.clock.now(), ada.id)], {})
    assert (await admin.get("/api/v1/attendance/present")).json()["meta"]["total"] == 1
    parts.clock.advance(86400)  # type: ignore[attr-defined]
    fresh = await parts.access.login("admin@example.com", "correct horse")
    bearer = {"Authorization": f"Bearer {fresh.access_token}"}
    assert (await admin.get("/api/v1/attendance/present", headers=bearer)).json()["meta"]["total"] == 0
