"""The bus over Redis when Redis goes away; what every bus does is in test_channels.py."""

import asyncio
import shutil
from asyncio.subprocess import DEVNULL, Process
from pathlib import Path

import pytest

from server.bus import redis as module
from server.bus.redis import RedisBus
from server.ids import new_id
from tests.servers import free_port
from tests.silent_proxy import silent_proxy


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
        assert bus.away == "redis"
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
            assert bus.away == "redis"
            server = await start_redis(port, tmp_path)
            await bus.listening()
            assert bus.away is None
            bus.publish("log", b"last")
            while await anext(messages) != ("log", b"last"):
                pass
        running.cancel()
        await stop(server)


async def test_a_redis_that_falls_silent(redis_server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection whose other end has died unheard is given up; over a new one messages arrive again."""
    monkeypatch.setattr(module, "PING_EVERY_S", 0.5)
    monkeypatch.setattr(module, "ANSWER_WITHIN_S", 0.3)
    monkeypatch.setattr(module, "SILENT_AFTER_S", 4.0)
    host, port = redis_server.removeprefix("redis://").split("/")[0].split(":")
    prefix = f"test-{new_id()}"
    async with asyncio.TaskGroup() as tasks, asyncio.timeout(60), silent_proxy(host, int(port)) as proxy:
        bus = RedisBus(f"redis://127.0.0.1:{proxy.own_port}", prefix=prefix)
        other = RedisBus(redis_server, prefix=prefix)
        running = [tasks.create_task(one.run()) for one in (bus, other)]
        await bus.listening()
        async with bus.subscribe("log") as messages:
            other.publish("log", b"first")
            assert await anext(messages) == ("log", b"first")
            await asyncio.sleep(4.5)
            assert len(proxy.carried) == 1, "one that is only quiet was kept, by its answers"
            assert bus.away is None
            proxy.talks.clear()
            while bus.away is None:  # noqa: ASYNC110 - nothing tells when
                await asyncio.sleep(0.1)
            assert bus._listening.is_set(), "and that is told before its connection is given up"
            while bus._listening.is_set():  # noqa: ASYNC110 - nothing tells when it ends
                await asyncio.sleep(0.1)
            proxy.talks.set()
            await bus.listening()
            assert bus.away is None
            other.publish("log", b"last")
            while await anext(messages) != ("log", b"last"):
                pass
        for task in running:
            task.cancel()


async def test_installations_on_one_redis(redis_server: str) -> None:
    """Each has a numbered database of its own, and hears nothing of the other."""
    server = redis_server.removesuffix("/0")
    prefix = f"test-{new_id()}"
    async with asyncio.TaskGroup() as tasks, asyncio.timeout(30):
        ours, beside, theirs = (RedisBus(f"{server}/{number}", prefix=prefix) for number in (3, 3, 4))
        running = [tasks.create_task(one.run()) for one in (ours, beside, theirs)]
        for one in (ours, beside, theirs):
            await one.listening()
        async with ours.subscribe("log") as heard:
            theirs.publish("log", b"theirs")
            await asyncio.sleep(0.3)
            beside.publish("log", b"ours")
            assert await anext(heard) == ("log", b"ours")
        for task in running:
            task.cancel()


async def test_what_replaces_is_queued_once(redis_server: str) -> None:
    """While Redis is away, a state that is told again and again pushes nothing else out; the newest of it arrives."""
    prefix = f"test-{new_id()}"
    here, there = RedisBus(redis_server, prefix=prefix, limit=3), RedisBus(redis_server, prefix=prefix)
    async with asyncio.TaskGroup() as tasks, asyncio.timeout(30):
        running = [tasks.create_task(there.run())]
        await there.listening()
        async with there.subscribe("presence", "revoked", "log") as heard:
            here.publish("revoked", b"")
            for number in range(5):
                here.publish("presence", b"%d" % number, replaces=True)
            here.publish("log", b"7")
            running.append(tasks.create_task(here.run()))
            found = [await anext(heard) for _ in range(3)]
        for task in running:
            task.cancel()
    assert found == [("revoked", b""), ("presence", b"4"), ("log", b"7")]
