"""What every request passes: an id, a limit on its body, security headers, one log line and the metrics."""

import re
from collections.abc import Mapping

import structlog
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.clock import Clock
from server.errors import TooLarge
from server.ids import new_id
from server.routes.responses import failure, on_crash
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
QUIET = ("/health/", "/metrics", "/static/", "/iclock/getrequest", "/iclock/ping")
# By name in the metrics. Anybody can invent more, and each would be kept for ever.
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Edge:
    """ASGI middleware around the whole application."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        metrics: Metrics,
        clock: Clock,
        max_body_bytes: int,
        larger: Mapping[str, int] | None = None,
        hsts_s: int = 0,
    ) -> None:
        """`larger`: paths whose bodies may have other sizes."""
        self._app = app
        self._metrics = metrics
        self._clock = clock
        self._max_body_bytes = max_body_bytes
        self._larger = larger or {}
        headers = HEADERS | ({"Strict-Transport-Security": f"max-age={hsts_s}"} if hsts_s else {})
        self._headers = tuple((name.lower().encode(), value.encode()) for name, value in headers.items())
        self._api_headers = (*self._headers, (b"cache-control", b"no-store"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = _header(scope, b"x-request-id")
        request_id = given if _REQUEST_ID.fullmatch(given) else new_id()
        scope["request_id"] = request_id
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        started = self._clock.monotonic()
        status = 0  # nothing sent yet

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                present = {name for name, _ in message["headers"]}
                more = self._api_headers if scope["path"].startswith("/api/") else self._headers
                message["headers"] = [
                    *message["headers"],
                    (b"x-request-id", request_id.encode()),
                    *(pair for pair in more if pair[0] not in present),
                ]
            await send(message)

        try:
            most_bytes = self._larger.get(scope["path"], self._max_body_bytes)
            if _stated_bytes(scope) > most_bytes:
                await failure(Request(scope), _too_large(most_bytes))(scope, receive, send_with_headers)
                return
            await self._app(scope, _counted(receive, most_bytes), send_with_headers)
        except Exception as error:
            if status:  # half an answer cannot be taken back: the connection breaks off
                raise
            # Here, and not further out: a crash carries the headers of every other answer.
            await (await on_crash(Request(scope), error))(scope, receive, send_with_headers)
        finally:
            self._done(scope, status or 500, self._clock.monotonic() - started)

    def _done(self, scope: Scope, status: int, took_s: float) -> None:
        """Counts, and one line. The path without its query: there are codes and signatures in those."""
        method = scope["method"] if scope["method"] in METHODS else "other"
        self._metrics.request(method, status, took_s)
        if scope["path"].startswith(QUIET):
            return
        client = scope.get("client")
        who = {"who": scope["who"]} if scope.get("who") else {}
        structlog.get_logger(__name__).info(
            "request", method=scope["method"], path=scope["path"], status=status, ms=round(took_s * 1000, 1),
            address=client[0] if client else None, **who,
        )  # fmt: skip


def _too_large(most_bytes: int) -> TooLarge:
    return TooLarge(f"The body is larger than {most_bytes // 1_000_000} MB.")


def _counted(receive: Receive, most_bytes: int) -> Receive:
    """A body sent in chunks has no stated length: count it on the way."""
    taken = 0

    async def counted() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > most_bytes:
            raise _too_large(most_bytes)
        return message

    return counted


def _header(scope: Scope, wanted: bytes) -> str:
    """The header's value, or nothing."""
    return next((value.decode("latin-1") for name, value in scope["headers"] if name == wanted), "")


def _stated_bytes(scope: Scope) -> int:
    stated = _header(scope, b"content-length")
    # A number of thousands of digits is no length, and takes long to read.
    return int(stated[:20]) if stated.isascii() and stated.isdecimal() else 0
