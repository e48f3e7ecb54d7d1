"""Redis and PostgreSQL are away for a minute each: what can go on goes on, nothing that was acknowledged or seen is
lost, readiness says what is wrong, and everything catches up by itself.

`make outage` does the whole minute. The suite does half of it.
"""

import asyncio
import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.e2e.breakable import Stack
from tests.e2e.following import Following
from tests.e2e.ledger import Ledger, until
from tests.e2e.load import Entries, Exports, Insistent
from tests.journeys.client import Api, Json
from tests.sources import DemoSources

AWAY_S = float(os.environ.get("ROLLCALL_OUTAGE_S", "30"))
ALONE_S = 12.0  # so long only Redis is away
NOTICED_WITHIN_S = 12.0
ANSWERED_WITHIN_S = 25.0  # 503 of a database that hangs: a connection of the pool, and then a new one
CAUGHT_UP_WITHIN_S = 30.0
PASSES_EVERY_S = 11.0  # somebody is before the camera, twice in each round of the film
MOST_LINES = 5  # of the log, in a second
OF_REQUESTS = ("request", "database_unavailable")  # as many lines as there are requests

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300 + 3 * int(AWAY_S))]


class Minute:
    """What goes on beside the outages: who enters by hand, who exports, who listens, and a camera."""

    def __init__(self, stack: Stack, api: Api, load: ExitStack, demo: DemoSources) -> None:
        self.stack = stack
        self.api = api
        self.ledger = Ledger(stack)
        url, token = stack.server.url, api.token or ""
        self.seen = api.enrol("Eileen Collins", demo.collins)
        by_hand = api.add_person("Grace Hopper")
        self.follows = load.enter_context(Following(url, token, "attendance"))
        self.jobs = load.enter_context(Following(url, token, "jobs"))
        self.inflight = load.enter_context(stack.server.subscriber(token))
        self.inflight.subscribe("attendance")
        self.camera = api.add_camera("Entrance", demo.entrance)
        self.inflight.event("attendance.checked_in")
        clients = [load.enter_context(closing(Insistent(url, token))) for _ in range(2)]
        self.entering, self.exporting = Entries(clients[0], by_hand), Exports(clients[1])

    def ready(self) -> Json:
        """What readiness says: of a failure, its error."""
        body: Json = self.api.raw("GET", "/health/ready").json()
        found: Json = body["data"] if body["success"] else body["error"]
        return found

    def figure(self, name: str) -> float:
        lines = self.api.raw("GET", "/metrics").text.splitlines()
        return sum(float(line.split()[-1]) for line in lines if line.startswith(name))

    def analysed(self) -> float:
        return self.figure("rollcall_camera_frames_analysed_total")

    def seen_between(self, began: datetime, ended: datetime) -> int:
        rows = self.ledger.entries()
        return sum(person == self.seen and began <= at <= ended for person, at, _ in rows)


def without_redis(minute: Minute) -> None:
    """Everything is served, and told at once to those who listen here."""
    before = minute.analysed()
    with minute.stack.server.login() as another:  # attempts to sign in are counted in Redis
        assert another.get("cameras")[0]["id"] == minute.camera
    until(lambda: minute.ready().get("away") == ["redis"], NOTICED_WITHIN_S, minute.ready)
    assert minute.ready()["status"] == "degraded"
    count, told = len(minute.entering.acknowledged), minute.follows.offset
    until(lambda: len(minute.entering.acknowledged) > count + 5, 10, lambda: len(minute.entering.acknowledged))
    until(lambda: minute.follows.offset > told + 5, 5, lambda: minute.follows.offset)
    assert minute.analysed() > before


def refused(minute: Minute, person: str) -> None:
    """An envelope says so in time."""
    form = {"personId": person, "at": "2019-01-07T08:00:00Z", "direction": "in", "reason": "By hand."}
    for method, body in (("POST", form), ("GET", None)):
        began_s = time.monotonic()
        error = minute.api.refusal(method, "attendance/entries", 503, json=body)
        assert error["code"] == "database_unavailable"
        assert time.monotonic() - began_s < ANSWERED_WITHIN_S


def check_followed(minute: Minute) -> None:
    """What another process changes in the database is noticed as before, by the gallery and by the cameras."""
    assert minute.figure("rollcall_gallery_templates") == 1
    asyncio.run(minute.stack.rows("DELETE FROM templates"))
    asyncio.run(minute.stack.rows("UPDATE cameras SET enabled = true"))
    until(lambda: minute.figure("rollcall_gallery_templates") == 0, CAUGHT_UP_WITHIN_S, minute.ready)
    until(lambda: minute.figure("rollcall_camera_online") == 1, CAUGHT_UP_WITHIN_S, minute.ready)
    minute.api.post(f"cameras/{minute.camera}/stop", status=200)


def check_logs(stack: Stack, seconds: float) -> None:
    """An outage is told, and neither as a crash nor in a flood."""
    for path in (stack.server.log, stack.folder / "worker.log"):
        lines = path.read_text(errors="replace").splitlines()
        assert [line for line in lines if "Traceback" in line] == [], path
        told = [line for line in lines if not any(f'"event":"{one}"' in line for one in OF_REQUESTS)]
        assert len(told) < MOST_LINES * seconds, path


@contextmanager
def opened(folder: Path, demo: DemoSources) -> Iterator[tuple[Minute, ExitStack]]:
    settings = {
        "ROLLCALL_MEDIA__RUN_CAMERAS": "true",
        "ROLLCALL_JOBS__EMBEDDED": "false",  # the worker beside it does them
        "ROLLCALL_SIGHTINGS__GAP_S": "1",
        "ROLLCALL_ATTENDANCE__COOLDOWN_S": "0",
    }
    stack = Stack(folder, roots=[demo.folder], settings=settings)
    with stack, stack.server.login() as api, ExitStack() as load:
        yield Minute(stack, api, load, demo), load


def test_a_minute_without_redis_and_one_without_postgresql(tmp_path: Path, demo: DemoSources) -> None:
    """They overlap. Each hangs at first, and then refuses."""
    began_s = time.monotonic()
    with opened(tmp_path, demo) as (minute, load):
        stack = minute.stack
        redis_s = 0.0

        def at(after_s: float, do: Callable[[str], None], which: str) -> None:
            time.sleep(max(0.0, redis_s + after_s - time.monotonic()))
            do(which)

        with minute.entering, minute.exporting:
            time.sleep(2)
            redis_s = time.monotonic()
            at(0, stack.freeze, "redis")
            without_redis(minute)
            at(ALONE_S, stack.freeze, "postgresql")
            gone, analysed = datetime.now(UTC), minute.analysed()
            until(lambda: minute.ready().get("code") == "database_unavailable", NOTICED_WITHIN_S, minute.ready)
            assert "Redis" in minute.ready()["message"]
            refused(minute, minute.seen)
            at(AWAY_S / 2, stack.kill, "redis")
            at(ALONE_S + AWAY_S / 2, stack.kill, "postgresql")
            at(AWAY_S, stack.start, "redis")
            refused(minute, minute.seen)
            assert minute.ready()["code"] == "database_unavailable"
            assert minute.analysed() - analysed > AWAY_S / 2
            assert minute.figure("rollcall_camera_unrecorded") > 0
            at(ALONE_S + AWAY_S, stack.start, "postgresql")
            back, acknowledged = datetime.now(UTC), len(minute.entering.acknowledged)
            until(lambda: minute.ready().get("status") == "ok", CAUGHT_UP_WITHIN_S, minute.ready)
            until(lambda: minute.figure("rollcall_camera_unrecorded") == 0, CAUGHT_UP_WITHIN_S, minute.ready)
            until(lambda: len(minute.entering.acknowledged) > acknowledged + 20, CAUGHT_UP_WITHIN_S, minute.ready)

        assert minute.seen_between(gone, back) >= AWAY_S / PASSES_EVERY_S - 2
        assert minute.inflight.closed_with in (None, 1012)
        minute.api.post(f"cameras/{minute.camera}/stop", status=200)
        check_followed(minute)
        ledger = minute.ledger
        until(lambda: not ledger.open_jobs(), 90, ledger.open_jobs)
        for one, topic in ((minute.follows, "attendance"), (minute.jobs, "jobs")):
            until(lambda: one.offset >= ledger.head(topic), CAUGHT_UP_WITHIN_S, lambda: one.offset)  # noqa: B023
        load.close()
        ledger.check_told("attendance", minute.follows.told)
        ledger.check_told("jobs", minute.jobs.told)
        ledger.check_each_told_once()
        ledger.check_jobs("audit-export", minute.exporting.asked, "exports")
        seen = [one for one in ledger.entries().elements() if one[0] == minute.seen]
        ledger.check_entries([*minute.entering.acknowledged, *seen])
        check_logs(stack, time.monotonic() - began_s)
