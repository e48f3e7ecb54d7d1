"""A receiver of webhooks on loopback: a real HTTP server that keeps what it got and answers as it is told."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import orjson
from aiohttp import web
from standardwebhooks.webhooks import Webhook as Checker

Answering = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True)
class Got:
    """One request."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def event(self) -> dict[str, object]:
        found: dict[str, object] = orjson.loads(self.body)
        return found

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    def check(self, secret: str) -> None:
        """By the library that receivers use. Raises WebhookVerificationError."""
        Checker(secret).verify(self.body, self.headers)


@dataclass
class Receiver:
    """`statuses` are answered one after another, then 200."""

    port: int = 0
    got: list[Got] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    answer: Answering | None = None
    always: int = 200
    said: str = "thanks"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    async def serve(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.got.append(Got(request.method, request.path, headers, body))
        if self.answer is not None:
            return await self.answer(request)
        status = self.statuses.pop(0) if self.statuses else self.always
        return web.Response(status=status, text=self.said, headers=self.headers)

    async def until(self, count: int) -> list[Got]:
        """What it got, as soon as that is so much."""
        for _ in range(6000):
            if len(self.got) >= count:
                return self.got
            await asyncio.sleep(0.01)
        raise AssertionError(f"got {len(self.got)} of {count}")


@asynccontextmanager
async def open_receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", receiver.serve)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        receiver.port = runner.addresses[0][1]
        yield receiver
    finally:
        await runner.cleanup()
