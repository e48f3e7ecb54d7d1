"""Behind a proxy only the named ones' headers count; without one nobody's do."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from sqlmodel import select
from starlette.types import ASGIApp, Receive, Scope, Send
from structlog.testing import capture_logs

from server.app import make_app
from server.commands.serve import uvicorn_config
from server.parts import Parts
from server.settings import Settings
from server.store.tables import AuditRow, Session
from tests.opened import PASSWORD, parts_in

FORGED = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"}


async def _echo(scope: Scope, _receive: Receive, send: Send) -> None:
    said = f"{scope['scheme']} {scope['client'][0]}".encode()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": said})


def served(app: ASGIApp, *proxies: str) -> ASGIApp:
    """The application as uvicorn would call it."""
    settings = Settings.model_validate({"http": {"trusted_proxies": proxies}})
    config = uvicorn_config(app, settings, "127.0.0.1", 0)
    config.load()
    loaded: ASGIApp = config.loaded_app
    return loaded


def asked_from(address: str, app: ASGIApp) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app, client=(address, 1234)), base_url="http://rollcall.test"
    )


@pytest.mark.parametrize(
    ("proxies", "client", "headers", "seen"),
    [
        # nobody is trusted, least of all by being on this machine
        ((), "127.0.0.1", FORGED, "http 127.0.0.1"),
        ((), "10.0.0.2", FORGED, "http 10.0.0.2"),
        (("10.0.0.2/32",), "10.0.0.3", FORGED, "http 10.0.0.3"),
        (("10.0.0.2/32",), "127.0.0.1", FORGED, "http 127.0.0.1"),
        # the named ones are
        (("10.0.0.2/32",), "10.0.0.2", FORGED, "https 203.0.113.9"),
        (("10.0.0.0/24",), "10.0.0.77", FORGED, "https 203.0.113.9"),
        (("fd00::/8",), "fd00::2", FORGED, "https 203.0.113.9"),
        (("10.0.0.2/32",), "10.0.0.2", {}, "http 10.0.0.2"),
        # from the right: what the client itself has put in front does not count
        (("10.0.0.2/32",), "10.0.0.2", {"X-Forwarded-For": "1.1.1.1, 203.0.113.9"}, "http 203.0.113.9"),
        (("10.0.0.0/24",), "10.0.0.2", {"X-Forwarded-For": "1.1.1.1, 203.0.113.9, 10.0.0.3"}, "http 203.0.113.9"),
        # other spellings are no way round
        (("10.0.0.2/32",), "10.0.0.2", {"Forwarded": "for=1.1.1.1;proto=https"}, "http 10.0.0.2"),
        (("10.0.0.2/32",), "10.0.0.2", {"X-Real-IP": "1.1.1.1"}, "http 10.0.0.2"),
        (("10.0.0.2/32",), "10.0.0.2", {"X-Forwarded-Proto": "gopher"}, "http 10.0.0.2"),
    ],
)
async def test_whose_headers_count(proxies: tuple[str, ...], client: str, headers: dict[str, str], seen: str) -> None:
    """The address and the scheme that the application sees."""
    async with asked_from(client, served(_echo, *proxies)) as http:
        assert (await http.get("/", headers=headers)).text == seen


@pytest.fixture
async def parts(tmp_path: Path) -> AsyncIterator[Parts]:
    async with parts_in(tmp_path) as parts:
        yield parts


async def test_a_forged_address_is_recorded_nowhere(parts: Parts) -> None:
    """Not in the session, not in the audit, not in the log."""
    with capture_logs() as lines:
        async with asked_from("198.51.100.7", served(make_app(parts))) as http:
            login = {"username": "admin@example.com", "password": PASSWORD}
            answer = await http.post("/api/v1/auth/login", json=login, headers=FORGED)
            assert answer.status_code == 200
            wrong = await http.post("/api/v1/auth/login", json=login | {"password": "wrong"}, headers=FORGED)
            assert wrong.status_code == 401
    assert {line["address"] for line in lines if line["event"] == "request"} == {"198.51.100.7"}
    async with parts.store.read() as session:
        assert [row.address for row in await session.exec(select(Session))] == ["198.51.100.7"]
        noted = [row.address for row in await session.exec(select(AuditRow)) if row.address]
    assert noted
    assert set(noted) == {"198.51.100.7"}


async def test_a_forged_address_gets_round_no_limit(parts: Parts) -> None:
    """Whoever guesses passwords from one place is held up, whatever place the header names."""
    async with asked_from("198.51.100.7", served(make_app(parts))) as http:
        statuses = [
            (
                await http.post(
                    "/api/v1/auth/login",
                    json={"username": f"user{number}@example.com", "password": "wrong"},
                    headers={"X-Forwarded-For": f"203.0.113.{number}"},
                )
            ).status_code
            for number in range(60)
        ]
    assert statuses[0] == 401
    assert statuses[-1] == 429
