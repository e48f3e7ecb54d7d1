"""The bus over Redis when Redis goes away; what every bus does is in test_channels.py."""

import asyncio
import shutil
from asyncio.subprocess import DEVNULL, Process
from pathlib import Path

import pytest

from server.bus.redis import RedisBus
from tests.servers import free_port


async def start_redis(port: int, folder: Path) -> Process:
    """A server of our own, which may be ended."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("redis-server is not installed")
    return await asyncio.create_subprocess_exec(
        program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder),
        stdout=DEVNULL, stderr=DEVNULL,
    )  # fmt: skip


async def stop(process: Process) -> None:
    process.terminate()
    await process.wait()


async def test_it_comes_back_by_itself(tmp_path: Path) -> None:
    """Before Redis is there, while it is away and after it is back, nothing fails; then messages arrive again."""
    port = free_port()
    bus = RedisBus(f"redis://127.0.0.1:{port}", limit=5)
    async with asyncio.TaskGroup() as tasks, asyncio.timeout(30):
        running = tasks.create_task(bus.run())
        bus.publish("log", b"too early, but kept")
        await asyncio.sleep(0.2)
        server = await start_redis(port, tmp_path)
        await bus.listening()
        async with bus.subscribe("log") as messages:
            bus.publish("log", b"first")
            while await anext(messages) != ("log", b"first"):
                pass
            await stop(server)
            for number in range(100):
                bus.publish("log", b"%d" % number)
            await asyncio.sleep(0.3)
            server = await start_redis(port, tmp_path)
            await bus.listening()
            bus.publish("log", b"last")
            while await anext(messages) != ("log", b"last"):
                pass
        running.cancel()
        await stop(server)
