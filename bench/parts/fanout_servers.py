"""Servers that tell many subscribers the same, each in a process of its own.

    python -m bench.parts.fanout_servers ours|bare|socketio [STORED]

`ours`: an event is appended to the log in a transaction of its own (SQLite, four writers); the hub tails the log and
delivers over uvicorn. `bare`: the `websockets` library's broadcast() of an equal message; nothing is stored, nothing
can be recovered. `socketio`: python-socketio's emit() to everybody, over the same uvicorn.
"""

import asyncio
import importlib
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import uvicorn
from sqlmodel import SQLModel
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket
from websockets.asyncio.server import ServerConnection, broadcast, serve
from websockets.exceptions import ConnectionClosed

from bench.parts.fanout_obey import event_data, event_message, obey
from server.bus.memory import MemoryBus
from server.clock import SystemClock
from server.events.framing import FramedWebSockets
from server.events.hub import Hub
from server.events.schema import NewEvent
from server.events.socket import serve_socket
from server.store.engine import Store
from server.store.event_log import TableLog

WRITERS = 4
TOPIC = "alerts"


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

    async def still_valid(self, principals: Sequence[object]) -> Sequence[bool]:
        return [True] * len(principals)

    async def sees_kiosk(self, principal: object, kiosk_id: str) -> bool:
        return True


def listening() -> socket.socket:
    """Where all of them wait for subscribers."""
    return socket.create_server(("127.0.0.1", 0), backlog=4096)


@asynccontextmanager
async def fresh_store() -> AsyncIterator[tuple[Store, Path]]:
    """An empty SQLite file of Rollcall's."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bench.sqlite"
        async with Store(f"sqlite+aiosqlite:///{path}") as store:
            async with store.engine.begin() as connection:
                await connection.run_sync(SQLModel.metadata.create_all)
            yield store, path


def _new_event(number: int) -> NewEvent:
    return NewEvent(TOPIC, "alert.raised", "bench", event_data(number), datetime.now(UTC))


async def serve_ours(stored: int) -> None:
    """Rollcall's log, hub and socket; so many events are there from the beginning."""
    async with fresh_store() as (store, _):
        log = TableLog(store)
        await append(store, log, stored)
        hub = Hub(log, MemoryBus(), SystemClock())
        anyone = Anyone()

        async def endpoint(websocket: WebSocket) -> None:
            await serve_socket(websocket, hub, anyone)

        async def publish(number: int) -> None:
            async with store.transaction() as session:
                await log.append(session, [_new_event(number)])
            hub.wake([TOPIC])

        app = Starlette(routes=[WebSocketRoute("/ws", endpoint)])
        config = uvicorn.Config(
            app, ws=FramedWebSockets, ws_per_message_deflate=False, ws_ping_interval=None, lifespan="off",
            ws_max_size=65536, log_config=None, timeout_graceful_shutdown=2,
        )  # fmt: skip
        server = uvicorn.Server(config)
        with listening() as at:
            async with asyncio.TaskGroup() as tasks:
                tailing = tasks.create_task(hub.run())
                serving = tasks.create_task(server.serve(sockets=[at]))
                hello = {"port": at.getsockname()[1], "epoch": await log.epoch()}
                await obey(hello, publish, writers=WRITERS)
                server.should_exit = True
                await serving
                tailing.cancel()


async def append(store: Store, log: TableLog, count: int) -> None:
    """Events that nobody is told of, a hundred in a transaction."""
    for first in range(0, count, 100):
        async with store.transaction() as session:
            await log.append(session, [_new_event(number) for number in range(first, min(count, first + 100))])


async def serve_bare() -> None:
    """What the library does by itself; a subscriber is told once that it is one."""
    connections: set[ServerConnection] = set()

    async def endpoint(connection: ServerConnection) -> None:
        connections.add(connection)
        with suppress(ConnectionClosed):
            async for _ in connection:
                await connection.send('{"type":"subscribed"}')
        connections.discard(connection)

    async def publish(number: int) -> None:
        broadcast(connections, event_message(number), text=True)
        await asyncio.sleep(0)

    with listening() as at:
        async with serve(endpoint, sock=at, compression=None, ping_interval=None):
            await obey({"port": at.getsockname()[1]}, publish)


async def serve_socketio() -> None:
    """As its documentation shows it: an AsyncServer as an ASGI application."""
    socketio: Any = importlib.import_module("socketio")
    hub = socketio.AsyncServer(async_mode="asgi", cors_allowed_origins="*")
    config = uvicorn.Config(
        socketio.ASGIApp(hub), ws_per_message_deflate=False, ws_ping_interval=None, lifespan="off", log_config=None,
        timeout_graceful_shutdown=2,
    )  # fmt: skip
    server = uvicorn.Server(config)

    async def publish(number: int) -> None:
        await hub.emit("event", event_message(number).decode())

    with listening() as at:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(server.serve(sockets=[at]))
            await obey({"port": at.getsockname()[1]}, publish)
            server.should_exit = True


def main(kind: str, stored: str = "0") -> None:
    if kind == "ours":
        asyncio.run(serve_ours(int(stored)))
    else:
        asyncio.run(serve_bare() if kind == "bare" else serve_socketio())


if __name__ == "__main__":
    main(*sys.argv[1:])
