"""A Mosquitto of the tests' own on loopback, that can be stopped and started again at its port."""

import asyncio
import shutil
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path
from typing import Any

import aiomqtt
import pytest

from tests.servers import free_port


class Mosquitto:
    """`port` stays the same when it is started again; what was retained does not."""

    def __init__(self, binary: str, folder: Path, *, settings: str = "allow_anonymous true") -> None:
        self.port = free_port()
        self._settings = settings
        self._binary = binary
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        settings = self._folder / "mosquitto.conf"
        settings.write_text(
            f"listener {self.port} 127.0.0.1\n{self._settings}\npersistence false\nlog_dest none\nuser root\n"
        )
        self._process = subprocess.Popen(
            [self._binary, "-c", str(settings)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        until = time.monotonic() + 60
        while time.monotonic() < until:
            with closing(socket.socket()) as tried:
                if tried.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            assert self._process.poll() is None, "Mosquitto ended by itself"
            time.sleep(0.05)
        raise AssertionError("Mosquitto does not listen")

    def stop(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait(30)


@contextmanager
def open_mosquitto(folder: Path, *, settings: str = "allow_anonymous true") -> Iterator[Mosquitto]:
    binary = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
    if binary is None:
        pytest.skip("no Mosquitto here: apt-get install mosquitto")
    broker = Mosquitto(binary, folder, settings=settings)
    broker.start()
    try:
        yield broker
    finally:
        broker.stop()


class Heard:
    """What a subscriber of everything has heard, and the newest of each topic."""

    def __init__(self) -> None:
        self.all: list[tuple[str, bytes, bool]] = []

    @property
    def newest(self) -> dict[str, bytes]:
        return {topic: payload for topic, payload, _ in self.all}

    def of(self, topic: str) -> list[bytes]:
        return [payload for each, payload, _ in self.all if each == topic]


@asynccontextmanager
async def listening(port: int, **how: Any) -> AsyncIterator[Heard]:
    """To all topics, those that are retained first. `how`: a login, and whom it trusts."""
    heard = Heard()

    async def listen(client: aiomqtt.Client) -> None:
        async for message in client.messages:
            heard.all.append((str(message.topic), bytes(message.payload or b""), bool(message.retain)))

    async with aiomqtt.Client("127.0.0.1", port, **how) as client, asyncio.TaskGroup() as tasks:
        await client.subscribe("#", qos=1)
        task = tasks.create_task(listen(client))
        try:
            yield heard
        finally:
            task.cancel()
