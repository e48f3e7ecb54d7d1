"""What every request passes: id, limits and headers."""

from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.types import Receive, Scope, Send
from structlog.testing import capture_logs

from server.clock import SystemClock
from server.parts import Parts
from server.routes.edge import Edge
from server.telemetry import Metrics
from tests.opened import client_of, parts_in


async def test_request_ids_are_kept_or_made(anyone: httpx.AsyncClient) -> None:
    """A sane id of the caller's comes back, a strange one is replaced; errors carry it."""
    kept = await anyone.get("/api/v1/auth/me", headers={"X-Request-ID": "abcdef-123456"})
    assert kept.headers["X-Request-ID"] == kept.json()["error"]["requestId"] == "abcdef-123456"
    made = await anyone.get("/health/live", headers={"X-Request-ID": "<script>"})
    assert len(made.headers["X-Request-ID"]) == 36


async def test_security_headers_are_everywhere(anyone: httpx.AsyncClient) -> None:
    """Pages, API and errors carry the policy; the API is never cached."""
    for path in ("/login", "/api/v1/auth/me", "/nowhere"):
        answer = await anyone.get(path)
        assert "script-src" not in answer.headers["Content-Security-Policy"]  # default-src 'self' rules scripts
        assert "'unsafe" not in answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert (await anyone.get("/api/v1/auth/me")).headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("stated", [True, False])
async def test_a_body_that_is_too_large_is_413(parts: Parts, admin: httpx.AsyncClient, stated: bool) -> None:
    """By its stated length, and by counting where none is stated."""

    async def chunks() -> object:
        for _ in range(17):
            yield b"x" * 1_000_000

    content = b"x" * 17_000_000 if stated else chunks()
    answer = await admin.post("/api/v1/people", content=content, headers={"Content-Type": "application/json"})  # type: ignore[arg-type]
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_large")


async def test_browsers_get_a_page_and_programs_the_envelope(anyone: httpx.AsyncClient) -> None:
    """The same unknown path, by what is accepted."""
    page = await anyone.get("/nowhere", headers={"Accept": "text/html"})
    assert page.status_code == 404
    assert "<html" in page.text
    envelope = await anyone.get("/api/v1/nowhere", headers={"Accept": "text/html"})
    assert envelope.json()["error"]["code"] == "not_found"
    assert (await anyone.delete("/api/v1/people")).status_code == 405


async def test_a_crash_shows_no_traceback(
    parts: Parts, admin: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Something unforeseen is 500 in the envelope, with the id under which the log has it."""

    async def broken(*_: object, **__: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(type(parts.access.accounts), "get", broken)
    answer = await admin.get("/api/v1/auth/me")
    assert answer.status_code == 500
    assert answer.json()["error"]["code"] == "internal_error"
    assert "secret detail" not in answer.text
    assert answer.json()["error"]["requestId"] == answer.headers["X-Request-ID"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert 'status="500"' in parts.metrics.render().decode()


async def test_methods_that_nobody_knows_are_counted_as_one(parts: Parts, anyone: httpx.AsyncClient) -> None:
    """Whoever invents methods does not make the metrics grow."""
    for number in range(3):
        await anyone.request(f"X{number}", "/api/v1/people")
    counted = [line for line in parts.metrics.render().decode().splitlines() if 'requests_total{method="' in line]
    assert counted == ['rollcall_http_requests_total{method="other",status="405"} 3.0']


async def test_browsers_are_told_to_keep_to_https_where_it_is_there_to_stay(parts: Parts, tmp_path: Path) -> None:
    """With secure cookies, for the days that are set; without HTTPS nothing is said."""
    for days, told in ((30, "max-age=2592000"), (0, None)):
        chosen: dict[str, Any] = {"security": {"secure_cookies": True, "bcrypt_rounds": 4}, "tls": {"hsts_days": days}}
        async with parts_in(tmp_path / str(days), users=False, **chosen) as safe, client_of(safe, None) as client:
            for path in ("/login", "/api/v1/auth/me", "/nowhere"):
                assert (await client.get(path)).headers.get("Strict-Transport-Security") == told
    async with client_of(parts, None) as client:
        assert "Strict-Transport-Security" not in (await client.get("/login")).headers


async def test_one_line_a_request(parts: Parts) -> None:
    """Method, path without the query, status, time, address, and who it was where that is known."""
    with capture_logs() as lines:
        async with client_of(parts, None) as client:
            await client.get("/api/v1/auth/me?token=hunter2")
            await client.get("/health/live")
    (line,) = [line for line in lines if line["event"] == "request"]
    assert line.pop("ms") >= 0
    assert line == {
        "event": "request", "log_level": "info", "method": "GET", "path": "/api/v1/auth/me", "status": 401,
        "address": "127.0.0.1",
    }  # fmt: skip


async def _answer(scope: Scope, _receive: Receive, send: Send) -> None:
    scope["who"] = "user 0193"
    await send({"type": "http.response.start", "status": 200, "headers": [(b"cache-control", b"max-age=60")]})
    await send({"type": "http.response.body", "body": b"half", "more_body": True})
    if scope["path"] == "/api/breaks":
        raise RuntimeError("too late")
    await send({"type": "http.response.body", "body": b""})


async def test_who_asked_is_in_the_line_and_own_caching_stays() -> None:
    """The endpoint finds out who it is; what an answer says of itself counts."""
    edge = Edge(_answer, metrics=Metrics(), clock=SystemClock(), max_body_bytes=10)
    with capture_logs() as lines:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(edge), base_url="http://x") as client:
            answer = await client.get("/api/x")
    assert answer.headers["Cache-Control"] == "max-age=60"
    assert lines[0]["who"] == "user 0193"


async def test_who_is_signed_in_is_in_the_line(parts: Parts) -> None:
    """By id, which tells the log's reader nothing that the audit does not."""
    async with client_of(parts) as client:
        user_id = (await client.get("/api/v1/auth/me")).json()["data"]["id"]
        with capture_logs() as lines:
            await client.get("/api/v1/people")
    assert lines[-1]["who"] == f"user {user_id}"


async def test_half_an_answer_is_broken_off() -> None:
    """It cannot be taken back, and must not look whole."""
    edge = Edge(_answer, metrics=Metrics(), clock=SystemClock(), max_body_bytes=10)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(edge), base_url="http://x") as client:
        with pytest.raises(RuntimeError, match="too late"):
            await client.get("/api/breaks")


async def test_an_absurd_length_is_too_large(anyone: httpx.AsyncClient) -> None:
    """However many digits it has."""
    answer = await anyone.post("/api/v1/auth/login", content=b"{}", headers={"Content-Length": "9" * 6000})
    assert answer.status_code == 413
