"""Workers on PostgreSQL and Redis: one is killed in the middle of a job, and another one finishes it."""

import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import pytest

from tests.journeys.stacks import postgresql_and_redis
from tests.servers import plain_environment

pytestmark = [pytest.mark.journey, pytest.mark.timeout(300)]

ROLLCALL = Path(sys.executable).with_name("rollcall")
LOST_WITHIN_S = 30 + 15 + 15  # the lease, a sweep, and some


@contextmanager
def worker(folder: Path, name: str, settings: Mapping[str, str]) -> Iterator["subprocess.Popen[bytes]"]:
    """`rollcall worker` on a machine of its own, as far as it can tell."""
    log = folder / f"{name}.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            [str(ROLLCALL), "worker", "--data", str(folder / name)], cwd=folder, stdout=output, stderr=output,
            env={**plain_environment(), **settings, "ROLLCALL_LOG__FORMAT": "json"},
        )  # fmt: skip
    try:
        yield process
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        assert process.wait(15) in (0, -signal.SIGKILL), log.read_text()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


async def retention(connection: asyncpg.Connection) -> asyncpg.Record | None:
    return await connection.fetchrow("SELECT * FROM jobs WHERE kind = 'retention'")


async def until(connection: asyncpg.Connection, state: str, within_s: float) -> asyncpg.Record:
    end = time.monotonic() + within_s
    row = None
    while time.monotonic() < end:
        row = await retention(connection)
        if row is not None and row["state"] == state:
            return row
        await asyncio.sleep(0.1)
    raise AssertionError(f"not {state}: {row}")


@pytest.fixture
def stack(postgresql_server: str, redis_server: str) -> Iterator[dict[str, str]]:
    with postgresql_and_redis(postgresql_server, redis_server) as settings:
        yield settings


async def test_a_killed_worker_loses_no_job(tmp_path: Path, stack: dict[str, str]) -> None:
    """`kill -9` in the middle: the lease runs out, the other one does it, once, and everybody is told once."""
    environment = {**plain_environment(), **stack, "ROLLCALL_DATA_DIR": str(tmp_path / "first")}
    subprocess.run([str(ROLLCALL), "db", "upgrade"], env=environment, cwd=tmp_path, check=True, timeout=60)
    url = stack["ROLLCALL_DATABASE__URL"].replace("+asyncpg", "")
    watching, holding = await asyncpg.connect(url), await asyncpg.connect(url)
    try:
        # Retention is overdue at the first start. Whoever does it comes to this table, and waits there.
        hold = holding.transaction()
        await hold.start()
        await holding.execute("LOCK TABLE attempts IN ACCESS EXCLUSIVE MODE")
        with worker(tmp_path, "first", stack) as first:
            began = await until(watching, "running", 60)
            first.kill()
            first.wait()
        with worker(tmp_path, "second", stack):
            await asyncio.sleep(3)
            waiting = await retention(watching)
            assert waiting is not None
            assert (waiting["state"], waiting["attempts"]) == ("running", 1), "the lease still holds"
            await hold.rollback()
            done = await until(watching, "done", LOST_WITHIN_S)
        told = "SELECT type FROM events WHERE topic = 'jobs' AND data->>'id' = $1"  # other kinds come round as well
        types = await watching.fetch(told, done["id"])
    finally:
        await watching.close()
        await holding.close()
    assert done["id"] == began["id"]
    assert done["attempts"] == 2
    assert done["worker"] != began["worker"]
    assert [row["type"] for row in types].count("job.done") == 1
