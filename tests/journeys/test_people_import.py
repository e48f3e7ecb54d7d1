"""Hundreds of people from one file: by a real server that is killed in the middle, and nobody is there twice."""

import csv
import io
import time
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.journeys.client import Api, Json
from tests.journeys.server import RollcallServer
from tests.sources import DemoSources

pytestmark = [pytest.mark.journey, pytest.mark.timeout(500)]

ROWS = 400


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RollcallServer]:
    with RollcallServer(tmp_path) as running:
        yield running


def archive(demo: DemoSources) -> bytes:
    """Some with photos at the start and at the end; every fiftieth row is wrong."""
    rows = [["fullName", "employeeId", "email", "department", "photo"]]
    rows += [
        [f"Person {n}", str(n), "wrong" if n % 50 == 7 else "", f"Department {n % 3}", "a.jpg" if n in (0, 399) else ""]
        for n in range(ROWS)
    ]
    rows[5][4] = "gone.jpg"
    written, packed = io.StringIO(), io.BytesIO()
    csv.writer(written).writerows(rows)
    with zipfile.ZipFile(packed, "w") as made:
        made.writestr("people.csv", written.getvalue())
        made.writestr("a.jpg", demo.collins)
    return packed.getvalue()


def everybody(api: Api) -> list[Json]:
    found: list[Json] = []
    for page in range(1, 10):
        found += api.get("people", pageSize=200, page=page)
        if len(found) < 200 * page:
            break
    return found


def until(api: Api, job_id: str, *states: str, done: int = 0) -> Json:
    end = time.monotonic() + 240
    while time.monotonic() < end:
        job: Json = api.get(f"jobs/{job_id}")
        if job["state"] in states and job["done"] >= done:
            return job
        time.sleep(0.1)
    raise AssertionError(f"not {states}: {job}")


def test_a_server_that_dies_in_the_middle_makes_nobody_twice(server: RollcallServer, demo: DemoSources) -> None:
    """The job goes on after the next start, and its report names every refusal once."""
    with server.login() as api:
        answer = api.raw("POST", "people/import", files={"file": ("people.zip", archive(demo))})
        assert answer.status_code == 202, answer.text
        job_id = answer.json()["data"]["id"]
        until(api, job_id, "running", "done", done=1)
        server.kill()
    server.start()
    with server.login() as api, server.subscriber(api.token) as hears:
        hears.subscribe("jobs", since=None)
        told = hears.event("job.done", lambda data: data["id"] == job_id, within_s=240)
        assert told["data"]["kind"] == "people-import"
        job = until(api, job_id, "done")
        assert job["result"] == {"people": ROWS - 8, "photos": 2, "refused": 9, "warnings": job["result"]["warnings"]}
        people = everybody(api)
        assert len(people) == ROWS - 8
        assert set(Counter(one["employeeId"] for one in people).values()) == {1}
        assert sum(one["photoCount"] for one in people) == 2
        assert len(api.get("departments")) == 3
        report = httpx.get(server.url + job["resultUrl"])
    rows = [row for row in csv.DictReader(io.StringIO(report.text)) if row["kind"] == "refused"]
    assert Counter(row["code"] for row in rows) == {"bad_email": 8, "file_not_found": 1}
    assert {row["line"] for row in rows if row["code"] == "bad_email"} == {str(n + 2) for n in range(7, ROWS, 50)}
