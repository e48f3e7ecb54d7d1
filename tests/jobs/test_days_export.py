"""The export of days as a job: its bounds, and who may have its result. What is in the files: tests/routes."""

from collections.abc import Mapping
from datetime import date

import pytest

from server.events.limits import EVERYTHING, Reach
from server.jobs.days_export import NAME, Asked, DaysExport, days_export
from server.jobs.work import Place
from server.store.runtime import RuntimeSettings, RuntimeState
from server.store.tables import Job, Person
from tests.jobs.conftest import jobs_of, running, until

WEEK = Asked(format="csv", first=date(2026, 1, 5), last=date(2026, 1, 11))


@pytest.fixture
def export(place: Place) -> DaysExport:
    return DaysExport(place.store, RuntimeState(place.store, RuntimeSettings()), place.clock)


async def exported(place: Place, export: DaysExport, **more: int) -> Job:
    async with place.store.transaction() as session:
        session.add_all([Person(full_name="Ada"), Person(full_name="Bob")])
    async with running(here := jobs_of(place, days_export(place.objects, export, **more))):
        job = await here.submit(None, NAME, WEEK.as_json())
        return await until(place, job.id, "done", "failed")


async def test_the_file_is_the_result(place: Place, export: DaysExport) -> None:
    """With its figures."""
    job = await exported(place, export)
    assert (job.error, job.done, job.total) == (None, 14, 14)
    assert job.result_key == f"exports/{job.id}-1.csv"
    content = await place.objects.get(job.result_key)
    assert job.result == {"rows": 14, "people": 2, "bytes": len(content)}


@pytest.mark.parametrize(
    ("bound", "said"), [({"most_days": 13}, "more than 13 days"), ({"most_bytes": 100}, "Choose fewer dates")]
)
async def test_more_than_a_file_holds(place: Place, export: DaysExport, bound: dict[str, int], said: str) -> None:
    """Is said, and not tried again; nothing is left behind."""
    job = await exported(place, export, **bound)
    assert (job.state, job.attempts) == ("failed", 1)
    assert said in (job.error or "")
    assert [key async for key in place.objects.keys("exports")] == []


def of(*departments: str) -> Mapping[str, object]:
    return WEEK.model_copy(update={"departments": list(departments)}).as_json()


def test_whom_the_result_is_open_to(place: Place, export: DaysExport) -> None:
    """Whoever is limited to no less than it tells of."""
    kind = days_export(place.objects, export)
    assert kind.permission == "attendance:read"
    limited = Reach(departments=frozenset({"a", "b"}))
    assert kind.open_to(limited, of("a"))
    assert kind.open_to(limited, of())
    assert not kind.open_to(limited, of("a", "c"))
    assert not kind.open_to(limited, WEEK.as_json())
    assert kind.open_to(EVERYTHING, WEEK.as_json())
    assert kind.open_to(Reach(cameras=frozenset({"x"})), WEEK.as_json())  # days are of people, not of cameras
