"""The application: its routes, its WebSocket, and who may call it from elsewhere."""

from pathlib import Path

import httpx

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
                if allowed:
                    exposed = answer.headers["access-control-expose-headers"]
                    assert {"Location", "Link", "ETag", "Retry-After"} <= {one.strip() for one in exposed.split(",")}


async def test_large_answers_are_compressed(tmp_path: Path) -> None:
    """A client that takes gzip gets it."""
    async with parts_in(tmp_path, users=False) as parts:
        transport = httpx.ASGITransport(make_app(parts))
        async with httpx.AsyncClient(transport=transport, base_url="http://rollcall.test") as client:
            assert (await client.get("/openapi.json")).headers["content-encoding"] == "gzip"
