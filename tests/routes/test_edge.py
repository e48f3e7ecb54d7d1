"""What every request passes: id, limits and headers."""

import httpx
import pytest

from server.parts import Parts


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
    assert answer.json()["error"]["requestId"]


async def test_methods_that_nobody_knows_are_counted_as_one(parts: Parts, anyone: httpx.AsyncClient) -> None:
    """Whoever invents methods does not make the metrics grow."""
    for number in range(3):
        await anyone.request(f"X{number}", "/api/v1/people")
    counted = [line for line in parts.metrics.render().decode().splitlines() if 'requests_total{method="' in line]
    assert counted == ['rollcall_http_requests_total{method="other",status="405"} 3.0']
