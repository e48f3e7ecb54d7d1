"""Killed between any two steps and done by another worker, a job of any kind has its effect once."""

import io
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import SQLModel, col, delete, select

from server.clock import ManualClock
from server.events.limits import Reach
from server.jobs import (
    asker,
    audit_export,
    check_outs,
    days_export,
    entries_import,
    entries_job,
    erasure,
    import_job,
    rebuild_job,
    retention,
)
from server.jobs.uploads import keep_upload
from server.jobs.worker import MOST_DEATHS
from server.parts import Parts
from server.store import embedders, event_log, jobs, people, terminals
from server.store.audit import Actor, Filter
from server.store.embedders import Build
from server.store.event_log import TableLog
from server.store.paging import Page
from server.store.tables import Alert, Entry, Erasure, EventRow, Job, Person, Snapshot, Template, Terminal, TerminalLine
from tests.events.scenes import new_event
from tests.jobs.deaths import Fate, Killed
from tests.opened import parts_in
from tests.pipeline.test_switching import enrolled

CLERK = Actor("user", "u1", "u")
BEGUN = datetime(2026, 1, 5, 12, tzinfo=UTC)

Prepare = Callable[[Parts, int], Awaitable[dict[str, object]]]
Check = Callable[[Parts, int, Job], Awaitable[None]]


@pytest.fixture
async def parts(tmp_path: Path) -> AsyncIterator[Parts]:
    async with parts_in(tmp_path / "state", ManualClock(BEGUN)) as parts:
        async with parts.store.transaction() as session:
            session.add(Person(full_name="Ada", employee_id="1"))
        yield parts


async def rows_of(parts: Parts, table: type[SQLModel], *conditions: Any) -> Sequence[Any]:
    async with parts.store.read() as session:
        return (await session.exec(select(table).where(*conditions))).all()


async def keys(parts: Parts, folder: str) -> set[str]:
    return {key async for key in parts.objects.keys(folder)}


async def audited(parts: Parts, action: str) -> int:
    return (await parts.access.audit.page(Page(page_size=1), Filter(action=action))).total


async def survived(
    parts: Parts, fate: Fate, monkeypatch: pytest.MonkeyPatch, kind: str, prepare: Prepare, check: Check
) -> int:
    """Dies at each moment in turn, until it comes to its end without dying. How many moments there were."""
    fate.over(monkeypatch)
    clock = parts.clock
    assert isinstance(clock, ManualClock)
    for number in range(1, 400):
        arguments = await prepare(parts, number)
        job = await parts.jobs.submit(None, kind, arguments)
        fate.dies_at, fate.moments = number, 0
        died = False
        try:
            await parts.jobs._worker.work(job.id, parts.jobs.kinds[kind].priority)
        except BaseException as error:
            died = _is_death(error)
            if not died:
                raise
        fate.dies_at = None
        clock.advance(31)
        await parts.jobs._worker.work(job.id, parts.jobs.kinds[kind].priority)
        async with parts.store.read() as session:
            row = await jobs.get(session, job.id)
        assert (row.state, row.error) == ("done", None), number
        ends = [one for one in await _told(parts, job.id) if one in ("job.done", "job.failed")]
        assert ends == ["job.done"], number
        await check(parts, number, row)
        if not died:
            return number - 1
    raise AssertionError("it never came to an end")


def _is_death(error: BaseException) -> bool:
    if isinstance(error, BaseExceptionGroup):
        return all(_is_death(one) for one in error.exceptions)
    return isinstance(error, Killed)


async def _told(parts: Parts, job_id: str) -> list[str]:
    log, after, found = TableLog(parts.store), 0, list[str]()
    while events := await log.read("jobs", after, 500):
        after = events[-1].offset
        found += [one.type for one in events if one.data["id"] == job_id]
    return found


@pytest.fixture
def fate() -> Fate:
    return Fate()


async def test_an_import_of_entries(parts: Parts, fate: Fate, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each entry, its event and its line in the audit once; one report, and nothing of what was sent."""
    rows = 5
    monkeypatch.setattr(entries_import, "AT_ONCE", 3)  # so these are two transactions

    def moments(number: int) -> list[datetime]:
        day = BEGUN - timedelta(days=number)
        return [day + timedelta(minutes=minute) for minute in range(rows)]

    async def prepare(parts: Parts, number: int) -> dict[str, object]:
        lines = "".join(f"1,{at.isoformat()},in\n" for at in moments(number))
        kept = await keep_upload(parts.objects, io.BytesIO(f"employeeId,at,direction\n{lines}".encode()))
        return kept | entries_job.arguments_of(CLERK, Reach(), parts.clock.now(), dry=False)

    async def check(parts: Parts, number: int, job: Job) -> None:
        assert job.result is not None
        assert (job.result["added"], job.result["known"], job.result["refused"]) == (rows, 0, 0), number
        entries = await rows_of(parts, Entry, col(Entry.at).in_(moments(number)))
        assert len(entries) == rows, number
        assert await keys(parts, entries_job.REPORTS) == {job.result_key}
        await parts.objects.delete(job.result_key or "")
        assert await audited(parts, "entry.added") == number * rows
        if number % 10 == 0:
            told = Counter(one.data["entryId"] for one in await _attendance(parts))
            assert set(told.values()) == {1}
            assert len(told) == number * rows

    assert await survived(parts, fate, monkeypatch, entries_job.NAME, prepare, check) > MOST_DEATHS
    assert await keys(parts, "imports") <= await _uploads_left(parts)


async def _attendance(parts: Parts) -> list[Any]:
    log, after, found = TableLog(parts.store), 0, list[Any]()
    while events := await log.read("attendance", after, 1000):
        after = events[-1].offset
        found += events
    return found


async def _uploads_left(parts: Parts) -> set[str]:
    """Of jobs that are over: a worker that dies in between leaves them to retention."""
    return {
        f"{job.arguments['upload']}/0000.part" for job in await rows_of(parts, Job, col(Job.kind) == entries_job.NAME)
    }


async def test_an_import_of_people(parts: Parts, fate: Fate, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everybody once, with one line in the audit; a department that is new as well."""

    async def prepare(parts: Parts, number: int) -> dict[str, object]:
        table = f"fullName,employeeId,department\nBea {number},b{number},D{number}\nCy {number},c{number},\n"
        kept = await keep_upload(parts.objects, io.BytesIO(table.encode()))
        return kept | asker.arguments_of(CLERK, Reach())

    async def check(parts: Parts, number: int, job: Job) -> None:
        assert job.result == {"people": 2, "photos": 0, "refused": 0, "warnings": 0}, number
        assert await audited(parts, "person.created") == 2 * number
        assert await audited(parts, "department.created") == number
        async with parts.store.read() as session:
            assert (await people.page(session, Page(page_size=1))).total == 1 + 2 * number

    assert await survived(parts, fate, monkeypatch, import_job.NAME, prepare, check) > MOST_DEATHS


@pytest.mark.parametrize("kind", [audit_export.NAME, days_export.NAME])
async def test_exports(parts: Parts, fate: Fate, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """One file, whole."""
    day = date(2026, 1, 5)

    async def prepare(_parts: Parts, _number: int) -> dict[str, object]:
        if kind == audit_export.NAME:
            return audit_export.arguments_of("csv", None, None)
        return days_export.Asked(format="csv", first=day, last=day).as_json()

    async def check(parts: Parts, number: int, job: Job) -> None:
        assert await keys(parts, audit_export.FOLDER) == {job.result_key}, number
        content = await parts.objects.get(job.result_key or "")
        assert job.result is not None
        assert len(content.splitlines()) == job.result["rows"] + 1
        await parts.objects.delete(job.result_key or "")

    assert await survived(parts, fate, monkeypatch, kind, prepare, check) > MOST_DEATHS


async def test_an_erasure(parts: Parts, fate: Fate, monkeypatch: pytest.MonkeyPatch) -> None:
    """The receipt is sealed, and the objects are gone."""
    begun: dict[int, str] = {}

    async def prepare(parts: Parts, number: int) -> dict[str, object]:
        async with parts.store.transaction() as session:
            person = await people.save_person(session, Person(full_name=f"Dee {number}"), Reach())
            receipt = await parts.eraser.begin(session, person, "biometrics", "u1")
            begun[number] = receipt.id
        return {}

    async def check(parts: Parts, number: int, job: Job) -> None:
        [receipt] = await rows_of(parts, Erasure, col(Erasure.id) == begun[number])
        assert (receipt.state, receipt.left) == ("done", []), number

    assert await survived(parts, fate, monkeypatch, erasure.NAME, prepare, check) > MOST_DEATHS


async def test_retention(parts: Parts, fate: Fate, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is too old is gone, rows and objects; what it was is noted at most once."""

    async def prepare(parts: Parts, number: int) -> dict[str, object]:
        at = parts.clock.now() - timedelta(days=400)
        await parts.objects.put(f"snapshots/{number}.jpg", b"picture")
        await parts.objects.put(f"exports/old-{number}.csv", b"rows")
        async with parts.store.transaction() as session:
            session.add(
                Snapshot(
                    taken_at=at, origin="request", width=1, height=1, size_bytes=9,
                    object_key=f"snapshots/{number}.jpg", thumbnail_key=f"snapshots/{number}.jpg",
                )
            )  # fmt: skip
            session.add(
                Job(kind="work", state="done", run_at=at, finished_at=at, result_key=f"exports/old-{number}.csv")
            )
            await event_log.append(session, [replace(new_event(number), time=at)])
        return {}

    async def check(parts: Parts, number: int, job: Job) -> None:
        assert await rows_of(parts, Snapshot) == [], number
        assert await rows_of(parts, EventRow, col(EventRow.topic) == "alerts") == [], number
        assert await rows_of(parts, Job, col(Job.kind) == "work") == [], number
        assert await keys(parts, "snapshots") | await keys(parts, "exports") == set(), number
        assert await audited(parts, "retention.done") <= number

    assert await survived(parts, fate, monkeypatch, retention.NAME, prepare, check) > MOST_DEATHS


async def test_lines_of_terminals(parts: Parts, fate: Fate, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each becomes one entry, with one event."""
    async with parts.store.transaction() as session:
        session.add(gate := Terminal(serial_number="G1", name="Gate"))

    async def prepare(parts: Parts, number: int) -> dict[str, object]:
        now = parts.clock.now()
        async with parts.store.transaction() as session:
            session.add(Person(full_name=f"Eve {number}", employee_id=f"t{number}"))
            session.add(
                TerminalLine(
                    terminal_id=gate.id, digest=str(number), pin=f"t{number}", local_time="", status="0", verify="1",
                    work_code="", state=terminals.WAITING, reason="no_such_pin", at=now - timedelta(minutes=5),
                    created_at=now, updated_at=now,
                )
            )  # fmt: skip
        return {}

    async def check(parts: Parts, number: int, job: Job) -> None:
        [line] = await rows_of(parts, TerminalLine, col(TerminalLine.digest) == str(number))
        [entry] = await rows_of(parts, Entry, col(Entry.person_id) == line.person_id)
        assert (line.state, line.entry_id) == ("entered", entry.id), number
        assert [one.data["entryId"] for one in await _attendance(parts)].count(entry.id) == 1

    assert await survived(parts, fate, monkeypatch, terminals.JOB, prepare, check) > MOST_DEATHS


async def test_missing_check_outs(parts: Parts, fate: Fate, monkeypatch: pytest.MonkeyPatch) -> None:
    """One alert for each person and day, told once."""

    async def prepare(parts: Parts, number: int) -> dict[str, object]:
        async with parts.store.transaction() as session:
            person = await people.save_person(session, Person(full_name=f"Fay {number}"), Reach())
            session.add(Entry(person_id=person.id, at=BEGUN - timedelta(days=2), direction="in", origin="manual"))
        return {}

    async def check(parts: Parts, number: int, job: Job) -> None:
        subjects = [one.subject for one in await rows_of(parts, Alert, col(Alert.kind) == "check_out_missing")]
        assert len(subjects) == len(set(subjects)) == number
        told = [str(one.data["subject"]) for one in await TableLog(parts.store).read("alerts", 0, 1000)]
        assert sorted(told) == sorted(subjects)

    assert await survived(parts, fate, monkeypatch, check_outs.NAME, prepare, check) > 5


async def test_new_templates(parts: Parts, portraits: None, fate: Fate, monkeypatch: pytest.MonkeyPatch) -> None:
    """One of each photo, and one line in the audit; what was made before its worker died is not made again."""
    await enrolled(parts)
    build = parts.rebuilder.build

    async def prepare(parts: Parts, number: int) -> dict[str, object]:
        async with parts.store.transaction() as session:
            await embedders.use(session, Build("before", "0" * 64))
            await session.exec(delete(Template))
        return rebuild_job.arguments_of(build)

    async def check(parts: Parts, number: int, job: Job) -> None:
        [template] = await rows_of(parts, Template)
        assert template.pack_sha256 == build.sha256, number
        async with parts.store.read() as session:
            assert await embedders.used(session) == build
        assert await audited(parts, "templates.rebuilt") == number
        assert await keys(parts, rebuild_job.REPORTS) == {job.result_key}
        await parts.objects.delete(job.result_key or "")

    assert await survived(parts, fate, monkeypatch, rebuild_job.NAME, prepare, check) > MOST_DEATHS
