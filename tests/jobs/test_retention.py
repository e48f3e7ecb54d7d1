"""Retention: what is over and old goes, what is new or open stays, and the audit says so."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from server.access.answers import KeptAnswers
from server.access.audit import Audit
from server.access.keyring import Keyring
from server.bus.memory import MemoryBus
from server.clock import ManualClock
from server.errors import NotFound
from server.events.hub import Hub
from server.events.log import Position
from server.events.schema import Cursor
from server.events.subscription import Subscription
from server.events.tail import read_after
from server.jobs.retention import NAME, NIGHTLY, retention
from server.jobs.work import Place
from server.pipeline.erase import Eraser
from server.store import alerts, clips, jobs, people, snapshots
from server.store.audit import SYSTEM, Filter
from server.store.event_log import TableLog
from server.store.paging import Page
from server.store.runtime import RetentionSettings
from server.store.tables import (
    Alert,
    Attempt,
    AuditRow,
    Clip,
    Delivery,
    Entry,
    Erasure,
    IdempotentAnswer,
    Job,
    OneTimeCode,
    Person,
    Photo,
    Report,
    ReportRun,
    Role,
    Session,
    Sighting,
    Snapshot,
    Terminal,
    TerminalLine,
    User,
    Webhook,
)
from tests.events.scenes import Pipe, new_event, say
from tests.jobs.conftest import jobs_of, load, running, states_told, until

DAYS = RetentionSettings(
    sessions_days=30, audit_days=365, jobs_days=10, snapshots_days=14, clips_days=7, terminal_lines_days=20
)


@pytest.fixture
def audit(place: Place, clock: ManualClock) -> Audit:
    return Audit(place.store, Keyring(("s" * 64,)), clock)


def eraser_of(place: Place, audit: Audit) -> Eraser:
    answers = KeptAnswers(place.store, Keyring(("s" * 64,)))
    return Eraser(
        place.store, place.objects, place.clock, Hub(TableLog(place.store), MemoryBus(), place.clock), answers, audit
    )


async def done_now(place: Place, audit: Audit) -> Job:
    """One night's work."""
    async with place.store.read() as session:
        before = (await jobs.page(session, Page(), kind=NAME)).total
    async with running(here := jobs_of(place, retention(place, audit, lambda: DAYS, eraser_of(place, audit)))):
        if not before:
            for _ in range(1000):
                async with place.store.read() as session:
                    found = (await jobs.page(session, Page(), kind=NAME)).rows
                if found:
                    return await until(place, found[0].id, "done", "failed")
        job = await here.submit(None, NAME)
        return await until(place, job.id, "done", "failed")


def snapshot(tag: str, at: datetime, size_bytes: int = 100) -> Snapshot:
    """Of a camera that is gone."""
    return Snapshot(
        taken_at=at, origin="request", width=1, height=1, size_bytes=size_bytes, object_key=f"snapshots/{tag}.jpg",
        thumbnail_key=f"snapshots/{tag}-small.jpg",
    )  # fmt: skip


def clip(tag: str, at: datetime, size_bytes: int = 100) -> Clip:
    """Of a sighting that is gone."""
    return Clip(
        started_at=at, duration_s=9, width=1, height=1, codec="h264", size_bytes=size_bytes,
        object_key=f"clips/{tag}.mp4",
    )  # fmt: skip


async def put_pictures(place: Place, tag: str) -> None:
    for key in (f"snapshots/{tag}.jpg", f"snapshots/{tag}-small.jpg"):
        await place.objects.put(key, b"picture")
    await place.objects.put(f"clips/{tag}.mp4", b"film")


async def fill(place: Place, days_ago: float) -> None:
    """One of everything, which ended so long ago."""
    at = place.clock.now() - timedelta(days=days_ago)
    tag = str(days_ago)
    key = f"exports/{tag}.csv"
    await place.objects.put(key, b"rows")
    await put_pictures(place, tag)
    await place.objects.put(f"sightings/{tag}.jpg", b"picture")
    async with place.store.transaction() as session:
        role = Role(name=f"R{tag}")
        session.add(role)
        await session.flush()
        gate = Terminal(serial_number=tag, name="Gate")
        session.add(gate)
        user = User(email=f"{tag}@example.com", full_name="A", password_hash="x", role_id=role.id)
        webhook = Webhook(name=f"W{tag}", kind="standard", url="u", types=[])
        report = Report(
            name=tag, kind="day", format="csv", recipients=[], frequency="daily", time="07:30", time_zone="UTC",
            created_by=user.id,
        )  # fmt: skip
        session.add_all([user, webhook, report])
        await session.flush()
        for state in ("failed", "sent"):  # of which the newest stays
            session.add(
                ReportRun(
                    report_id=report.id, first_date=at.date(), last_date=at.date(), state=state, left=[], next_at=at,
                    due_at=at - timedelta(days=state == "failed"), give_up_at=at, finished_at=at,
                )
            )  # fmt: skip
        session.add_all(
            [
                Session(user_id=user.id, refresh_hash=tag, expires_at=at),
                OneTimeCode(code_hash=tag, purpose="ticket", subject={}, expires_at=at),
                Attempt(key=tag, at=at),
                IdempotentAnswer(key_hash=tag, request_hash="r", created_at=at),
                Alert(kind="k", severity="info", subject=tag, message="m", cleared_at=at),
                Job(kind="work", state="done", run_at=at, finished_at=at, result_key=key),
                TerminalLine(
                    terminal_id=gate.id,
                    digest=tag,
                    pin="7",
                    local_time="",
                    status="0",
                    verify="1",
                    work_code="",
                    state="unknown_person",
                    created_at=at,
                ),
                snapshot(tag, at),
                clip(tag, at),
                Delivery(
                    webhook_id=webhook.id,
                    message_id=tag,
                    type="alert.raised",
                    state="delivered",
                    next_at=at,
                    give_up_at=at,
                    finished_at=at,
                ),
                Sighting(state="closed", started_at=at, last_seen_at=at, snapshot_key=f"sightings/{tag}.jpg"),
            ]
        )


async def test_what_is_old_goes(place: Place, audit: Audit, clock: ManualClock) -> None:
    """And only that; what it made of it is the job's result and a row of the audit."""
    async with place.store.transaction() as session:
        await audit.record(session, SYSTEM, "user.created", "users", "1")
    clock.advance(400 * 86_400)
    await fill(place, 40)
    await fill(place, 0.01)
    async with place.store.transaction() as session:
        session.add(Alert(kind="k", severity="info", subject="open", message="m"))
        session.add(OneTimeCode(code_hash="o", purpose="t", subject={}, expires_at=clock.now() + timedelta(1)))
    job = await done_now(place, audit)
    assert job.error is None
    assert job.result == {
        "sessions": 1, "oneTime": 2, "attempts": 1, "answers": 1, "alerts": 1, "jobs": 1, "audit": 1, "snapshots": 1,
        "snapshotsOverSize": 0, "clips": 1, "clipsOverSize": 0, "unknowns": 1, "inactivePeople": 0,
        "erasures": 0, "deliveries": 1, "terminalLines": 1, "reportRuns": 1, "leftovers": 0, "events": 0,
    }  # fmt: skip
    assert (job.done, job.total) == (19, 19)
    async with place.store.read() as session:
        assert {row.subject for row in (await alerts.page(session, Page())).rows} == {"0.01", "open"}
        assert {row.kind for row in (await jobs.page(session, Page())).rows} == {"work", NAME}
    assert [key async for key in place.objects.keys("exports")] == ["exports/0.01.csv"]
    assert {key async for key in place.objects.keys("snapshots")} == {
        "snapshots/0.01.jpg", "snapshots/0.01-small.jpg",
    }  # fmt: skip
    assert [key async for key in place.objects.keys("clips")] == ["clips/0.01.mp4"]
    assert [key async for key in place.objects.keys("sightings")] == ["sightings/0.01.jpg"]
    (row,) = (await audit.page(Page(), Filter(action="retention.done"))).rows
    assert isinstance(row, AuditRow)
    assert (row.actor_kind, row.resource, row.resource_id, row.after) == ("system", "jobs", job.id, job.result)
    assert (await audit.verify()).intact
    assert await states_told(place) == ["queued", "running", "running", "done"]


async def test_nothing_to_do_is_not_worth_a_row(place: Place, audit: Audit) -> None:
    """Of the audit; the job says it."""
    job = await done_now(place, audit)
    assert set((job.result or {}).values()) == {0}
    assert (await audit.page(Page(), Filter())).total == 0


async def test_many_jobs(place: Place, audit: Audit, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bit at a time, until all are gone; its own stays."""
    monkeypatch.setattr("server.jobs.retention.AT_ONCE", 3)
    old = place.clock.now() - timedelta(days=11)
    async with place.store.transaction() as session:
        session.add_all([Job(kind="work", state="failed", run_at=old, finished_at=old) for _ in range(10)])
    job = await done_now(place, audit)
    assert (job.result or {})["jobs"] == 10
    assert (await load(place, job.id)).state == "done"
    with pytest.raises(NotFound):
        await place.objects.get("exports/nothing.csv")


async def test_snapshots_have_a_size_in_all(place: Place, audit: Audit, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond it the oldest go, some at a time, with their pictures, and no more of them than must."""
    monkeypatch.setattr("server.jobs.retention.AT_ONCE", 2)
    now = place.clock.now()
    async with place.store.transaction() as session:
        for hours in range(6):
            session.add(snapshot(f"{hours}", now - timedelta(hours=hours), 300_000_000))
    for hours in range(6):
        await put_pictures(place, f"{hours}")
    monkeypatch.setitem(globals(), "DAYS", DAYS.model_copy(update={"snapshots_gb": 1}))
    job = await done_now(place, audit)
    assert (job.result or {})["snapshotsOverSize"] == 3
    async with place.store.read() as session:
        left = await snapshots.oldest(session, 9)
    assert [row.object_key for row in left] == [f"snapshots/{hours}.jpg" for hours in (2, 1, 0)]
    assert len([key async for key in place.objects.keys("snapshots")]) == 6


async def test_clips_have_a_size_in_all(place: Place, audit: Audit, monkeypatch: pytest.MonkeyPatch) -> None:
    """A size of their own."""
    now = place.clock.now()
    async with place.store.transaction() as session:
        for hours in range(4):
            session.add(clip(f"{hours}", now - timedelta(hours=hours), 700_000_000))
    monkeypatch.setitem(globals(), "DAYS", DAYS.model_copy(update={"clips_gb": 2}))
    job = await done_now(place, audit)
    assert ((job.result or {})["clipsOverSize"], (job.result or {})["snapshotsOverSize"]) == (2, 0)
    async with place.store.read() as session:
        left = await clips.oldest(session, 9)
    assert [row.object_key for row in left] == ["clips/1.mp4", "clips/0.mp4"]


async def test_faces_of_people_who_left(
    place: Place, audit: Audit, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After so many days, where a number is set; each with a receipt. Who is active, or left lately, keeps theirs."""
    monkeypatch.setattr("server.jobs.retention.AT_ONCE", 1)
    ids = {}
    for name, days_ago in (("active", None), ("lately", 1.0), ("long", 40.0), ("longer", 400.0), ("bare", 400.0)):
        since = clock.now() - timedelta(days=days_ago) if days_ago else None
        person = Person(full_name=name, active=days_ago is None, inactive_since=since)
        ids[name] = person.id
        photo = Photo(
            person_id=person.id, object_key=f"people/{name}.jpg", portrait_key=f"people/{name}-small.jpg", width=1,
            height=1, box=[], quality={},
        )  # fmt: skip
        seen = Sighting(
            person_id=person.id, state="closed", started_at=clock.now(), last_seen_at=clock.now(),
            snapshot_key=f"sightings/{name}.jpg",
        )  # fmt: skip
        entry = Entry(person_id=person.id, at=clock.now(), direction="in", origin="manual")
        for row in (person, entry) if name == "bare" else (person, photo, seen, entry):
            async with place.store.transaction() as session:
                session.add(row)
        for key in (photo.object_key, photo.portrait_key, seen.snapshot_key or ""):
            await place.objects.put(key, b"picture")
    job = await done_now(place, audit)
    assert (job.result or {})["inactivePeople"] == 0
    monkeypatch.setattr("tests.jobs.test_retention.DAYS", DAYS.model_copy(update={"inactive_days": 30}))
    job = await done_now(place, audit)
    assert job.error is None
    figures = job.result or {}
    assert (figures["inactivePeople"], figures["erasures"]) == (2, 2)
    kept = {"active", "lately", "bare"}
    assert {key async for key in place.objects.keys("sightings")} == {f"sightings/{name}.jpg" for name in kept}
    async with place.store.read() as session:
        owners = set((await session.exec(select(Photo.person_id))).all())
        assert owners == {ids["active"], ids["lately"]}
        assert len((await session.exec(select(Entry).where(col(Entry.person_id).is_not(None)))).all()) == 5
        assert len((await session.exec(select(Person))).all()) == 5
        receipts = (await session.exec(select(Erasure))).all()
    assert {(row.person_id, row.scope, row.state, row.asked_by) for row in receipts} == {
        (ids[name], "biometrics", "done", SYSTEM.name) for name in ("long", "longer")
    }
    assert all(row.counts["photos"] == row.counts["sightingPictures"] == 1 for row in receipts)
    audited = (await audit.page(Page(), Filter(action="biometrics.erased"))).rows
    assert {row.resource_id for row in audited} == {ids["long"], ids["longer"]}
    again = await done_now(place, audit)
    assert (again.result or {})["inactivePeople"] == 0


async def test_who_is_erased_meanwhile_is_not_erased_again(
    place: Place, audit: Audit, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two nights' work at once, or an operator who was quicker: one receipt."""
    person = Person(full_name="A", active=False, inactive_since=clock.now() - timedelta(days=40))
    photo = Photo(
        person_id=person.id,
        object_key="people/a.jpg",
        portrait_key="people/b.jpg",
        width=1,
        height=1,
        box=[],
        quality={},
    )
    for row in (person, photo):
        async with place.store.transaction() as session:
            session.add(row)
    long_inactive, eraser = people.long_inactive, eraser_of(place, audit)

    async def found_and_erased(session: AsyncSession, before: datetime, limit: int, **which: str) -> Sequence[str]:
        found = await long_inactive(session, before, limit, **which)
        if not which and found:
            async with place.store.transaction() as other:
                await eraser.begin(other, await people.lock(other, person.id), "biometrics", "somebody else")
        return found

    monkeypatch.setattr(people, "long_inactive", found_and_erased)
    monkeypatch.setitem(globals(), "DAYS", DAYS.model_copy(update={"inactive_days": 30}))
    job = await done_now(place, audit)
    assert ((job.result or {})["inactivePeople"], (job.result or {})["erasures"]) == (0, 1)


async def test_events(place: Place, audit: Audit, clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is too old or too much is forgotten: whoever is further back is told so, everybody else misses nothing."""
    monkeypatch.setattr("server.jobs.retention.EVENTS_AT_ONCE", 2)
    monkeypatch.setitem(globals(), "DAYS", DAYS.model_copy(update={"events_per_topic": 4}))
    log, now = TableLog(place.store), clock.now()
    kinds = {"attendance": "attendance.refused", "sightings": "sighting.closed", "alerts": "alert.raised"}
    ages = {"attendance": (200, 150, 91, 89, 1), "sightings": (91,) * 5, "alerts": (9,) * 9}
    made = {topic: new_event(0, topic=topic, kind=kind) for topic, kind in kinds.items()}
    old = (replace(made[topic], time=now - timedelta(days=age)) for topic in ages for age in ages[topic])
    await say(place.store, log, None, *old)
    heads = await log.heads()
    epoch = heads["attendance"].epoch
    hub = Hub(log, MemoryBus(), clock)

    async def recovered(topic: str, offset: int) -> list[int] | None:
        """The offsets that follow, or that they cannot be had; a WebSocket is told the same."""
        found = await read_after(log, topic, Position(epoch, offset), 20)
        subscription = Subscription(1, topic, None, pipe := Pipe(), on_behind=lambda: None, on_slow=lambda: None)
        opened = await hub.follow(subscription, Cursor(epoch=epoch, offset=offset))
        subscription.release()
        offsets = [event.offset for event in found.events]
        assert (opened.recovered, pipe.offsets) == (found.recovered, offsets)
        return offsets if found.recovered else None

    figures = (await done_now(place, audit)).result or {}
    assert figures["events"] == 3 + 5 + 5
    after = await log.heads()
    assert {topic: after[topic] for topic in heads} == heads
    assert [await recovered("attendance", offset) for offset in (0, 2, 3, 4, 5)] == [None, None, [4, 5], [5], []]
    assert [await recovered("sightings", offset) for offset in (0, 4, 5)] == [None, None, []]
    assert [await recovered("alerts", offset) for offset in (4, 5)] == [None, [6, 7, 8, 9]]
    stored = await say(place.store, log, hub, *(replace(event, time=now) for event in made.values()))
    assert [event.offset for event in stored] == [6, 6, 10]
    assert [event.offset for event in await log.read("sightings", 0, 9)] == [6]


def test_it_comes_round_every_night(place: Place, audit: Audit) -> None:
    """By itself, and is tried again when it fails."""
    kind = retention(place, audit, lambda: DAYS, eraser_of(place, audit))
    assert (kind.name, kind.every, kind.permission) == ("retention", NIGHTLY, None)
    assert kind.tries > 1
    assert isinstance(place.log, TableLog)
