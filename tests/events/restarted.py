"""A small server for test_restart.py: our socket on a log in a file. Run as `python restarted.py DATABASE PORT`."""

import asyncio
import socket
import sys
from datetime import UTC, datetime

import uvicorn
from sqlmodel import SQLModel
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from server.bus.memory import MemoryBus
from server.clock import SystemClock
from server.events.framing import FramedWebSockets
from server.events.hub import Hub
from server.events.schema import NewEvent
from server.events.socket import serve_socket
from server.store.engine import Store
from server.store.event_log import TableLog
from tests.events.scenes import Door, Somebody


async def main(path: str, port: int) -> None:
    async with Store(f"sqlite+aiosqlite:///{path}") as store:
        async with store.engine.begin() as connection:
            await connection.run_sync(SQLModel.metadata.create_all)
        log = TableLog(store)
        hub = Hub(log, MemoryBus(), SystemClock())
        door = Door(good=Somebody())

        async def endpoint(websocket: WebSocket) -> None:
            await serve_socket(websocket, hub, door)

        async def say(request: Request) -> PlainTextResponse:
            """So many events, each in a transaction of its own."""
            for number in range(int(request.query_params["count"])):
                event = NewEvent("alerts", "alert.raised", "test", {"number": number}, datetime.now(UTC))
                async with store.transaction() as session:
                    await log.append(session, [event])
                hub.wake(["alerts"])
            return PlainTextResponse("said")

        routes = [WebSocketRoute("/ws", endpoint), Route("/say", say)]
        config = uvicorn.Config(Starlette(routes=routes), ws=FramedWebSockets, lifespan="off", log_config=None)
        with socket.create_server(("127.0.0.1", port)) as listening:
            sys.stdout.write(f"{listening.getsockname()[1]}\n")
            sys.stdout.flush()
            async with asyncio.TaskGroup() as tasks:
                running = tasks.create_task(hub.run())
                await uvicorn.Server(config).serve(sockets=[listening])
                running.cancel()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
