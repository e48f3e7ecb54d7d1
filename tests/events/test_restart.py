"""kill -9 in the middle of a stream, and start again: nothing stored is lost, and nothing comes twice."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from rollcall_client import Event, RollcallEvents, Subscription, address
from rollcall_client.event_types import AlertsEvent

from server.store.engine import Store
from server.store.event_log import TableLog
from tests.servers import free_port

ROOT = Path(__file__).parents[2]
SCRIPT = Path(__file__).with_name("restarted.py")


@asynccontextmanager
async def server(path: Path, port: int) -> AsyncIterator[tuple[Process, int]]:
    """The small server in a process of its own; ended by what the test does, or at the end."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(SCRIPT), str(path), str(port), stdout=PIPE, cwd=ROOT, env={**os.environ, "PYTHONPATH": "."}
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(30):
            yield process, int(await process.stdout.readline())
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()


@pytest.mark.parametrize("kills", [3])
async def test_a_subscriber_that_resumes_has_every_stored_event_once(
    tmp_path: Path, kills: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In order, with the chain unbroken, over several kills."""
    monkeypatch.setattr(address, "LONGEST_PAUSE_S", 0.2)
    path, port = tmp_path / "events.sqlite", free_port()
    heard: list[tuple[int, str]] = []
    arrival = asyncio.Event()

    async def listen(alerts: Subscription[AlertsEvent]) -> None:
        async for item in alerts:
            assert isinstance(item, Event), "history was lost"
            assert item.cursor is not None
            heard.append((item.cursor.offset, item.id))
            arrival.set()

    async def until(count: int) -> None:
        while len(heard) < count:
            arrival.clear()
            await arrival.wait()

    async with RollcallEvents(f"http://127.0.0.1:{port}", token="good") as client, asyncio.TaskGroup() as tasks:
        alerts = client.subscribe("alerts")
        listening = tasks.create_task(listen(alerts))
        for _ in range(kills):
            async with server(path, port) as (process, _), httpx.AsyncClient() as http, asyncio.TaskGroup() as saying:
                await alerts.started()
                before = len(heard)
                saying.create_task(said(http, port))
                await until(before + 20)
                process.send_signal(signal.SIGKILL)
                await process.wait()
        async with server(path, port), httpx.AsyncClient() as http:
            await http.get(f"http://127.0.0.1:{port}/say?count=5")
            async with Store(f"sqlite+aiosqlite:///{path}") as store:
                stored = await TableLog(store).read("alerts", 0, 100_000)
            await until(len(stored))
        await alerts.aclose()
        await listening
    assert heard == [(event.offset, event.id) for event in stored]
    assert [offset for offset, _ in heard] == list(range(1, len(stored) + 1))


async def said(http: httpx.AsyncClient, port: int) -> None:
    try:
        await http.get(f"http://127.0.0.1:{port}/say?count=100000", timeout=60)
    except httpx.TransportError:
        return
