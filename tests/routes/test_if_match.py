"""If-Match: every edit that is described with it honours it, and none of them requires it."""

from datetime import timedelta

import httpx
from sqlmodel import col, update

from server.app import ENDPOINTS
from server.demo.clips import enrolment_photo
from server.parts import Parts
from server.pipeline.amend import said
from server.routes.endpoint import Endpoint
from server.store.tables import (
    Clip,
    Correction,
    Credential,
    DayLock,
    Entry,
    Job,
    Sighting,
    Snapshot,
    TerminalLine,
    User,
)
from tests.opened import PASSWORD

STALE = {"If-Match": '"0"'}
EDITS = [one for one in ENDPOINTS if one.edits]
BODIES: dict[str, dict[str, object]] = {
    "PUT /cameras/{camera_id}": {"name": "Gate"},
    "PUT /people/{person_id}": {"fullName": "Bea"},
    "PUT /people/{person_id}/consent": {"state": "given", "textVersion": "1"},
    "PUT /kiosks/{kiosk_id}": {"name": "Lobby", "cameraIds": []},
    "PUT /roles/{role_id}": {"name": "Guard", "permissions": ["people:read"]},
    "PUT /users/{user_id}": {"email": "y@example.com", "fullName": "Y", "role": "Viewer", "active": True},
    "PATCH /users/{user_id}/password": {"newPassword": "ample-gravel-9-otters"},
    "PATCH /sightings/{sighting_id}": {"personId": None},
    "PATCH /auth/me": {"fullName": "Admin Two"},
    "PUT /settings": {},
    "PUT /cameras/{camera_id}/zones/{zone_id}": {"name": "Door step"},
    "PUT /departments/{department_id}": {"name": "Night"},
    "PUT /auth/preferences": {"theme": "dark"},
    "PATCH /attendance/entries/{entry_id}": {"direction": "out", "reason": "It was the way out."},
    "DELETE /attendance/entries/{entry_id}": {"reason": "Nobody was there."},
    "POST /attendance/corrections/{correction_id}/approve": {"note": "Seen."},
    "POST /attendance/corrections/{correction_id}/refuse": {},
    "PUT /attendance/terminals/{terminal_id}": {"serialNumber": "OID7", "name": "Back"},
    "POST /attendance/terminals/{terminal_id}/lines/{line_id}/assign": {"personId": ""},
    "PUT /webhooks/{webhook_id}": {"name": "Pay", "url": "https://8.8.8.8/", "types": ["alert.raised"]},
    "PATCH /reports/{report_id}": {"enabled": False},
    "PUT /sites/{site_id}": {"name": "Works", "timezone": "Europe/Berlin"},
    "PUT /shifts/{shift_id}": {"name": "Late", "start": "14:00", "end": "22:00"},
    "PUT /schedules/{schedule_id}": {"from": "2026-01-05", "note": "Off."},
    "PUT /holidays/{holiday_id}": {"date": "2026-01-06", "name": "Epiphany"},
    "PUT /leave/{leave_id}": {"personId": "", "from": "2026-01-05", "to": "2026-01-06", "kind": "vacation"},
}
LINE = [[0.5, 0.0], [0.5, 1.0]]


def named(one: Endpoint) -> str:
    return f"{one.method} {one.path}"


async def _ids(admin: httpx.AsyncClient, parts: Parts) -> dict[str, str]:
    """One of everything."""

    async def made(path: str, **form: object) -> str:
        answer = await admin.post(f"/api/v1/{path}", json=form)
        assert answer.status_code < 300, answer.text
        found: str = answer.json()["data"]["id"]
        return found

    camera = await made("cameras", name="Door", kind="push", enabled=False)
    person = await made("people", fullName="Ada")
    clerk = await made("people", fullName="Cleo")  # whose rows are still there when Ada is gone
    files = {"file": ("ada.jpg", enrolment_photo())}
    photo = (await admin.post(f"/api/v1/people/{person}/photos", files=files)).json()["data"]["id"]
    user = {"email": "x@example.com", "fullName": "X", "role": "Viewer", "password": "ample-gravel-9-otter"}
    await parts.access.login("admin@example.com", PASSWORD)
    sessions = (await admin.get("/api/v1/auth/sessions")).json()["data"]
    now = parts.clock.now()
    sighting = Sighting(camera_id=camera, state="closed", started_at=now, last_seen_at=now, ended_at=now)
    job = Job(kind="retention", state="queued", run_at=now)
    me = (await admin.get("/api/v1/auth/me")).json()["data"]["id"]
    imported = Job(kind="people-import", state="queued", run_at=now, asked_by=me)
    entries_imported = Job(kind="attendance-import", state="queued", run_at=now, asked_by=me)
    snapshot = Snapshot(
        camera_id=camera, taken_at=now, origin="request", width=1, height=1, size_bytes=1, object_key="snapshots/a.jpg",
        thumbnail_key="snapshots/b.jpg",
    )  # fmt: skip
    user_id = await made("users", **user)
    badge = Credential(person_id=person, kind="badge", digest="d", key_id="k")
    clip = Clip(started_at=now, duration_s=1, width=1, height=1, codec="h264", size_bytes=1, object_key="clips/a.mp4")
    entries = [Entry(person_id=clerk, at=now, direction="in", origin="manual") for _ in range(3)]
    pending = [
        Correction(entry_id=one.id, kind="remove", before=said(one), reason="Wrong.", state="pending")
        for one in entries[1:]
    ]
    terminal = await made("attendance/terminals", serialNumber="OID7", name="Gate")
    line = TerminalLine(
        terminal_id=terminal, digest="d", pin="7", local_time="2026-01-05 08:00:00", at=now, status="0", verify="1",
        work_code="", state="unknown_person",
    )  # fmt: skip
    lock = DayLock(through=now.date() - timedelta(days=1))
    async with parts.store.transaction() as session:
        session.add_all([badge, sighting, job, imported, entries_imported, snapshot, clip, line, lock, *entries])
        await session.flush()
        session.add_all(pending)
        factor = {"totp_secret": "x", "totp_confirmed_at": now}
        await session.exec(update(User).where(col(User.id) == user_id).values(**factor))
    return {
        "camera_id": camera, "person_id": person, "clerk_id": clerk, "photo_id": photo,
        "sighting_id": sighting.id, "job_id": job.id, "import_id": imported.id,
        "entries_import_id": entries_imported.id,
        "zone_id": await made(f"cameras/{camera}/zones", name="Step", kind="line", points=LINE, direction="in"),
        "department_id": await made("departments", name="Flight"), "snapshot_id": snapshot.id, "clip_id": clip.id,
        "kiosk_id": await made("kiosks", name="Hall", cameraIds=[camera]),
        "role_id": await made("roles", name="Porter", permissions=["cameras:read"]),
        "user_id": user_id,
        "key_id": await made("api-keys", name="Payroll", permissions=["cameras:read"]),
        "credential_id": badge.id, "entry_id": entries[0].id, "correction_id": pending[0].id,
        "other_correction_id": pending[1].id, "lock_id": lock.id,
        "terminal_id": terminal, "line_id": line.id,
        "webhook_id": await made("webhooks", name="Payroll", url="https://8.8.8.8/", types=["alert.raised"]),
        "report_id": await made(
            "reports", name="Week", recipients=["a@example.com"], frequency="weekly", weekday=1, time="07:30"
        ),
        "site_id": await made("sites", name="Plant", timezone="Europe/Berlin"),
        "shift_id": await made("shifts", name="Early", start="06:00", end="14:00"),
        "schedule_id": await made("schedules", personId=clerk, **{"from": "2026-01-05"}),
        "holiday_id": await made("holidays", date="2026-01-01", name="New Year"),
        "leave_id": await made("leave", personId=clerk, kind="vacation", **{"from": "2026-01-05", "to": "2026-01-05"}),
        "session_id": next(one["id"] for one in sessions if not one["current"]),
    }  # fmt: skip


async def test_every_edit_is_known_here() -> None:
    """A new one gets a body to be tried with."""
    assert {named(one) for one in EDITS if one.body is not None} == set(BODIES)


async def test_a_stale_tag_is_refused_everywhere(admin: httpx.AsyncClient, parts: Parts, portraits: None) -> None:
    """412, whatever else is right about the request; and then, for any row (`*`) and for none, it passes."""
    ids = await _ids(admin, parts)
    wrong = []
    # Removals last, and what is inside of something before it.
    for one in sorted(EDITS, key=lambda one: (one.method == "DELETE", -len(one.path_names))):
        url, body = one.url.format(**ids), BODIES.get(named(one))
        if body is not None and "personId" in body and body["personId"] is not None:
            body = body | {"personId": ids["clerk_id"]}
        refused = await admin.request(one.method, url, json=body, headers=STALE)
        if refused.status_code != 412:
            wrong.append(f"{named(one)}: {refused.status_code} {refused.text[:150]}")
        passes = await admin.request(one.method, url, json=body, headers={"If-Match": "*"} if body else {})
        if passes.status_code not in (200, 204):
            wrong.append(f"{named(one)}: {passes.status_code} {passes.text[:150]}")
        if named(one).endswith("/approve"):  # and decided on
            ids["correction_id"] = ids["other_correction_id"]
    assert wrong == []
