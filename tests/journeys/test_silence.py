"""A database that falls silent without closing its connections: who asks is told, and the server can be ended."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from sqlalchemy import make_url

from tests.journeys.server import STOP_WITHIN_S, RollcallServer
from tests.journeys.stacks import postgresql_and_redis
from tests.silent_proxy import SilentProxy, silent_proxy

pytestmark = [pytest.mark.journey, pytest.mark.timeout(300)]


@contextmanager
def proxy_beside(host: str, port: int) -> Iterator[tuple[SilentProxy, asyncio.AbstractEventLoop]]:
    """The proxy on a loop and a thread of its own, for a test that is not asynchronous."""
    ready: list[tuple[SilentProxy, asyncio.AbstractEventLoop]] = []
    started, done = threading.Event(), asyncio.Event()

    async def run() -> None:
        async with silent_proxy(host, port) as proxy:
            ready.append((proxy, asyncio.get_running_loop()))
            started.set()
            await done.wait()

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    assert started.wait(10)
    proxy, loop = ready[0]
    try:
        yield proxy, loop
    finally:
        loop.call_soon_threadsafe(done.set)
        thread.join(10)


def test_a_postgresql_that_falls_silent(postgresql_server: str, redis_server: str, tmp_path: Path) -> None:
    """503 and not a wait without end, not ready, and SIGTERM ends it in time all the same."""
    with postgresql_and_redis(postgresql_server, redis_server) as settings:
        direct = make_url(settings["ROLLCALL_DATABASE__URL"])
        with proxy_beside(direct.host or "127.0.0.1", direct.port or 5432) as (proxy, loop):
            through = direct.set(host="127.0.0.1", port=proxy.own_port).render_as_string(hide_password=False)
            server = RollcallServer(
                tmp_path,
                settings=settings | {"ROLLCALL_DATABASE__URL": through, "ROLLCALL_DATABASE__STATEMENT_TIMEOUT_S": "1"},
            )
            with server, server.login() as admin:
                assert admin.get("cameras") == []
                loop.call_soon_threadsafe(proxy.talks.clear)
                ready = httpx.get(f"{server.url}/health/ready", timeout=20)
                assert (ready.status_code, ready.json()["error"]["code"]) == (503, "database_unavailable")
                assert httpx.get(f"{server.url}/health/live", timeout=20).status_code == 200
                refused = admin.raw("GET", "cameras", timeout=60)
                assert (refused.status_code, refused.json()["error"]["code"]) == (503, "database_unavailable")
                page = httpx.get(f"{server.url}/login", headers={"Accept": "text/html"}, timeout=60)
                assert page.status_code == 503
                assert "Traceback" not in page.text
                process = server._process
                assert process is not None
                process.terminate()
                assert process.wait(STOP_WITHIN_S) == 0
                server._process = None
