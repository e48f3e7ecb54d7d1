"""What the tests of this room say and hear: events, somebody who asks, a client whose pipe can be stopped."""

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import orjson
import uvicorn
from sqlalchemy.exc import OperationalError
from starlette.applications import Starlette
from starlette.routing import BaseRoute, WebSocketRoute
from starlette.websockets import WebSocket

from server.errors import Forbidden, NotAuthenticated
from server.events.encoding import Batch
from server.events.framing import FramedWebSockets
from server.events.gate import Gate, Principal
from server.events.hub import Hub
from server.events.presence import Presence
from server.events.schema import NewEvent, StoredEvent
from server.events.socket import Snapshots, SocketLimits, serve_socket
from server.store.engine import Store
from server.store.event_log import TableLog

AT = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)


def new_event(number: int, *, topic: str = "alerts", camera: str = "c1", kind: str = "alert.raised") -> NewEvent:
    """A fact that says which one it is."""
    data: dict[str, object] = {"number": number, "cameraId": camera, "person": {"id": f"p{number % 3}"}}
    return NewEvent(topic, kind, f"cameras/{camera}", data, AT + timedelta(seconds=number))


def stored_event(offset: int, *, topic: str = "alerts", camera: str = "c1", padding: str = "") -> StoredEvent:
    """The same, with its place in the log."""
    event = new_event(offset, topic=topic, camera=camera)
    data = event.data | {"padding": padding}
    return StoredEvent(topic, offset, f"id-{offset}", event.type, event.time, event.source, data)


async def say(store: Store, log: TableLog, hub: Hub | None, *events: NewEvent) -> list[StoredEvent]:
    """One transaction, and the wake-up after it."""
    async with store.transaction() as session:
        stored = await log.append(session, events)
    if hub is not None:
        hub.wake({event.topic for event in events})
    return stored


class Somebody:
    """A principal with the permissions it was given; all of them by default."""

    def __init__(
        self,
        name: str = "ada",
        *,
        permissions: Sequence[str] | None = None,
        expires_at: datetime | None = None,
        kiosk_id: str | None = None,
        key_id: str | None = None,
        only_cameras: frozenset[str] | None = None,
        only_departments: frozenset[str] | None = None,
    ) -> None:
        self.id = name
        self.user: dict[str, object] = {"email": f"{name}@example.com", "role": None}
        self.expires_at = expires_at
        self.kiosk_id = kiosk_id
        self.key_id = key_id
        self.only_cameras = only_cameras
        self.only_departments = only_departments
        self._permissions = permissions

    def may(self, permission: str) -> bool:
        return self._permissions is None or permission in self._permissions


class Door:
    """A gate that knows these tokens and tickets; `cookie` lets everybody in who brings one."""

    def __init__(self, **tokens: Somebody) -> None:
        self.tokens = tokens
        self.ended: set[str] = set()
        self.kiosks: dict[str, set[str]] = {}  # the cameras of each
        self.slow_s = 0.0
        self.failures = 0  # how often the database does not answer from now on

    def _ask(self) -> None:
        if self.failures > 0:
            self.failures -= 1
            raise OperationalError("SELECT", None, OSError("connection refused"))

    async def by_token(self, token: str) -> Principal:
        await asyncio.sleep(self.slow_s)
        self._ask()
        if token not in self.tokens:
            raise NotAuthenticated("The token is not valid.")
        return self.tokens[token]

    async def by_cookie(self, websocket: WebSocket) -> Principal | None:
        if "session" not in websocket.cookies:
            return None
        await asyncio.sleep(self.slow_s)
        self._ask()
        if not websocket.headers.get("origin", "").startswith(("http://localhost", "http://127.0.0.1")):
            raise Forbidden("A strange origin.")
        return self.tokens[websocket.cookies["session"]]

    async def by_ticket(self, ticket: str) -> Principal | None:
        await asyncio.sleep(self.slow_s)
        self._ask()
        return self.tokens.pop(ticket, None)

    async def still_valid(self, principals: Sequence[Principal]) -> Sequence[bool]:
        self._ask()
        return [principal.id not in self.ended for principal in principals]

    async def sees_kiosk(self, principal: Principal, kiosk_id: str) -> bool:
        cameras = self.kiosks.get(kiosk_id)
        return cameras is not None and cameras <= (principal.only_cameras or cameras)


class Pipe:
    """An outlet that keeps what was written; `ready` is the test's to set."""

    def __init__(self) -> None:
        self.ready = True
        self.payloads: list[bytes] = []

    def write(self, batch: Batch) -> None:
        self.payloads.extend(batch.payloads)

    @property
    def messages(self) -> list[dict[str, object]]:
        return [orjson.loads(payload) for payload in self.payloads]

    @property
    def offsets(self) -> list[object]:
        return [message["offset"] for message in self.messages]


@asynccontextmanager
async def serving(
    hub: Hub,
    gate: Gate,
    *,
    framed: bool = True,
    snapshots: Snapshots | None = None,
    limits: SocketLimits | None = None,
    routes: Sequence[BaseRoute] = (),
    presence: Presence | None = None,
    compressed: bool = False,
    ping_s: tuple[float, float] = (20.0, 20.0),
) -> AsyncIterator[str]:
    """A real server in this process; gives the address of its socket."""

    async def endpoint(websocket: WebSocket) -> None:
        await serve_socket(websocket, hub, gate, snapshots=snapshots, limits=limits, presence=presence)

    config = uvicorn.Config(
        Starlette(routes=[WebSocketRoute("/ws", endpoint), *routes]),
        ws=FramedWebSockets if framed else "websockets-sansio",
        ws_per_message_deflate=compressed,
        ws_ping_interval=ping_s[0],
        ws_ping_timeout=ping_s[1],
        ws_max_size=65536,
        lifespan="off",
        log_config=None,
        timeout_graceful_shutdown=3,
    )
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(hub.run())
            served = tasks.create_task(server.serve(sockets=[listening]))
            try:
                yield f"ws://127.0.0.1:{listening.getsockname()[1]}/ws"
            finally:
                server.should_exit = True
                await served
                running.cancel()
