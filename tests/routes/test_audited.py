"""Every change leaves its line in the audit: who, what, before and after, and nothing that is secret."""

from typing import Any

import httpx

from server.demo.clips import enrolment_photo
from server.parts import Parts
from server.store.audit import Filter
from server.store.paging import Page
from server.store.tables import AuditRow
from tests.routes.limited import build

CAMERA = {"name": "Gate", "source": "rtsp://admin:hunter2@10.0.0.5/live", "kind": "rtsp", "enabled": False}


async def lines(parts: Parts, *resources: str) -> list[AuditRow]:
    """Of these resources, oldest first."""
    found = await parts.access.audit.page(Page(page_size=200), Filter())
    return [row for row in reversed(found.rows) if row.resource in resources]


async def post(client: httpx.AsyncClient, path: str, **more: Any) -> dict[str, Any]:
    answer = await client.post(f"/api/v1/{path}", **more)
    assert answer.status_code in (200, 201), answer.text
    data: dict[str, Any] = answer.json()["data"]
    return data


async def test_cameras(parts: Parts, admin: httpx.AsyncClient) -> None:
    """From creation to removal, without the password and without what the stream did at the moment."""
    made = await post(admin, "cameras", json=CAMERA)
    url = f"/api/v1/cameras/{made['id']}"
    await admin.put(url, json={"name": "Gate 2"})
    for action in ("start", "start", "restart", "stop"):
        await post(admin, f"cameras/{made['id']}/{action}")
    await admin.delete(url)
    found = await lines(parts, "cameras")
    assert [row.action for row in found] == [
        "camera.created", "camera.changed", "camera.started", "camera.restarted", "camera.stopped", "camera.removed",
    ]  # fmt: skip
    assert {(row.actor_kind, row.actor_name, row.resource_id) for row in found} == {
        ("user", "admin@example.com", made["id"])
    }
    created, changed, started, _, _, removed = found
    assert created.before is None
    assert created.after is not None
    assert "status" not in created.after
    assert changed.before is not None
    assert changed.after is not None
    assert (changed.before["name"], changed.after["name"]) == ("Gate", "Gate 2")
    assert started.after is not None
    assert started.after["enabled"] is True
    assert removed.after is None
    assert "hunter2" not in str([row.model_dump() for row in found])


async def test_a_change_that_fails_leaves_no_line(parts: Parts, admin: httpx.AsyncClient) -> None:
    """What was taken back was not done: a name that is taken, a stale tag, a source that is not allowed."""
    made, other = await post(admin, "cameras", json=CAMERA), await post(admin, "cameras", json=CAMERA | {"name": "B"})
    url = f"/api/v1/cameras/{made['id']}"
    stale = {"If-Match": '"1"'}
    assert (await admin.put(url, json={"name": other["name"]})).status_code == 409
    assert (await admin.put(url, json={"name": "C"}, headers=stale)).status_code == 412
    assert (await admin.put(url, json={"source": "rtsp://127.0.0.1/live"})).status_code == 422
    assert (await admin.delete(url, headers=stale)).status_code == 412
    assert [row.action for row in await lines(parts, "cameras")] == ["camera.created"] * 2


async def test_people_and_photos(parts: Parts, admin: httpx.AsyncClient) -> None:
    """With their fields; of a photo its quality, and no embedding."""
    department = await post(admin, "departments", json={"name": "Flight"})
    made = await post(admin, "people", json={"fullName": "Eileen", "email": "e@example.com"})
    url = f"/api/v1/people/{made['id']}"
    await admin.put(url, json={"departmentId": department["id"]})
    picture = {"file": ("a.jpg", enrolment_photo(), "image/jpeg")}
    photo = await post(admin, f"people/{made['id']}/photos", files=picture)
    await admin.post(f"{url}/photos", files={"file": ("a.jpg", b"no picture", "image/jpeg")})
    stale = await admin.delete(f"{url}/photos/{photo['id']}", headers={"If-Match": '"1"'})
    assert stale.status_code == 412
    assert (await admin.delete(f"{url}/photos/{photo['id']}")).status_code == 204
    await admin.delete(url)
    found = await lines(parts, "people", "photos", "departments")
    assert [row.action for row in found] == [
        "department.created", "person.created", "person.changed", "photo.added", "photo.removed", "person.removed",
    ]  # fmt: skip
    changed, added = found[2], found[3]
    assert changed.before is not None
    assert changed.after is not None
    assert (changed.before["departmentName"], changed.after["departmentName"]) == (None, "Flight")
    assert (added.resource_id, added.after and added.after["personId"]) == (photo["id"], made["id"])
    assert "embedding" not in str(added.after)


async def test_corrections(parts: Parts, admin: httpx.AsyncClient) -> None:
    """Who it was said to be before and after."""
    house = await build(parts)
    await admin.patch(f"/api/v1/sightings/{house.seen['Door/-']}", json={"personId": house.ada.id})
    [row] = await lines(parts, "sightings")
    assert (row.action, row.resource_id) == ("sighting.corrected", house.seen["Door/-"])
    assert row.before is not None
    assert row.after is not None
    assert (row.before["personId"], row.after["personId"]) == (None, house.ada.id)


async def test_kiosks(parts: Parts, admin: httpx.AsyncClient, anyone: httpx.AsyncClient) -> None:
    """Pairing too: that a code was made and that a screen used it, but not the code."""
    made = await post(admin, "kiosks", json={"name": "Screen"})
    await admin.put(f"/api/v1/kiosks/{made['id']}", json={"name": "Gate"})
    code = (await post(admin, f"kiosks/{made['id']}/pairing-code"))["code"]
    await post(anyone, "kiosks/pair", json={"code": code})
    await admin.delete(f"/api/v1/kiosks/{made['id']}")
    found = await lines(parts, "kiosks")
    assert [(row.action, row.actor_kind) for row in found] == [
        ("kiosk.created", "user"), ("kiosk.changed", "user"), ("kiosk.pairing_code_made", "user"),
        ("kiosk.paired", "nobody"), ("kiosk.removed", "user"),
    ]  # fmt: skip
    assert code not in str([row.after for row in found])
    assert (await parts.access.audit.verify()).intact
