"""The application: its routes, its WebSocket, and who may call it from elsewhere."""

from pathlib import Path

import httpx
import pytest
from sqlalchemy.exc import OperationalError

from server.app import ENDPOINTS, make_app
from tests.opened import parts_in


def test_no_two_endpoints_share_an_address() -> None:
    """Method and path are one endpoint."""
    addresses = [(one.method, one.prefix + one.path) for one in ENDPOINTS]
    assert len(set(addresses)) == len(addresses)


async def test_other_origins_only_by_setting(tmp_path: Path) -> None:
    """Without the setting no CORS header; with it that origin only, and the contract's exposed headers."""
    async with parts_in(tmp_path, users=False) as parts:
        for origins, allowed in (((), None), (("http://hr.test",), "http://hr.test")):
            transport = httpx.ASGITransport(make_app(parts, cors_origins=origins))
            async with httpx.AsyncClient(transport=transport, base_url="http://rollcall.test") as client:
                answer = await client.get("/health/live", headers={"Origin": "http://hr.test"})
                assert answer.headers.get("access-control-allow-origin") == allowed
                other = await client.get("/health/live", headers={"Origin": "http://evil.test"})
                assert other.headers.get("access-control-allow-origin") is None
                assert "Origin" in answer.headers.get("Vary", "") or allowed is None


async def test_a_page_while_the_database_is_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that says to come back, not a crash; a program gets the envelope."""

    def away(_self: object) -> object:
        raise OperationalError("SELECT", {}, OSError("connection refused"))

    async with parts_in(tmp_path, users=False) as parts:
        monkeypatch.setattr(type(parts.store), "read", away)
        transport = httpx.ASGITransport(make_app(parts))
        async with httpx.AsyncClient(transport=transport, base_url="http://rollcall.test") as client:
            page = await client.get("/login", headers={"Accept": "text/html"})
            assert (page.status_code, page.headers["content-type"]) == (503, "text/html; charset=utf-8")
            assert "Try again in a moment" in page.text
            answer = await client.get("/login")
            assert (answer.status_code, answer.json()["error"]["code"]) == (503, "database_unavailable")


async def test_a_page_of_another_site_is_told_why_it_was_refused(tmp_path: Path) -> None:
    """Also where the edge refuses before anything else has looked at the request."""
    async with parts_in(tmp_path, users=False) as parts:
        transport = httpx.ASGITransport(make_app(parts, cors_origins=("http://hr.test",)))
        async with httpx.AsyncClient(transport=transport, base_url="http://rollcall.test") as client:
            body = b"x" * (parts.limits.max_body_bytes + 1)
            answer = await client.post("/api/v1/auth/login", content=body, headers={"Origin": "http://hr.test"})
            assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (413, "http://hr.test")
            other = await client.post("/api/v1/auth/login", content=body, headers={"Origin": "http://evil.test"})
            assert (other.status_code, other.headers.get("access-control-allow-origin")) == (413, None)


def words(header: str) -> set[str]:
    return {one.strip().lower() for one in header.split(",")}


async def test_what_pages_of_another_site_may_send_and_read(tmp_path: Path) -> None:
    """Every method, the contract's headers both ways, and no cookies; a preflight needs nobody signed in."""
    async with parts_in(tmp_path, users=False) as parts:
        transport = httpx.ASGITransport(make_app(parts, cors_origins=("http://hr.test",)))
        async with httpx.AsyncClient(transport=transport, base_url="http://rollcall.test") as client:
            sent = "authorization, content-type, if-match, if-none-match, idempotency-key, x-request-id"
            for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
                asked = {"Access-Control-Request-Method": method, "Access-Control-Request-Headers": sent}
                answer = await client.options("/api/v1/people/x", headers={"Origin": "http://hr.test", **asked})
                assert answer.status_code == 200, answer.text
                assert words(sent) <= words(answer.headers["access-control-allow-headers"])
                assert method.lower() in words(answer.headers["access-control-allow-methods"])
                assert "access-control-allow-credentials" not in answer.headers
            other = await client.options("/api/v1/people", headers={"Origin": "http://evil.test", **asked})
            assert "access-control-allow-origin" not in other.headers
            cookie = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-csrf-token"}
            page = await client.options("/api/v1/people", headers={"Origin": "http://hr.test", **cookie})
            assert page.status_code == 400  # the cookie's own header is not for other sites
            refused = await client.get("/api/v1/people", headers={"Origin": "http://hr.test"})
            assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (401, "http://hr.test")
            assert "access-control-allow-credentials" not in refused.headers
            exposed = words(refused.headers["access-control-expose-headers"])
            assert exposed >= {"location", "link", "etag", "retry-after", "x-request-id", "idempotent-replayed"}


async def test_large_answers_are_compressed(tmp_path: Path) -> None:
    """A client that takes gzip gets it."""
    async with parts_in(tmp_path, users=False) as parts:
        transport = httpx.ASGITransport(make_app(parts))
        async with httpx.AsyncClient(transport=transport, base_url="http://rollcall.test") as client:
            assert (await client.get("/openapi.json")).headers["content-encoding"] == "gzip"
