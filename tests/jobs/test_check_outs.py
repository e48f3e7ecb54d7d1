"""The hourly look as a job: what it found is in its figures, and the next one finds nothing new."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from server.jobs.check_outs import HOURLY, NAME, missing_check_outs
from server.jobs.work import Place
from server.parts import Parts
from server.store.event_log import TableLog
from server.store.tables import Entry, Person
from tests.jobs.conftest import Woken, jobs_of, running, until
from tests.opened import parts_in


@pytest.fixture
async def parts(tmp_path: Path) -> AsyncIterator[Parts]:
    async with parts_in(tmp_path / "state", users=False) as parts:
        yield parts


async def test_it_raises_each_alert_once(parts: Parts) -> None:
    """However often it comes round."""
    async with parts.store.transaction() as session:
        person = Person(full_name="Ada")
        session.add(person)
        await session.flush()
        at = parts.clock.now() - timedelta(days=3)
        session.add(Entry(person_id=person.id, at=at, direction="in", origin="manual"))
    woken = Woken()
    place = Place(parts.store, TableLog(parts.store), woken, parts.objects, parts.clock)
    async with running(here := jobs_of(place, missing_check_outs(place, parts.runtime))):
        for raised in (1, 0):
            job = await until(place, (await here.submit(None, NAME, {})).id, "done", "failed")
            assert (job.error, job.result) == (None, {"raised": raised, "cleared": 0})
    assert "alerts" in woken.topics


def test_it_comes_round_every_hour() -> None:
    assert HOURLY.slot(datetime(2026, 1, 5, 9, 30, tzinfo=UTC)) == datetime(2026, 1, 5, 9, 7, tzinfo=UTC)
