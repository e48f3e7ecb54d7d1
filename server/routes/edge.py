"""What every request passes: an id, a limit on its body, security headers, one log line and the metrics."""

import re

import structlog
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.clock import Clock
from server.errors import TooLarge
from server.ids import new_id
from server.routes.responses import failure
from server.telemetry import Metrics

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
PAGE_POLICY = (
    "default-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; connect-src 'self'; "
    "object-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
)
HEADERS = {
    "Content-Security-Policy": PAGE_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
}
# Asked every few seconds by machines: their lines would bury the others.
QUIET = ("/health/", "/metrics", "/static/")
# By name in the metrics. Anybody can invent more, and each would be kept for ever.
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Edge:
    """ASGI middleware around the whole application."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics, clock: Clock, max_body_bytes: int) -> None:
        self._app = app
        self._metrics = metrics
        self._clock = clock
        self._max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        given = request.headers.get("X-Request-ID", "")
        request_id = given if _REQUEST_ID.fullmatch(given) else new_id()
        scope["request_id"] = request_id
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        started = self._clock.monotonic()
        status = 500

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = request_id
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                if scope["path"].startswith("/api/"):
                    headers.setdefault("Cache-Control", "no-store")
            await send(message)

        try:
            stated = request.headers.get("Content-Length", "")
            if stated.isdecimal() and int(stated) > self._max_body_bytes:
                await failure(request, self._too_large())(scope, receive, send_with_headers)
                return
            await self._app(scope, self._counted(receive), send_with_headers)
        finally:
            took_s = self._clock.monotonic() - started
            method = scope["method"] if scope["method"] in METHODS else "other"
            self._metrics.requests.labels(method, str(status)).inc()
            self._metrics.request_seconds.labels(method).observe(took_s)
            if not scope["path"].startswith(QUIET):
                structlog.get_logger(__name__).info(
                    "request", method=scope["method"], path=scope["path"], status=status, ms=round(took_s * 1000, 1)
                )

    def _too_large(self) -> TooLarge:
        return TooLarge(f"The body is larger than {self._max_body_bytes // 1_000_000} MB.")

    def _counted(self, receive: Receive) -> Receive:
        """A body sent in chunks has no stated length: count it on the way."""
        taken = 0

        async def counted() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > self._max_body_bytes:
                raise self._too_large()
            return message

        return counted
