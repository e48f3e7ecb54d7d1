"""`rollcall worker`: starts without models and ports, does what is due, stops well, and refuses another's secret."""

import asyncio
import io
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from zipfile import ZipFile

import pytest

from server.access.audit import Audit
from server.access.keyring import Keyring
from server.clock import SystemClock
from server.commands.worker import open_worker
from server.demo.clips import enrolment_photo
from server.errors import Conflict
from server.events.limits import Reach
from server.jobs import asker, import_job
from server.jobs.uploads import keep_upload
from server.opening import open_storage
from server.settings import Settings
from server.store import jobs
from server.store.audit import SYSTEM, Actor
from server.store.engine import Store
from server.store.paging import Page
from server.store.runtime import FeatureSettings, RuntimeSettings
from tests.servers import plain_environment

STOP_WITHIN_S = 15


@contextmanager
def working(folder: Path) -> Iterator["subprocess.Popen[str]"]:
    """The command in a process of its own."""
    process = subprocess.Popen(
        [str(Path(sys.executable).with_name("rollcall")), "worker", "--data", str(folder)], cwd=folder, text=True,
        env=plain_environment() | {"ROLLCALL_COLOUR": "red"}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


async def test_it_works_until_it_is_stopped(tmp_path: Path) -> None:
    """An empty folder is enough: the night's retention is overdue, and done. Exit status 0, no traceback."""
    done = 0
    with working(tmp_path) as process:
        store = Store(Settings(data_dir=tmp_path).database_url)
        for _ in range(300):
            await asyncio.sleep(0.2)
            if not (tmp_path / "secret.key").exists():
                continue
            try:
                async with store.read() as session:
                    done = (await jobs.page(session, Page(), kind="retention", state="done")).total
            except Exception:  # noqa: BLE001 - there are no tables yet
                continue
            if done:
                break
        await store.engine.dispose()
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=STOP_WITHIN_S)
    assert (process.returncode, done) == (0, 1), output
    assert "Rollcall works on jobs" in output
    assert "ROLLCALL_COLOUR" in output
    assert "Traceback" not in output


async def test_another_secret_is_refused(tmp_path: Path) -> None:
    """What it would sign in the audit nobody could check."""
    settings = Settings(data_dir=tmp_path)
    async with open_worker(settings):
        pass
    async with Store(settings.database_url) as store, store.transaction() as session:
        await Audit(store, Keyring(("another" * 9,)), SystemClock()).record(
            session, SYSTEM, "user.created", "users", "1"
        )
    with pytest.raises(Conflict, match="server's secret"):
        async with open_worker(settings):
            pass


async def test_an_import_asks_for_consent_where_the_setting_says_so(tmp_path: Path, portraits: None) -> None:
    """Here as in the server: a row is taken, its photo is refused."""
    settings = Settings(data_dir=tmp_path)
    packed = io.BytesIO()
    with ZipFile(packed, "w") as archive:
        archive.writestr("Ada Lovelace/a.jpg", enrolment_photo())
    packed.seek(0)
    objects = open_storage(settings, SystemClock())
    async with open_worker(settings) as (here, bus, runtime, *_), asyncio.TaskGroup() as tasks:
        async with Store(settings.database_url) as store, store.transaction() as session:
            row = await runtime.locked(session)
            await runtime.save(session, row, RuntimeSettings(features=FeatureSettings(consent_first=True)))
        runtime.apply(row)
        beside = [tasks.create_task(one()) for one in (here.run, bus.run)]
        kept = await keep_upload(objects, packed)
        arguments = kept | asker.arguments_of(Actor("user", "u1", "u"), Reach())
        job = await here.submit(None, import_job.NAME, arguments)
        async with Store(settings.database_url) as store:
            while job.state not in ("done", "failed"):
                await asyncio.sleep(0.05)
                async with store.read() as session:
                    job = await jobs.get(session, job.id)
        for one in beside:
            one.cancel()
    assert job.error is None
    assert (job.result or {})["photos"] == 0
    assert b",no_consent," in await objects.get(job.result_key or "")
