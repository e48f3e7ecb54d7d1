"""The export of the audit: the rows that were asked for, in an object, and no more than one object holds."""

from datetime import timedelta

import orjson
import pytest

from server.access.audit import Audit
from server.access.keyring import Keyring
from server.clock import ManualClock
from server.jobs.audit_export import NAME, arguments_of, audit_export
from server.jobs.work import Place
from server.store.audit import SYSTEM
from server.store.tables import Job
from tests.jobs.conftest import jobs_of, running, until


@pytest.fixture
async def audit(place: Place, clock: ManualClock) -> Audit:
    """Five rows, an hour apart."""
    audit = Audit(place.store, Keyring(("s" * 64,)), clock)
    for number in range(5):
        async with place.store.transaction() as session:
            await audit.record(session, SYSTEM, "user.created", "users", str(number))
        clock.advance(3600)
    return audit


async def exported(place: Place, audit: Audit, arguments: dict[str, object], most_bytes: int = 10_000) -> Job:
    async with running(here := jobs_of(place, audit_export(place.objects, audit, most_bytes=most_bytes))):
        job = await here.submit(None, NAME, arguments)
        return await until(place, job.id, "done", "failed")


async def test_all_of_it(place: Place, audit: Audit) -> None:
    """As a table, oldest first."""
    job = await exported(place, audit, arguments_of("csv", None, None))
    assert job.error is None
    assert job.result_key == f"exports/{job.id}-1.csv"
    content = await place.objects.get(job.result_key)
    assert content.count(b"\r\n") == 6
    assert job.result == {"rows": 5, "bytes": len(content)}
    assert (job.done, job.total) == (5, 5)


async def test_some_of_it(place: Place, audit: Audit) -> None:
    """From a time on, up to and without another."""
    now = place.clock.now()
    arguments = arguments_of("jsonl", now - timedelta(hours=4), now - timedelta(hours=2))
    job = await exported(place, audit, arguments)
    assert job.result_key is not None
    rows = [orjson.loads(line) for line in (await place.objects.get(job.result_key)).splitlines()]
    assert [row["resourceId"] for row in rows] == ["1", "2"]


async def test_none_of_it(place: Place, audit: Audit) -> None:
    """Is a file without rows, not a failure."""
    job = await exported(place, audit, arguments_of("jsonl", place.clock.now(), None))
    assert job.result == {"rows": 0, "bytes": 0}


async def test_more_than_an_object_holds(place: Place, audit: Audit) -> None:
    """Is said at once, and not tried again; nothing is left behind."""
    job = await exported(place, audit, arguments_of("csv", None, None), most_bytes=600)
    assert (job.state, job.attempts) == ("failed", 1)
    assert "Choose a shorter time" in (job.error or "")
    assert [key async for key in place.objects.keys("exports")] == []


def test_who_may_have_it(place: Place, audit: Audit) -> None:
    """Whoever may read the audit."""
    assert audit_export(place.objects, audit).permission == "audit:read"
