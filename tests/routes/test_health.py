"""What machines ask: alive, ready, metrics."""

import asyncio

import httpx
import pytest

from server.parts import Parts
from server.routes import health


async def test_alive_and_ready_without_signing_in(anyone: httpx.AsyncClient) -> None:
    """Both answer 200 while the database does."""
    assert (await anyone.get("/health/live")).json()["data"]["status"] == "ok"
    assert (await anyone.get("/health/ready")).status_code == 200


async def test_not_ready_when_the_database_is_gone(
    parts: Parts, anyone: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Alive all the same: a restart would not help."""

    async def gone(_self: object) -> None:
        raise OSError("no such host")

    monkeypatch.setattr(type(parts.store), "ping", gone)
    answer = await anyone.get("/health/ready")
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "database_unavailable")
    assert (await anyone.get("/health/live")).status_code == 200


async def test_not_ready_when_the_database_says_nothing(
    parts: Parts, anyone: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever asks is answered all the same."""

    async def silent(_self: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(health, "READY_WITHIN_S", 0.1)
    monkeypatch.setattr(type(parts.store), "ping", silent)
    answer = await anyone.get("/health/ready")
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "database_unavailable")


async def test_without_redis_it_is_ready_and_names_it(
    parts: Parts, anyone: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everything is served without it: whoever takes a server out of service for that makes an outage of a delay."""
    monkeypatch.setattr(type(parts.bus), "away", None)
    assert (await anyone.get("/health/ready")).json()["data"] == {"status": "ok", "away": []}
    monkeypatch.setattr(type(parts.bus), "away", "redis")
    answer = await anyone.get("/health/ready")
    assert (answer.status_code, answer.json()["data"]) == (200, {"status": "degraded", "away": ["redis"]})
    assert "rollcall_bus_up 0.0" in (await anyone.get("/metrics")).text

    async def gone(_self: object) -> None:
        raise OSError("no such host")

    monkeypatch.setattr(type(parts.store), "ping", gone)
    answer = await anyone.get("/health/ready")
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "database_unavailable")
    assert "Redis" in answer.json()["error"]["message"]


async def test_metrics_are_prometheus_text(anyone: httpx.AsyncClient) -> None:
    """Requests are counted, the gallery is measured."""
    await anyone.get("/api/v1/auth/me")
    answer = await anyone.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    assert 'rollcall_http_requests_total{method="GET",status="401"} 1.0' in answer.text
    assert "rollcall_gallery_templates 0.0" in answer.text
