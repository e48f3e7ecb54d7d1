"""The way out of one connection: frames straight to the transport, or messages through the ASGI server."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

from starlette.websockets import WebSocket, WebSocketDisconnect

from server.events.encoding import Batch

EXTENSION = "rollcall.frames"


class Outlet(Protocol):
    """Takes messages without waiting. Who sees `ready` false stops and is called when it is true again."""

    @property
    def ready(self) -> bool:
        """False while the client does not take what was written already."""

    def write(self, batch: Batch) -> None:
        """Goes out in order; nothing happens where the client is gone."""


class Wire(Protocol):
    """What the server offers under EXTENSION in the scope: see framing.py."""

    on_writable: Callable[[], None] | None

    @property
    def is_writable(self) -> bool: ...

    @property
    def deflates(self) -> int | None:
        """The window of the compression on which the client has agreed, if it has."""

    def write_frames(self, frames: bytes) -> None: ...

    def abort(self) -> None: ...


class WireOutlet:
    """One write for a whole batch, the same bytes for all who share it."""

    def __init__(self, wire: Wire, on_ready: Callable[[], None]) -> None:
        self._wire = wire
        self._wire.on_writable = on_ready
        self._window_bits = wire.deflates

    @property
    def ready(self) -> bool:
        return self._wire.is_writable

    def write(self, batch: Batch) -> None:
        bits = self._window_bits
        self._wire.write_frames(batch.frames if bits is None else batch.deflated(bits))

    async def run(self) -> None:
        """Nothing to pump."""

    async def close(self, code: int, reason: str, websocket: WebSocket, limit_s: float) -> None:
        """The client gets `limit_s` to take what is left and the close frame; then the connection is cut."""
        try:
            async with asyncio.timeout(limit_s):
                await websocket.close(code, reason)
        except (TimeoutError, WebSocketDisconnect, RuntimeError):
            self._wire.abort()


class SendOutlet:
    """For servers without the extension: a bounded backlog, sent one by one."""

    def __init__(self, websocket: WebSocket, on_ready: Callable[[], None], limit_bytes: int = 64 * 2**10) -> None:
        self._websocket = websocket
        self._on_ready = on_ready
        self._limit_bytes = limit_bytes
        self._backlog: deque[bytes] = deque()
        self._size = 0
        self._wanted = asyncio.Event()

    @property
    def ready(self) -> bool:
        return self._size < self._limit_bytes

    def write(self, batch: Batch) -> None:
        self._extend(batch.payloads)
        self._wanted.set()

    def _extend(self, payloads: Sequence[bytes]) -> None:
        self._backlog.extend(payloads)
        self._size += sum(map(len, payloads))

    async def run(self) -> None:
        """Sends until cancelled, or the client is gone."""
        while True:
            self._wanted.clear()
            while self._backlog:
                payload = self._backlog.popleft()
                await self._websocket.send({"type": "websocket.send", "text": payload.decode()})
                blocked = not self.ready
                self._size -= len(payload)
                if blocked and self.ready:
                    self._on_ready()
            await self._wanted.wait()

    async def close(self, code: int, reason: str, websocket: WebSocket, limit_s: float) -> None:
        """What is in the backlog is dropped; the server ends a client that does not take the close frame."""
        try:
            async with asyncio.timeout(limit_s):
                await websocket.close(code, reason)
        except (TimeoutError, WebSocketDisconnect, RuntimeError):
            return


def one(payload: bytes) -> Batch:
    """A message on its own."""
    return Batch((payload,))
