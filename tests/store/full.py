"""A database with something in every table, in the shapes that are hardest to carry over, and all that is in one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select
from sqlmodel import SQLModel

from server.access.audit import Audit
from server.access.keyring import Keyring
from server.clock import ManualClock
from server.events.schema import NewEvent
from server.ids import new_id
from server.store import tables
from server.store.audit import Actor
from server.store.engine import Store
from server.store.event_log import TableLog

SECRET = "a-secret-of-tests-0123456789-abcdefghijklmnop"
AT = datetime(2026, 3, 29, 1, 59, 59, 123456, tzinfo=UTC)
ADA = Actor("user", "u1", "ada@example.com", "192.0.2.7", "curl/8", "r1")
BYTES = bytes(range(256))


async def fill(store: Store, *, people: int = 3) -> None:
    """At least one row in every table; `people` of them."""
    role = tables.Role(name="Admin", permissions=["users:read", "people:write"], builtin=True)
    user = tables.User(
        email="ada@example.com", full_name="Ada Lovelace", password_hash="$2b$04$x", role_id=role.id,
        last_login_at=AT, camera_ids=None, department_ids=[], preferences={"theme": "dark", "deep": {"n": 0.1}},
    )  # fmt: skip
    department = tables.Department(name="Zoë’s Büro — 設計")
    camera = tables.Camera(
        name="Door", kind="rtsp", role="in", source="rtsp://guard@10.0.0.9/1", sealed_source="gAAAAB-sealed",
        analysis_hours=[{"day": 1, "from": "08:00"}],
    )  # fmt: skip
    persons = [
        tables.Person(full_name=f"Person “{n}” Ünal", department_id=department.id, external_ids={"hr": str(n)})
        for n in range(people)
    ]
    photos = [
        tables.Photo(
            person_id=one.id, object_key=f"people/{one.id}/photo.jpg", portrait_key=f"people/{one.id}/portrait.jpg",
            width=640, height=480, box=[0.1, 1 / 3, 1e-9, 1.0], quality={"blur": 0.30000000000000004}, warnings=[],
        )
        for one in persons
    ]  # fmt: skip
    templates = [
        tables.Template(
            person_id=one.person_id, photo_id=one.id, pack="mobilefacenet", pack_sha256="a" * 64, dimension=64,
            key_id="0123456789ab", embedding=BYTES,
        )
        for one in photos
    ]  # fmt: skip
    sightings = [
        tables.Sighting(
            camera_id=camera.id, person_id=one.id, state="closed", started_at=AT, last_seen_at=AT, ended_at=AT,
            similarity=0.7071067811865476, margin=None, votes=3, box=[0.0, 1.0],
            evidence={"base": 0.1, "weights": [0.3]},
        )
        for one in persons
    ]  # fmt: skip
    entries = [
        tables.Entry(
            person_id=one.person_id or "", at=AT, direction="in", origin="camera", camera_id=camera.id,
            sighting_id=one.id, similarity=1.0,
        )
        for one in sightings
    ]  # fmt: skip
    entries.append(
        tables.Entry(pseudonym="p" * 36, department_id=department.id, at=AT, direction="out", origin="manual")
    )
    jobs = [
        tables.Job(kind="retention", state="running", attempts=2, run_at=AT, lease_until=AT, worker="w1", done=4),
        tables.Job(kind="retention", state="done", attempts=1, run_at=AT, finished_at=AT, result={"rows": 4}),
    ]
    visitor = tables.Visitor(
        pack="mobilefacenet", pack_sha256="a" * 64, last_seen_at=AT, key_id="0123456789ab", embedding=BYTES
    )  # fmt: skip
    webhook = tables.Webhook(
        name="Zoë’s Lohn", kind="standard", url="https://u@receiver.example/x", types=["attendance.checked_in"],
        camera_ids=[camera.id], key_id="0123456789ab", sealed="gAAAAB-sealed", previous_until=AT, epoch="e" * 36,
        cursor={"attendance": 2**40}, failures=3, resumes_at=AT, worker="w1", lease_until=AT, served_at=AT,
    )  # fmt: skip
    delivery = tables.Delivery(
        webhook_id=webhook.id, message_id="m" * 36, type="attendance.checked_in", topic="attendance", epoch="e" * 36,
        offset=2**40, person_id=persons[0].id, state="dead", result="gave_up", tries=22, next_at=AT, give_up_at=AT,
        finished_at=AT,
    )  # fmt: skip
    shift = tables.Shift(name="Nacht", rules={"start": "22:00", "end": "06:00", "days": [1, 7]})
    site = tables.Site(name="Köln", timezone="Europe/Berlin")
    terminal = tables.Terminal(
        serial_number="OID7", name="Tor – Süd", site_id=site.id, networks=["192.0.2.0/24"], last_seen_at=AT, stamp="7"
    )
    report = tables.Report(
        name="Zoës Woche", kind="exceptions", format="xlsx", recipients=["lohn@example.com"], frequency="weekly",
        weekday=1, time="07:30", time_zone="Europe/Berlin", site_id=site.id, created_by=user.id, next_at=AT,
    )  # fmt: skip
    report_run = tables.ReportRun(
        report_id=report.id, first_date=AT.date(), last_date=AT.date(), due_at=AT, state="sent", tries=2, next_at=AT,
        give_up_at=AT, recipients=2, left=[], refused=1, rows=7, reason="“550 Ünbekannt”", sent_at=AT, finished_at=AT,
    )  # fmt: skip
    lock = tables.DayLock(through=AT.date(), locked_by=user.id, locked_by_name="ada")
    said = {"personId": persons[0].id, "at": AT.isoformat(), "direction": "in"}
    kiosk = tables.Kiosk(name="Lobby", camera_ids=[camera.id], language="de", time_zone="Europe/Berlin")
    levels: list[list[SQLModel]] = [
        [shift, site, lock, webhook, report],
        [role, department, camera, *persons, kiosk, *jobs],
        [user, terminal, *photos, *sightings, delivery, report_run],
        [
            tables.Session(user_id=user.id, refresh_hash="r" * 64, expires_at=AT),
            tables.ApiKey(name="HR", user_id=user.id, prefix="rck_ab", key_hash="k" * 64),
            tables.OneTimeCode(code_hash="c" * 64, purpose="ticket", subject={"user": user.id}, expires_at=AT),
            tables.Attempt(key="login:ada", at=AT),
            tables.IdempotentAnswer(key_hash="i" * 64, request_hash="q" * 64, answer=BYTES, created_at=AT),
            tables.Zone(camera_id=camera.id, name="Line", kind="line", points=[[0.0, 0.5], [1.0, 0.5]], direction="in"),
            tables.Snapshot(
                camera_id=camera.id, taken_at=AT, origin="request", width=1, height=1, size_bytes=9, object_key="s/a",
                thumbnail_key="s/b",
            ),
            tables.Clip(
                camera_id=camera.id, sighting_id=sightings[0].id, started_at=AT, duration_s=2.5, width=1, height=1,
                codec="h264", size_bytes=3_000_000_000, object_key="clips/a.mp4",
            ),
            tables.DeliveryTry(delivery_id=delivery.id, at=AT, status=500, duration_ms=7, reason="http_500"),
            tables.Setting(key="runtime", value={"site": {"name": "Ünal"}}, updated_at=AT),
            tables.Alert(kind="camera_offline", severity="warning", subject="cameras/1", message="Away"),
            tables.Alert(kind="camera_offline", severity="warning", subject="cameras/1", message="Once", cleared_at=AT),
            tables.RefusedView(
                person_id=persons[0].id, sighting_id=sightings[0].id, pack="mobilefacenet", pack_sha256="a" * 64,
                key_id="0123456789ab", embedding=BYTES,
            ),
            visitor,
            tables.Credential(
                person_id=persons[0].id, kind="badge", digest="d" * 64, key_id="0123456789ab", label="Blau",
                ending="2:9C", last_used_at=AT,
            ),
            tables.Consent(
                person_id=persons[0].id, state="given", text_version="2026-1", at=AT, how="paper", noted_by="ada"
            ),
            tables.Erasure(
                person_id="gone", scope="person", state="done", asked_by="ada", counts={"photos": 2}, left=[],
                finished_at=AT, sha256="e" * 64,
            ),
            *templates,
            *entries,
        ],
        [
            tables.Correction(entry_id=entries[0].id, kind="remove", before=said, reason="“Zu spät”", state="applied"),
            tables.Schedule(
                person_id=persons[0].id, first_date=AT.date(),
                rotation={"anchor": "2026-03-29", "unit": "week", "turns": [[shift.id], []]},
            ),
            tables.Holiday(date=AT.date(), name="Kölner Karneval", site_id=site.id),
            tables.Leave(person_id=persons[0].id, first_date=AT.date(), last_date=AT.date(), kind="x", half="first"),
            tables.FrozenDay(person_id=persons[0].id, date=AT.date(), lock_id=lock.id, days=[{"workedMinutes": 480}]),
        ],
        [
            tables.TerminalLine(
                terminal_id=terminal.id, digest="t" * 64, pin="0007", local_time="2026-03-29 02:30:00", at=AT,
                status="255", verify="15", work_code="", state="entered", person_id=persons[0].id,
                entry_id=entries[0].id,
            ),
            tables.TerminalLine(
                terminal_id=terminal.id, digest="u" * 64, pin="", local_time="", status="", verify="", work_code="",
                text="Ünal\ufffd", state="refused", reason="not_understood",
            ),
        ],  # fmt: skip
        [tables.SightingFace(sighting_id=sightings[-1].id, visitor_id=visitor.id, quality=0.7, embedding=BYTES)],
    ]  # fmt: skip
    log, audit = TableLog(store), audit_of(store)
    for level in levels:
        async with store.transaction() as session:
            session.add_all(level)
    async with store.transaction() as session:
        await audit.record(session, ADA, "user.changed", "users", user.id, before={"n": 0.1}, after={"name": "Zoë"})
        await audit.record(session, ADA, "user.removed", "users", user.id, before={"big": 2**53})
        gone = {"id": "gone", "fullName": "Ünal"}
        await audit.record(session, ADA, "person.removed", "people", "gone", before=gone)
        events = [NewEvent("attendance", "attendance.checked_in", "e/1", {"n": n}, AT) for n in range(people)]
        await log.append(session, events)
    await log.epoch()
    await audit.redact(["gone"])


def audit_of(store: Store, secret: str = SECRET) -> Audit:
    """The chain under the tests' key, or under another."""
    return Audit(store, Keyring((secret,)), ManualClock(AT))


async def contents(url: str) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of all tables, as the program sees them."""
    async with opened(url) as store, store.engine.connect() as connection:
        return {
            name: [tuple(row) for row in await connection.execute(select(table).order_by(*table.primary_key.columns))]
            for name, table in SQLModel.metadata.tables.items()
        }


async def add_somebody(url: str) -> str:
    """One more person, whose id tells whether something is as it was."""
    async with opened(url) as store, store.transaction() as session:
        person = tables.Person(full_name="Somebody", employee_id=new_id())
        session.add(person)
    return person.id


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Store]:
    async with Store(url) as store:
        yield store
