"""The gate of the WebSocket: the page's origin has to be ours, and whoever is let in is put out in time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import httpx
import orjson
import pytest
from starlette.requests import HTTPConnection, Request
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Origin

from server.access.access import Access
from server.access.principal import Principal
from server.bus.channels import Bus
from server.bus.redis import RedisBus
from server.clock import ManualClock
from server.events.hub import Hub
from server.parts import Parts
from server.routes.endpoint import SESSION_COOKIE
from server.routes.gate import PagesGate, SocketGate, same_origin
from server.store.event_log import TableLog
from tests.events.scenes import serving
from tests.opened import PASSWORD

VIEWER = "viewer@example.com"
PERSON = {"email": "vera@example.com", "fullName": "Vera"}
OWN = "seven grey herons"


@pytest.mark.parametrize(
    ("host", "origin", "same"),
    [
        ("rollcall.test", "http://rollcall.test", True),
        ("Rollcall.test:8000", "https://rollcall.test:8000", True),
        ("rollcall.test", "http://evil.test", False),
        ("rollcall.test", "http://rollcall.test.evil.test", False),
        ("rollcall.test:8000", "http://rollcall.test", False),
        ("rollcall.test", "null", False),
        ("rollcall.test", "", False),
    ],
)
def test_only_our_own_pages(host: str, origin: str, same: bool) -> None:
    """Host and port of the Origin are those that the browser talks to."""
    headers = [(b"host", host.encode())] + ([(b"origin", origin.encode())] if origin else [])
    assert same_origin(HTTPConnection({"type": "websocket", "headers": headers})) is same


@asynccontextmanager
async def _running(bus: Bus) -> AsyncIterator[None]:
    """What is said on it is heard."""
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(bus.run())
        if isinstance(bus, RedisBus):
            await bus.listening()
        try:
            yield
        finally:
            task.cancel()


@asynccontextmanager
async def _socket(parts: Parts, token: str) -> AsyncIterator[ClientConnection]:
    """A program that has sent its token."""
    async with (
        _running(parts.bus),
        serving(parts.hub, SocketGate(parts.access)) as url,
        connect(url, proxy=None) as socket,
    ):
        await socket.send(orjson.dumps({"type": "auth", "token": token}).decode())
        yield socket


async def _let_in(socket: ClientConnection) -> dict[str, object]:
    """What `ready` says of who it is."""
    async with asyncio.timeout(5):
        while True:
            message: dict[str, object] = orjson.loads(await socket.recv())
            if message["type"] == "ready":
                return message


async def _code(socket: ClientConnection) -> int | None:
    """With which code it is closed, within the five seconds that are promised."""
    try:
        async with asyncio.timeout(5):
            while True:
                await socket.recv()
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd else None


async def _principal(parts: Parts, email: str = VIEWER) -> tuple[Principal, str]:
    token = (await parts.access.login(email, PASSWORD)).access_token
    return await parts.access.by_token(token), token


def _elsewhere(parts: Parts, clock: ManualClock) -> tuple[Access, Hub]:
    """The door and the hub of another process on the same database and bus."""
    access = Access(parts.store, "of-another-process-0123456789-abcdef", clock, bcrypt_rounds=4)
    return access, Hub(TableLog(parts.store), parts.bus, clock)


async def test_a_session_ended_by_another_process(parts: Parts, clock: ManualClock) -> None:
    """The bus says so: what this process remembers is forgotten before its connections ask again."""
    principal, token = await _principal(parts)
    other, hub = _elsewhere(parts, clock)
    async with _socket(parts, token) as socket:
        await _let_in(socket)
        assert await parts.access.still_valid(principal)
        await other.logout_all(principal)
        assert await parts.access.still_valid(principal), "from memory: the clock stands still"
        hub.revoked()
        assert await _code(socket) == 4510


async def test_a_change_that_nobody_tells_of(parts: Parts, clock: ManualClock) -> None:
    """Another role, given by another process whose message is lost, counts within five seconds too."""
    principal, token = await _principal(parts)
    other, _ = _elsewhere(parts, clock)
    async with _socket(parts, token) as socket:
        await _let_in(socket)
        await other.accounts.update(
            principal.user_id, email=VIEWER, full_name="V", role="Operator", active=True, camera_ids=[]
        )
        clock.advance(3)
        assert await _code(socket) == 4510


@pytest.mark.parametrize(
    ("method", "path", "form"),
    [
        ("PUT", "users/{user}", PERSON | {"role": "Guards", "active": False}),
        ("PUT", "users/{user}", PERSON | {"role": "Viewer"}),
        ("DELETE", "users/{user}", None),
        ("PATCH", "users/{user}/password", {"newPassword": "set by an admin 1"}),
        ("PUT", "roles/{role}", {"name": "Guards", "permissions": ["events:read"]}),
        ("POST", "auth/logout-all", None),
    ],
    ids=["disabled", "another role", "deleted", "a new password", "other permissions", "signed out everywhere"],
)
async def test_what_an_open_socket_does_not_outlive(
    parts: Parts, admin: httpx.AsyncClient, method: str, path: str, form: dict[str, object] | None
) -> None:
    """Whatever takes away what somebody came in with closes it with 4510, within five seconds."""
    role = {"name": "Guards", "permissions": ["cameras:read", "events:read"]}
    made = {
        "role": (await admin.post("/api/v1/roles", json=role)).json()["data"]["id"],
        "user": (await admin.post("/api/v1/users", json=PERSON | {"role": "Guards", "password": OWN})).json()["data"][
            "id"
        ],
    }
    token = (await parts.access.login(str(PERSON["email"]), OWN)).access_token
    own = {"Authorization": f"Bearer {token}"} if path.startswith("auth/") else {}
    async with _socket(parts, token) as socket:
        await _let_in(socket)
        answer = await admin.request(method, f"/api/v1/{path.format(**made)}", json=form, headers=own)
        assert answer.is_success, answer.text
        assert await _code(socket) == 4510


async def test_a_key(parts: Parts, clock: ManualClock) -> None:
    """Lets in as its owner with its own permissions; when it runs out, that is an end: 4510, not 4002."""
    admin, _ = await _principal(parts, "admin@example.com")
    ends_at = clock.now() + timedelta(seconds=60)
    made = await parts.access.api_keys.create(admin, name="k", permissions=["events:read"], expires_at=ends_at)
    async with _socket(parts, made.key) as socket:
        ready = await _let_in(socket)
        assert isinstance(ready["user"], dict)
        assert (ready["user"]["email"], ready["user"]["permissions"]) == ("admin@example.com", ["events:read"])
        clock.advance(60)
        assert await _code(socket) == 4510


async def test_a_key_that_is_replaced(parts: Parts) -> None:
    """Whoever is in with the old one is put out at once."""
    admin, _ = await _principal(parts, "admin@example.com")
    made = await parts.access.api_keys.create(admin, name="k", permissions=["events:read"])
    async with _socket(parts, made.key) as socket:
        await _let_in(socket)
        await parts.access.api_keys.rotate(admin, made.view.id)
        parts.hub.revoked()
        assert await _code(socket) == 4510


async def test_a_page_of_another_site_with_a_token(parts: Parts) -> None:
    """The browser sends the cookie of this site along, which counts for nothing there; the token does."""
    signed_in = await parts.access.login(VIEWER, PASSWORD)
    headers = {"Cookie": f"{SESSION_COOKIE}={signed_in.cookie}"}
    foreign = Origin("http://app.example")
    async with (
        serving(parts.hub, SocketGate(parts.access)) as url,
        connect(url, proxy=None, origin=foreign, additional_headers=headers) as socket,
    ):
        await socket.send(orjson.dumps({"type": "auth", "token": signed_in.access_token}).decode())
        assert (await _let_in(socket))["type"] == "ready"


async def test_before_a_new_password_is_chosen(parts: Parts) -> None:
    """Not allowed, which is no reason to come back with the same token: 4503."""
    principal, _ = await _principal(parts)
    await parts.access.accounts.set_password(principal.user_id, "set by an admin 1")
    token = (await parts.access.login(VIEWER, "set by an admin 1")).access_token
    async with _socket(parts, token) as socket:
        assert await _code(socket) == 4503


async def test_pages(parts: Parts) -> None:
    """The browser's cookie says who looks at a page, also before a new password is chosen: the page asks for it."""
    gate = PagesGate(parts.access)
    assert await gate.setup_needed() is False
    principal, _ = await _principal(parts)
    await parts.access.accounts.set_password(principal.user_id, "set by an admin 1")
    cookie = (await parts.access.login(VIEWER, "set by an admin 1")).cookie
    for sent, email in ((f"{SESSION_COOKIE}={cookie}", VIEWER), (f"{SESSION_COOKIE}=x", None), ("", None)):
        request = Request({"type": "http", "headers": [(b"cookie", sent.encode())]})
        found = await gate.who(request)
        assert (found.email if found else None) == email
        if found is not None:
            assert found.must_change_password
            assert parts.access.csrf_valid(found, gate.csrf_token(found))
