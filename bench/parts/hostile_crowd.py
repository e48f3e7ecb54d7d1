"""Subscribers who mean harm, or whose network is broken: many of each kind, again and again until its input ends.

    python -m bench.parts.hostile_crowd PORT OF_EACH

Some subscribe and never read. Some open a connection and say half of a request, or nothing. Some send messages of 10
MB and come back when they are closed. Some ask for 10,000 subscriptions, one after the other, and come back. Says in a
line of JSON when all have begun, and answers each line with how often each kind has been at it. It takes only what
time of the cores nobody else wants: an attacker has a machine of their own, and what their own work takes is not what
it costs the server.
"""

import asyncio
import json
import os
import socket
import sys
from collections import Counter
from contextlib import suppress

import orjson
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

PAUSE_S = 1.0  # of one, between two tries
LARGE = "x" * 10_000_000
SUBSCRIPTIONS = 10_000
REQUEST = (
    b"GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
SUBSCRIBE = b'{"type":"subscribe","id":1,"topic":"alerts"}'


class Crowd:
    """All of them, at one server."""

    def __init__(self, port: int) -> None:
        self.done: Counter[str] = Counter(never_reads=0, half_open=0, large=0, subscribes=0)
        self._port = port
        self._url = f"ws://127.0.0.1:{port}/ws"

    def never_reads(self) -> socket.socket:
        """What it takes fills at once: its kernel keeps little for it."""
        held = socket.socket()
        held.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        held.connect(("127.0.0.1", self._port))
        held.sendall(REQUEST + bytes([0x81, 0x80 | len(SUBSCRIBE)]) + bytes(4) + SUBSCRIBE)
        self.done["never_reads"] += 1
        return held

    def half_open(self, said: bytes) -> socket.socket:
        """It stops in the middle of asking."""
        held = socket.create_connection(("127.0.0.1", self._port))
        held.sendall(said)
        self.done["half_open"] += 1
        return held

    async def large(self) -> None:
        """Nothing that it sends is small enough."""
        while True:
            with suppress(ConnectionClosed, OSError):
                async with connect(self._url, compression=None, close_timeout=1) as client:
                    self.done["large"] += 1
                    await client.send(LARGE)
                    await client.wait_closed()
            await asyncio.sleep(PAUSE_S)

    async def subscribes(self) -> None:
        """It reads the answers, or its own end of the connection would stop it."""
        while True:
            with suppress(ConnectionClosed, OSError):
                async with connect(self._url, compression=None, close_timeout=1) as client:
                    self.done["subscribes"] += 1
                    for number in range(1, SUBSCRIPTIONS + 1):
                        await client.send(
                            orjson.dumps({"type": "subscribe", "id": number, "topic": "alerts"}), text=True
                        )
                        if number % 100 == 0:
                            await client.recv()
            await asyncio.sleep(PAUSE_S)


async def main(port: int, of_each: int) -> None:
    os.nice(19)
    crowd = Crowd(port)
    held = [crowd.never_reads() for _ in range(of_each)]
    held += [crowd.half_open(REQUEST[: 40 * (number % 2)]) for number in range(of_each)]
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    async with asyncio.TaskGroup() as tasks:
        busy = [tasks.create_task(kind()) for _ in range(of_each) for kind in (crowd.large, crowd.subscribes)]
        print("{}", flush=True)
        while await reader.readline():
            print(json.dumps(crowd.done), flush=True)
        for task in busy:
            task.cancel()
    for one in held:
        one.close()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
