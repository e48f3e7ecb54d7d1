"""Consent and erasure: what was taken away is in no file, no object and no row; the receipt says so."""

import asyncio
import json
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import httpx
import pytest
from sqlalchemy import Text, cast, func
from sqlalchemy import select as select_columns
from sqlmodel import SQLModel, col, select

from server.attendance.device_time import Moment
from server.demo.clips import enrolment_photo
from server.errors import Unavailable
from server.events.schema import Cursor, NewEvent
from server.events.subscription import Subscription
from server.identity.pictures import decode
from server.parts import Parts
from server.pipeline.attend import Local
from server.pipeline.check_in import check_in, events
from server.pipeline.check_outs import KIND
from server.store import alerts, erasures, held
from server.store.runtime import FeatureSettings, RetentionSettings, RuntimeSettings
from server.store.tables import Clip, Entry, Erasure, EventRow, Kiosk, Person, Photo, RefusedView, Sighting, Template
from tests.events.scenes import Pipe

NAME = "Wilhelmina Quartermaine"
WHO = {
    "fullName": NAME, "employeeId": "Q-77", "email": "w.quartermaine@example.com", "externalIds": {"hr": "HR-4711"},
}  # fmt: skip
IDENTIFYING = (NAME, "Q-77", "w.quartermaine", "HR-4711", "forgot her badge")
FRAME, FACE, CLIP = b"FRAME-of-her" * 50, b"FACE-of-her" * 50, b"CLIP-of-her" * 50


async def _upload(client: httpx.AsyncClient, url: str) -> httpx.Response:
    return await client.post(f"{url}/photos", files={"file": ("a.jpg", enrolment_photo())})


async def _somebody(admin: httpx.AsyncClient, parts: Parts) -> tuple[str, list[bytes]]:
    """Enrolled, seen and entered; and what must not be found afterwards."""
    made = await admin.post("/api/v1/people", json=WHO)
    person_id = made.json()["data"]["id"]
    assert (await _upload(admin, f"/api/v1/people/{person_id}")).status_code == 201
    camera = (await admin.post("/api/v1/cameras", json={"name": "D", "kind": "push", "enabled": False})).json()
    camera_id, now = camera["data"]["id"], parts.clock.now()
    keys = {"sightings/frame.jpg": FRAME, "sightings/frame-face.jpg": FACE, "clips/hers.mp4": CLIP}
    for key, content in keys.items():
        await parts.objects.put(key, content)
    sighting = Sighting(
        camera_id=camera_id, person_id=person_id, state="closed", started_at=now, last_seen_at=now, ended_at=now,
        similarity=0.7, margin=0.2, box=[0.1, 0.1, 0.2, 0.2], snapshot_key="sightings/frame.jpg",
        face_key="sightings/frame-face.jpg",
    )  # fmt: skip
    clip = Clip(
        sighting_id=sighting.id, started_at=now, duration_s=1, width=1, height=1, codec="h264", size_bytes=1,
        object_key="clips/hers.mp4",
    )  # fmt: skip
    entry = Entry(
        person_id=person_id, at=now, direction="in", origin="camera", camera_id=camera_id, sighting_id=sighting.id,
        similarity=0.7, snapshot_key="sightings/frame.jpg", reason=f"{NAME} forgot her badge",
    )  # fmt: skip
    told = {
        "sightingId": sighting.id, "person": {"id": person_id, "fullName": NAME}, "similarity": 0.7,
        "snapshotUrl": f"/api/v1/sightings/{sighting.id}/snapshot.jpg",
    }  # fmt: skip
    async with parts.store.transaction() as session:
        session.add(sighting)
        await session.flush()
        refused = RefusedView(
            person_id=person_id, sighting_id=sighting.id, pack="p", pack_sha256="a" * 64, embedding=b"a view of another"
        )
        session.add_all([clip, entry, refused])
        event = NewEvent("attendance", "attendance.checked_in", "cameras/d", told, now)
        await parts.recorder.append(session, [event])
    async with parts.store.read() as session:
        sealed = (await session.exec(select(Template.embedding))).all()
        photos = (await session.exec(select(Photo.object_key, Photo.portrait_key))).all()
    hidden = [
        *sealed,
        *keys.values(),
        *(key.encode() for key in keys),
        *(key.encode() for row in photos for key in row),
    ]
    hidden.append(b"a view of another")
    hidden += [await parts.objects.get(key) for row in photos for key in row]
    return person_id, hidden


async def _objects_left(parts: Parts) -> list[str]:
    objects = parts.objects.keys()
    return [key async for key in objects]


def _raw(folder: Path) -> bytes:
    return b"\n".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


async def _rows_with(parts: Parts, text: str) -> dict[str, int]:
    """In how many rows of which table it stands."""
    found = {}
    async with parts.store.engine.connect() as connection:
        for name, table in SQLModel.metadata.tables.items():
            anywhere = [cast(column, Text).contains(text) for column in table.columns if "BLOB" not in str(column.type)]
            for_all: Any = select_columns(func.count()).select_from(table)
            for condition in anywhere[1:]:
                anywhere[0] = anywhere[0] | condition
            count = (await connection.execute(for_all.where(anywhere[0]))).scalar_one()
            if count:
                found[name] = count
    return found


async def test_erased_biometrics_are_nowhere(
    parts: Parts, admin: httpx.AsyncClient, portraits: None, tmp_path: Path
) -> None:
    """Neither in the raw files nor in rows nor in the gallery; attendance stays; the hash fits the receipt's facts."""
    person_id, hidden = await _somebody(admin, parts)
    if parts.store.is_sqlite:
        raw = _raw(tmp_path / "state")
        assert all(one in raw for one in hidden)  # what is looked for can be found
    answer = await admin.delete(f"/api/v1/people/{person_id}/biometrics")
    assert answer.status_code == 200, answer.text
    receipt = answer.json()["data"]
    assert (receipt["state"], receipt["objectsLeft"]) == ("done", 0)
    assert receipt["counts"] == {
        "photos": 1, "templates": 1, "clips": 1, "sightingPictures": 2, "events": 1, "warnings": 0, "objects": 5,
        "refusedViews": 1, "answers": 0, "auditRows": 0,
    }  # fmt: skip
    if parts.store.is_sqlite:
        raw = _raw(tmp_path / "state")
        assert [one[:60] for one in hidden if one in raw] == []
    assert await _objects_left(parts) == []
    assert len(parts.roster.gallery) == 0
    rows = await _rows_with(parts, person_id)
    assert rows.keys() == {"people", "sightings", "entries", "audit", "erasures", "events"}
    async with parts.store.read() as session:
        row = await session.get_one(Erasure, receipt["id"])
        told = (await session.exec(select(EventRow.data).where(col(EventRow.topic) == "attendance"))).one()
        entry = (await session.exec(select(Entry))).one()
    assert erasures.hash_of(row) == receipt["sha256"]
    assert (told["snapshotUrl"], told["similarity"], told["person"]["fullName"]) == (None, None, NAME)
    assert (entry.person_id, entry.direction, entry.snapshot_key, entry.similarity) == (person_id, "in", None, None)


async def test_a_removed_person_is_named_in_no_event(
    parts: Parts, admin: httpx.AsyncClient, portraits: None, tmp_path: Path
) -> None:
    """Nor in the audit, whose chain is whole; the receipt is readable after the person has gone."""
    person_id, hidden = await _somebody(admin, parts)
    assert await _rows_with(parts, NAME) != {}
    if parts.store.is_sqlite:
        raw = _raw(tmp_path / "state")
        assert [one for one in IDENTIFYING if one.encode() not in raw] == []
    assert (await admin.delete(f"/api/v1/people/{person_id}")).status_code == 204
    if parts.store.is_sqlite:
        raw = _raw(tmp_path / "state")
        assert [one[:60] for one in hidden if one in raw] == []
    assert [one for one in IDENTIFYING if await _rows_with(parts, one)] == []
    if parts.store.is_sqlite:
        raw = _raw(tmp_path / "state")
        assert [one for one in IDENTIFYING if one.encode() in raw] == []
    verified = (await admin.get("/api/v1/audit/verification")).json()["data"]
    assert (verified["intact"], verified["reason"]) == (True, None)
    rows = (await admin.get(f"/api/v1/audit?resourceId={person_id}")).json()["data"]
    assert {(one["action"], one["redacted"]) for one in rows} == {("person.created", True), ("person.removed", True)}
    assert {(one["before"] or one["after"])["fullName"] for one in rows} == {"(erased)"}
    assert (await _rows_with(parts, person_id)).keys() == {"audit", "erasures"}
    [receipt] = (await admin.get(f"/api/v1/erasures?personId={person_id}")).json()["data"]
    assert (receipt["scope"], receipt["state"]) == ("person", "done")


async def test_a_long_erasure_goes_on_as_a_job(
    parts: Parts, admin: httpx.AsyncClient, portraits: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The answer comes at once and nobody is recognised any more; the job looks through what was told and seals."""
    monkeypatch.setattr("server.pipeline.erase.SHORT_EVENTS", 0)
    monkeypatch.setattr("server.store.scrubbing.AT_ONCE", 1)
    person_id, hidden = await _somebody(admin, parts)
    receipt = (await admin.delete(f"/api/v1/people/{person_id}/biometrics")).json()["data"]
    assert (receipt["state"], receipt["sha256"], receipt["objectsLeft"]) == ("pending", None, 5)
    assert len(parts.roster.gallery) == 0
    async with parts.store.read() as session:
        for table in (Template, Photo, RefusedView, Clip):
            assert (await session.exec(select(table))).all() == []
    async with asyncio.TaskGroup() as tasks:
        working = tasks.create_task(parts.jobs.run())
        while receipt["state"] == "pending":
            await asyncio.sleep(0.02)
            [receipt] = (await admin.get("/api/v1/erasures")).json()["data"]
        working.cancel()
    assert (receipt["objectsLeft"], receipt["counts"]["objects"], receipt["counts"]["events"]) == (0, 5, 1)
    assert await _objects_left(parts) == []
    if parts.store.is_sqlite:
        raw = _raw(tmp_path / "state")
        assert [one[:60] for one in hidden if one in raw] == []


async def test_a_face_whose_days_are_over_is_nowhere(
    parts: Parts, admin: httpx.AsyncClient, portraits: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the nightly retention erases of somebody who left is as much gone as what is asked for."""
    over = RuntimeSettings(retention=RetentionSettings(inactive_days=30))
    monkeypatch.setattr(type(parts.runtime), "current", property(lambda _self: over))
    person_id, hidden = await _somebody(admin, parts)
    assert (await admin.put(f"/api/v1/people/{person_id}", json={"fullName": NAME, "active": False})).status_code == 200
    async with parts.store.transaction() as session:
        person = await session.get_one(Person, person_id)
        person.inactive_since = parts.clock.now() - timedelta(days=31)
    async with asyncio.TaskGroup() as tasks:
        working = tasks.create_task(parts.jobs.run())
        receipts: list[dict[str, Any]] = []
        while not receipts or receipts[0]["state"] == "pending":
            await asyncio.sleep(0.02)
            receipts = (await admin.get(f"/api/v1/erasures?personId={person_id}")).json()["data"]
        working.cancel()
    assert (receipts[0]["askedBy"], receipts[0]["scope"]) == ("Rollcall", "biometrics")
    if parts.store.is_sqlite:
        raw = _raw(tmp_path / "state")
        assert [one[:60] for one in hidden if one in raw] == []
    assert await _objects_left(parts) == []
    async with parts.store.read() as session:
        assert (await session.exec(select(Entry.person_id))).all() == [person_id]


async def test_what_was_told_is_in_no_memory(parts: Parts, admin: httpx.AsyncClient, portraits: None) -> None:
    """A subscriber who comes back to a topic that others follow, and a client that asks for an answer again."""
    key = {"Idempotency-Key": "once"}
    form = {"fullName": NAME, "employeeId": "E-78"}
    made = (await admin.post("/api/v1/people", json=form, headers=key)).json()["data"]
    told: dict[str, object] = {
        "entryId": "e",
        "person": {"id": made["id"], "fullName": NAME},
        "at": "2026-01-05T08:00:00Z",
    }
    event = NewEvent("attendance", "attendance.checked_in", "cameras/d", told, parts.clock.now())
    async with parts.store.transaction() as session:
        await parts.recorder.append(session, [event])

    def subscription() -> Subscription:
        return Subscription(1, "attendance", None, Pipe(), on_behind=lambda: None, on_slow=lambda: None)

    first = subscription()
    opened = await parts.hub.follow(first, None)
    assert first.feed is not None
    assert first.feed.first <= opened.offset
    assert (await admin.delete(f"/api/v1/people/{made['id']}")).status_code == 204
    assert first.feed.first == opened.offset + 1
    again = subscription()
    assert (await parts.hub.follow(again, Cursor(epoch=opened.epoch, offset=0))).recovered
    again.release()
    assert again.needs_log
    [stored] = await parts.hub.log.read("attendance", 0, 10)
    assert stored.data["person"] is None
    asked = await admin.post("/api/v1/people", json=form, headers=key)
    assert (asked.status_code, asked.json()["error"]["code"]) == (409, "idempotency_answer_lost")
    [receipt] = (await admin.get("/api/v1/erasures")).json()["data"]
    assert (receipt["counts"]["answers"], receipt["counts"]["events"], receipt["counts"]["auditRows"]) == (1, 1, 2)


async def test_what_screens_and_alerts_have_said(parts: Parts, admin: httpx.AsyncClient) -> None:
    """The greeting of somebody without a photo, and an alert of one of their days: held, given, and gone with them."""
    person_id = (await admin.post("/api/v1/people", json={"fullName": NAME})).json()["data"]["id"]
    now, kiosk = parts.clock.now(), Kiosk(name="Hall")
    async with parts.store.transaction() as session:
        session.add(kiosk)
        person = await session.get_one(Person, person_id)
        local = Local(parts.runtime.current.attendance, parts.zone)
        found = await check_in(session, kiosk, person, Moment(now, 0, False), now, local)
        await parts.recorder.append(session, events(kiosk, found, now))
        subject = f"people/{person_id}/days/2026-01-05"
        log = parts.recorder
        await alerts.raise_alert(
            session, log, kind=KIND, severity="warning", subject=subject, message="No check-out.", at=now
        )
        await alerts.clear_alert(session, log, KIND, subject, now)
    held_rows = [rows async for rows in held.rows(parts.store, held.tables(person_id)["events"])]
    assert {row.type for rows in held_rows for row in rows} == {
        "attendance.checked_in", "kiosk.greeting", "alert.raised", "alert.cleared",
    }  # fmt: skip
    assert (await admin.delete(f"/api/v1/people/{person_id}")).status_code == 204
    left = [event.data for topic in (f"kiosks/{kiosk.id}", "alerts") for event in await parts.hub.log.read(topic, 0, 9)]
    assert len(left) == 3
    assert NAME not in json.dumps(left)
    assert person_id not in json.dumps(left)


async def test_who_was_merged_is_erased_too(parts: Parts, admin: httpx.AsyncClient) -> None:
    """What was told before has the id of the other entry, and the same name."""
    ids = [(await admin.post("/api/v1/people", json={"fullName": NAME})).json()["data"]["id"] for _ in range(2)]
    told: dict[str, object] = {"entryId": "e", "person": {"id": ids[1], "fullName": NAME}}
    event = NewEvent("attendance", "attendance.checked_in", "cameras/d", told, parts.clock.now())
    async with parts.store.transaction() as session:
        await parts.recorder.append(session, [event])
    assert (await admin.post(f"/api/v1/people/{ids[0]}/merge", json={"otherId": ids[1]})).status_code == 200
    assert (await admin.delete(f"/api/v1/people/{ids[0]}")).status_code == 204
    assert await _rows_with(parts, NAME) == {}


async def test_an_erasure_waits_for_the_storage(
    parts: Parts, admin: httpx.AsyncClient, portraits: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pending while the objects are there, without a hash; done once a later try has removed them."""
    person_id, _ = await _somebody(admin, parts)

    async def away(*_keys: str) -> None:
        raise Unavailable("The object storage is away.", code="storage_unavailable")

    with monkeypatch.context() as patched:
        patched.setattr(parts.objects, "delete", away)
        receipt = (await admin.delete(f"/api/v1/people/{person_id}/biometrics")).json()["data"]
    assert (receipt["state"], receipt["sha256"], receipt["objectsLeft"]) == ("pending", None, 5)
    assert [one["kind"] for one in (await admin.get("/api/v1/jobs")).json()["data"]] == ["erasure"]
    assert await parts.eraser.finish_all() == 1
    [receipt] = (await admin.get("/api/v1/erasures")).json()["data"]
    assert (receipt["state"], receipt["objectsLeft"], receipt["counts"]["objects"]) == ("done", 0, 5)
    assert await _objects_left(parts) == []


async def test_a_refusal_takes_the_face_away(parts: Parts, admin: httpx.AsyncClient, portraits: None) -> None:
    """The history is kept and audited; the person keeps the employee's number; no further photo until they agree."""
    person_id, _ = await _somebody(admin, parts)
    url = f"/api/v1/people/{person_id}"
    form = {"state": "given", "textVersion": "2026-1", "how": "screen", "at": "2020-01-05T08:00:00Z"}
    assert (await admin.put(f"{url}/consent", json=form)).json()["data"]["at"] == "2020-01-05T08:00:00.000Z"
    assert (await admin.get(url)).json()["data"]["photoCount"] == 1
    assert (await admin.put(f"{url}/consent", json=form | {"state": "withdrawn"})).status_code == 200
    seen = (await admin.get(url)).json()["data"]
    assert (seen["consent"], seen["photoCount"], seen["employeeId"]) == ("withdrawn", 0, "Q-77")
    assert len(parts.roster.gallery) == 0
    refused = await _upload(admin, url)
    assert (refused.status_code, refused.json()["error"]["code"]) == (422, "consent_refused")
    assert (await admin.put(f"{url}/consent", json=form)).status_code == 200
    assert (await _upload(admin, url)).status_code == 201
    history = (await admin.get(f"{url}/consent")).json()["data"]
    assert [one["state"] for one in history] == ["given", "withdrawn", "given"]
    audited = (await admin.get("/api/v1/audit?pageSize=100")).json()["data"]
    assert {"consent.given", "consent.withdrawn"} <= {one["action"] for one in audited}
    late = await admin.put(f"{url}/consent", json=form | {"at": "2999-01-01T00:00:00Z"})
    assert (late.status_code, late.json()["error"]["details"][0]["code"]) == (422, "in_the_future")


async def test_consent_is_asked_first_where_the_setting_says_so(
    parts: Parts, admin: httpx.AsyncClient, portraits: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a statement no photo is taken; with consent it is."""
    asking = RuntimeSettings(features=FeatureSettings(consent_first=True))
    monkeypatch.setattr(type(parts.runtime), "current", property(lambda _self: asking))
    url = f"/api/v1/people/{(await admin.post('/api/v1/people', json={'fullName': NAME})).json()['data']['id']}"
    refused = await _upload(admin, url)
    assert (refused.status_code, refused.json()["error"]["code"]) == (422, "no_consent")
    await admin.put(f"{url}/consent", json={"state": "given", "textVersion": "1"})
    assert (await _upload(admin, url)).status_code == 201


async def test_all_that_is_held_on_somebody(parts: Parts, admin: httpx.AsyncClient, portraits: None) -> None:
    """One ZIP: rows without anything sealed, photos, and a word on each picture that could not be read."""
    person_id, hidden = await _somebody(admin, parts)
    answer = await admin.get(f"/api/v1/people/{person_id}/export")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/zip")
    assert f"person-{person_id}.zip" in answer.headers["content-disposition"]
    with ZipFile(BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        assert json.loads(archive.read("person.json"))["fullName"] == NAME
        wanted = ("entries", "sightings", "templates")
        held = {name: archive.read(f"{name}.jsonl").decode().splitlines() for name in wanted}
        assert [len(lines) for lines in held.values()] == [1, 1, 1]
        assert json.loads(held["entries"][0])["similarity"] == 0.7
        audited = [json.loads(line)["action"] for line in archive.read("audit.jsonl").decode().splitlines()]
        assert audited[-1] == "person.exported"
        [photo] = [name for name in names if name.startswith("pictures/photos/") and not name.endswith("-face.jpg")]
        assert decode(archive.read(photo)).shape[2] == 3
        # The frames of this test are no pictures.
        assert archive.read("not-included.txt").decode().count("no picture") == 2
        everything = b"".join(archive.read(name) for name in names)
    assert not any(one in everything for one in hidden[:3])
    missing = await admin.get("/api/v1/people/nobody/export")
    assert missing.status_code == 404
