"""Deliveries a second to many WebSocket subscribers, through Rollcall's whole path and by a bare broadcast().

    python bench/websocket_fanout.py [--subscribers 1000] [--events 200] [--rounds 3]

Ours: each event is appended to the log in a transaction of its own (SQLite, four writers); the hub tails the log and
delivers over uvicorn. Theirs: the `websockets` library's broadcast() of an equal message in a loop; nothing is stored,
nothing can be recovered. Each server runs in a process of its own, one client for both in another, so both share the
same cores. One line a figure; medians of the rounds.
"""

import argparse
import asyncio
import base64
import os
import resource
import socket
import statistics
import sys
import tempfile
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from time import monotonic

import orjson
import uvicorn
from sqlmodel import SQLModel
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket
from websockets.asyncio.server import ServerConnection, broadcast, serve
from websockets.exceptions import ConnectionClosed

from server.bus.memory import MemoryBus
from server.clock import SystemClock
from server.events.framing import FramedWebSockets
from server.events.hub import Hub
from server.events.schema import NewEvent
from server.events.socket import serve_socket
from server.ids import new_id
from server.store.engine import Store
from server.store.event_log import TableLog

WRITERS = 4
RATE = 20
LEAST = 0.7
HIDDEN = 200  # bytes: welcome, ready and subscribed are smaller, events larger


def event_data(number: int) -> dict[str, object]:
    """About 300 bytes once it is an event message."""
    return {"id": f"{number:06d}", "kind": "bench", "severity": "info", "message": "x" * 56, "at": monotonic()}


# Servers: say their port on standard output, publish when told on standard input.


async def obey(port: int, writers: int, one: Callable[[int], Awaitable[None]]) -> None:
    """`burst N`: as fast as it goes. `paced N`: RATE events a second. Until the input ends."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    print(port, flush=True)

    async def burst(numbers: range) -> None:
        for number in numbers:
            await one(number)

    while line := await reader.readline():
        how, count = line.decode().split()
        if how == "burst":
            async with asyncio.TaskGroup() as tasks:
                for writer in range(writers):
                    tasks.create_task(burst(range(writer, int(count), writers)))
            continue
        started = monotonic()
        for number in range(int(count)):
            await one(number)
            await asyncio.sleep(max(0.0, started + (number + 1) / RATE - monotonic()))


class Anyone:
    """Gate and principal in one: everybody may everything."""

    id = "bench"
    expires_at: datetime | None = None
    kiosk_id: str | None = None
    key_id: str | None = None
    only_cameras: frozenset[str] | None = None
    only_departments: frozenset[str] | None = None

    @property
    def user(self) -> dict[str, object]:
        return {}

    def may(self, permission: str) -> bool:
        return True

    async def by_token(self, token: str) -> "Anyone":
        return self

    async def by_cookie(self, websocket: WebSocket) -> "Anyone | None":
        return self

    async def by_ticket(self, ticket: str) -> "Anyone | None":
        return self

    async def still_valid(self, principal: object) -> bool:
        return True

    async def sees_kiosk(self, principal: object, kiosk_id: str) -> bool:
        return True


async def serve_ours() -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with Store(f"sqlite+aiosqlite:///{folder}/bench.sqlite") as store:
            async with store.engine.begin() as connection:
                await connection.run_sync(SQLModel.metadata.create_all)
            log = TableLog(store)
            hub = Hub(log, MemoryBus(), SystemClock())
            anyone = Anyone()

            async def endpoint(websocket: WebSocket) -> None:
                await serve_socket(websocket, hub, anyone)

            async def one(number: int) -> None:
                event = NewEvent("alerts", "alert.raised", "bench", event_data(number), datetime.now(UTC))
                async with store.transaction() as session:
                    await log.append(session, [event])
                hub.wake(["alerts"])

            config = uvicorn.Config(
                Starlette(routes=[WebSocketRoute("/ws", endpoint)]),
                ws=FramedWebSockets,
                ws_per_message_deflate=False,
                ws_ping_interval=None,
                lifespan="off",
                log_config=None,
                timeout_graceful_shutdown=2,
            )
            server = uvicorn.Server(config)
            with socket.create_server(("127.0.0.1", 0), backlog=4096) as listening:
                async with asyncio.TaskGroup() as tasks:
                    parts = [
                        tasks.create_task(hub.run()),
                        tasks.create_task(server.serve(sockets=[listening])),
                    ]
                    await obey(listening.getsockname()[1], WRITERS, one)
                    server.should_exit = True
                    await parts[1]
                    parts[0].cancel()


async def serve_bare() -> None:
    connections: set[ServerConnection] = set()

    async def endpoint(connection: ServerConnection) -> None:
        connections.add(connection)
        with suppress(ConnectionClosed):
            async for _ in connection:
                await connection.send('{"type":"subscribed"}')
        connections.discard(connection)

    async def one(number: int) -> None:
        event = {
            "id": new_id(),
            "type": "alert.raised",
            "time": "2026-01-01T00:00:00.000Z",
            "source": "bench",
            "data": event_data(number),
        }
        message = {"type": "event", "id": 1, "offset": number + 1, "previous": number, "event": event}
        broadcast(connections, orjson.dumps(message), text=True)
        await asyncio.sleep(0)

    with socket.create_server(("127.0.0.1", 0), backlog=4096) as listening:
        async with serve(endpoint, sock=listening, compression=None, ping_interval=None):
            await obey(listening.getsockname()[1], 1, one)


# The client: as little work as possible, so that the servers are measured.


class Tally:
    """What all connections got together."""

    def __init__(self) -> None:
        self.subscribed = 0
        self.got = 0
        self.wanted = 0
        self.delays: list[float] = []
        self.reached = asyncio.Event()

    def add(self, count: int) -> None:
        self.got += count
        if self.got >= self.wanted:
            self.reached.set()

    async def reach(self, wanted: int) -> None:
        self.wanted = wanted
        if self.got < wanted:
            self.reached.clear()
            async with asyncio.timeout(120):
                await self.reached.wait()


class Reader(asyncio.Protocol):
    """Upgrades, subscribes, then counts frames; takes the delay out of them where it is a `sample`."""

    def __init__(self, tally: Tally, sample: bool) -> None:
        self._tally = tally
        self._sample = sample
        self._rest = b""
        self._upgraded = False
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        key = base64.b64encode(os.urandom(16)).decode()
        transport.write(
            f"GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        data = self._rest + data if self._rest else data
        at = 0
        if not self._upgraded:
            end = data.find(b"\r\n\r\n")
            if end < 0:
                self._rest = data
                return
            self._upgraded = True
            at = end + 4
            self._subscribe()
        count, size = 0, len(data)
        while size - at >= 4:
            length = data[at + 1]
            start = at + 2
            if length == 126:
                length = (data[at + 2] << 8) | data[at + 3]
                start = at + 4
            if start + length > size:
                break
            at = start + length
            if length > HIDDEN:
                count += 1
                if self._sample:
                    self._tally.delays.append(monotonic() - orjson.loads(data[start:at])["event"]["data"]["at"])
            elif b'"subscribed"' in data[start:at]:
                self._tally.add(1)
        self._rest = data[at:]
        if count:
            self._tally.add(count)

    def _subscribe(self) -> None:
        payload = b'{"type":"subscribe","id":1,"topic":"alerts"}'
        assert self._transport is not None
        self._transport.write(bytes([0x81, 0x80 | len(payload)]) + bytes(4) + payload)


@asynccontextmanager
async def running(kind: str) -> AsyncIterator[tuple[Process, int]]:
    process = await asyncio.create_subprocess_exec(sys.executable, __file__, "--serve", kind, stdin=PIPE, stdout=PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield process, int(await process.stdout.readline())
    finally:
        process.stdin.close()
        try:
            async with asyncio.timeout(15):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


async def measure(kind: str, subscribers: int, events: int, paced: int) -> tuple[float, float, float]:
    """Deliveries a second in a burst; p50 and p99 in ms at RATE events a second."""
    async with running(kind) as (process, port):
        assert process.stdin is not None
        tally = Tally()
        loop = asyncio.get_running_loop()
        readers = [partial(Reader, tally, number % 50 == 0) for number in range(subscribers)]
        transports = [(await loop.create_connection(reader, "127.0.0.1", port))[0] for reader in readers]
        await tally.reach(subscribers)
        took: dict[str, float] = {}
        # The first burst warms up.
        for order, count in (("burst", max(4, events // 4)), ("paced", paced), ("burst", events)):
            tally.got = 0
            if order == "paced":
                tally.delays.clear()
            started = monotonic()
            process.stdin.write(f"{order} {count}\n".encode())
            await tally.reach(count * subscribers)
            took[order] = monotonic() - started
            if order == "paced":
                delays = sorted(tally.delays)
        for transport in transports:
            transport.abort()
        p50, p99 = (delays[int(len(delays) * part)] * 1000 for part in (0.5, 0.99))
        return events * subscribers / took["burst"], p50, p99


async def compare(subscribers: int, events: int, paced: int, rounds: int) -> bool:
    ours, bare = [], []
    for _ in range(rounds):
        ours.append(await measure("ours", subscribers, events, paced))
        bare.append(await measure("bare", subscribers, events, paced))
    middle = [(statistics.median(a), statistics.median(b)) for a, b in zip(zip(*ours), zip(*bare), strict=True)]  # noqa: B905
    ratio = statistics.median(mine[0] / theirs[0] for mine, theirs in zip(ours, bare, strict=True))
    print(
        f"websocket fan-out, {subscribers} subscribers: {middle[0][0]:,.0f} deliveries/s, "
        f"bare broadcast() {middle[0][1]:,.0f}, ratio {ratio:.2f} (at least {LEAST})"
    )
    for name, (mine, theirs) in (("p50", middle[1]), ("p99", middle[2])):
        print(
            f"websocket delay, {subscribers} subscribers, {RATE} events/s, {name}: {mine:.1f} ms, "
            f"bare broadcast() {theirs:.1f} ms, ratio {mine / theirs:.2f}"
        )
    return ratio >= LEAST


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--subscribers", type=int, default=1000)
    parser.add_argument("--events", type=int, default=200)
    parser.add_argument("--paced", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--serve", choices=("ours", "bare"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = asked.subscribers + 200
    if soft < needed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(needed, hard), hard))
    if asked.serve:
        asyncio.run(serve_ours() if asked.serve == "ours" else serve_bare())
        return 0
    return 0 if asyncio.run(compare(asked.subscribers, asked.events, asked.paced, asked.rounds)) else 1


if __name__ == "__main__":
    sys.exit(main())
