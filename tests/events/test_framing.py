"""The extension of uvicorn's protocol; what goes through it is tried in test_socket.py."""

import asyncio
import socket
from collections.abc import AsyncIterator

import uvicorn
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Data

from server.events.encoding import Batch
from server.events.framing import FramedWebSockets, framed
from server.events.outlet import EXTENSION


async def test_frames_and_messages_keep_their_order() -> None:
    """What is written as frames and what is sent through ASGI arrive as written; after the close nothing does."""

    async def endpoint(websocket: WebSocket) -> None:
        await websocket.accept()
        wire = websocket.scope["extensions"][EXTENSION]["wire"]
        assert isinstance(wire, FramedWebSockets)
        assert wire.is_writable
        wire.write_frames(Batch([b"1", b"2"]).frames)
        await websocket.send_text("3")
        wire.write_frames(Batch([b"4"]).frames)
        await websocket.close(4001)
        wire.write_frames(Batch([b"5"]).frames)

    config = uvicorn.Config(
        Starlette(routes=[WebSocketRoute("/ws", endpoint)]), ws=FramedWebSockets, lifespan="off", log_config=None
    )
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(server.serve(sockets=[listening]))
            # With compression on offer: a frame that is not compressed is valid all the same.
            async with connect(f"ws://127.0.0.1:{listening.getsockname()[1]}/ws") as client:
                assert [message async for message in _all(client)] == ["1", "2", "3", "4"]
                assert client.close_code == 4001
            server.should_exit = True


async def _all(client: ClientConnection) -> AsyncIterator[Data]:
    try:
        while True:
            yield await client.recv()
    except ConnectionClosed:
        return


def test_the_window_is_that_of_the_settings() -> None:
    """And by default the one of the class."""
    assert (framed(10).window_bits, FramedWebSockets.window_bits) == (10, 12)
    assert issubclass(framed(10), FramedWebSockets)
