"""Message brokers with a WebSocket listener, and one publisher each beside them over plain TCP.

    python -m bench.parts.fanout_brokers nats|mosquitto

Both pass an equal message on in memory: NATS core, MQTT at QoS 0. Nothing is stored, nothing can be recovered.
"""

import asyncio
import os
import shutil
import sys
import tempfile
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from bench.parts.fanout_obey import event_message, obey
from tests.servers import free_port

SUBJECT = b"events"
READY_WITHIN_S = 10.0

NATS = """
listen: "127.0.0.1:{plain}"
websocket {{ listen: "127.0.0.1:{web}", no_tls: true }}
"""
# By default it drops what waits for a client beyond 1,000 messages.
MOSQUITTO = """
allow_anonymous true
persistence false
log_dest none
max_queued_messages 0
max_queued_bytes 0
set_tcp_nodelay true
listener {plain} 127.0.0.1
listener {web} 127.0.0.1
protocol websockets
"""


def installed(program: str) -> str | None:
    """Its path; administrators' folders are not on everybody's."""
    return shutil.which(program, path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"]))


def packet(kind: int, content: bytes) -> bytes:
    """One MQTT 3.1.1 packet."""
    size, length = b"", len(content)
    while True:
        length, digit = divmod(length, 128)
        size += bytes([digit | (128 if length else 0)])
        if not length:
            return bytes([kind]) + size + content


def text(value: bytes) -> bytes:
    """A string of MQTT's."""
    return len(value).to_bytes(2, "big") + value


# Level 4, a clean session without keep-alive and without a name.
MQTT_CONNECT = packet(0x10, text(b"MQTT") + bytes([4, 2, 0, 0]) + text(b""))


@asynccontextmanager
async def broker(program: str, config: str, web: int, plain: int) -> AsyncIterator[tuple[StreamReader, StreamWriter]]:
    """It runs, and a publisher is connected to it."""
    path = installed(program)
    assert path is not None
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "broker.conf"
        file.write_text(config.format(web=web, plain=plain))
        process = await asyncio.create_subprocess_exec(
            path,
            "-c",
            str(file),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=sys.stderr,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            await _connected(web)
            reader, writer = await _connected(plain)
            yield reader, writer
            writer.close()
        finally:
            process.terminate()
            await process.wait()


async def _connected(port: int) -> tuple[StreamReader, StreamWriter]:
    async with asyncio.timeout(READY_WITHIN_S):
        while True:
            try:
                return await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)


async def serve_nats() -> None:
    web, plain = free_port(), free_port()
    async with broker("nats-server", NATS, web, plain) as (reader, writer):
        writer.write(b'CONNECT {"verbose":false,"pedantic":false}\r\n')

        async def publish(number: int) -> None:
            message = event_message(number)
            writer.write(b"PUB %b %d\r\n%b\r\nPING\r\n" % (SUBJECT, len(message), message))
            while (line := await reader.readline()) != b"PONG\r\n":
                if line == b"PING\r\n":
                    writer.write(b"PONG\r\n")

        await obey({"port": web}, publish, writers=1)


async def serve_mosquitto() -> None:
    web, plain = free_port(), free_port()
    async with broker("mosquitto", MOSQUITTO, web, plain) as (reader, writer):
        writer.write(MQTT_CONNECT)
        await reader.readexactly(4)

        async def publish(number: int) -> None:
            writer.write(packet(0x30, text(SUBJECT) + event_message(number)) + packet(0xC0, b""))
            await reader.readexactly(2)

        await obey({"port": web}, publish, writers=1)


SERVERS: dict[str, Callable[[], Awaitable[None]]] = {"nats": serve_nats, "mosquitto": serve_mosquitto}


async def main(kind: str) -> None:
    await SERVERS[kind]()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
