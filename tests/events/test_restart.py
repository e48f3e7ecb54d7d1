"""kill -9 in the middle of a stream, and start again: nothing stored is lost, and nothing comes twice."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidMessage

from server.store.engine import Store
from server.store.event_log import TableLog

ROOT = Path(__file__).parents[2]
SCRIPT = Path(__file__).with_name("restarted.py")


@asynccontextmanager
async def server(path: Path, port: int = 0) -> AsyncIterator[tuple[Process, int]]:
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


class Subscriber:
    """Keeps the cursor that a client keeps, and every event that it got."""

    def __init__(self) -> None:
        self.epoch: str | None = None
        self.events: list[dict[str, Any]] = []
        self.recovered: list[bool] = []

    async def listen(self, port: int, until: int) -> None:
        """Until the event with that offset, or the end of the connection."""
        asked: dict[str, Any] = {"type": "subscribe", "id": 1, "topic": "alerts"}
        if self.epoch is not None:
            asked["since"] = {"epoch": self.epoch, "offset": self.events[-1]["offset"] if self.events else 0}
        try:
            async with connect(f"ws://127.0.0.1:{port}/ws") as client:
                await client.send('{"type":"auth","token":"good"}')
                await client.send(orjson.dumps(asked).decode())
                while not self.events or self.events[-1]["offset"] < until:
                    message = orjson.loads(await client.recv())
                    if message["type"] == "event":
                        self.events.append(message)
                    elif message["type"] == "subscribed":
                        self.epoch = message["epoch"]
                        self.recovered.append(message["recovered"])
        except (ConnectionClosed, InvalidMessage, OSError):
            return


@pytest.mark.parametrize("kills", [3])
async def test_a_subscriber_that_resumes_has_every_stored_event_once(tmp_path: Path, kills: int) -> None:
    """In order, with the chain unbroken, over several kills."""
    path = tmp_path / "events.sqlite"
    subscriber = Subscriber()
    port = 0
    for kill in range(kills):
        async with server(path, port) as (process, port), httpx.AsyncClient() as http, asyncio.TaskGroup() as tasks:
            listening = tasks.create_task(subscriber.listen(port, until=10**9))
            while len(subscriber.recovered) <= kill:  # noqa: ASYNC110 - what is waited for has no event
                await asyncio.sleep(0.01)
            before = len(subscriber.events)
            saying = tasks.create_task(said(http, port))
            while len(subscriber.events) < before + 20:  # noqa: ASYNC110
                await asyncio.sleep(0.001)
            process.send_signal(signal.SIGKILL)
            await process.wait()
            await asyncio.gather(listening, saying)
    async with server(path, port) as (process, port), httpx.AsyncClient() as http:
        await http.get(f"http://127.0.0.1:{port}/say?count=5")
        async with Store(f"sqlite+aiosqlite:///{path}") as store:
            stored = await TableLog(store).read("alerts", 0, 100_000)
        await subscriber.listen(port, until=stored[-1].offset)
    assert subscriber.recovered == [True] * (kills + 1)
    assert [message["offset"] for message in subscriber.events] == list(range(1, len(stored) + 1))
    assert [message["previous"] for message in subscriber.events] == list(range(len(stored)))
    assert [message["event"]["id"] for message in subscriber.events] == [event.id for event in stored]


async def said(http: httpx.AsyncClient, port: int) -> None:
    try:
        await http.get(f"http://127.0.0.1:{port}/say?count=100000", timeout=60)
    except httpx.TransportError:
        return
