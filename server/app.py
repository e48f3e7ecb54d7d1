"""The application: the list of its routes and handlers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from server.errors import RollcallError
from server.events.asyncapi import asyncapi
from server.events.socket import serve_socket
from server.lifespan import running
from server.parts import Parts
from server.routes import attendance, auth, cameras, health, kiosks, live, people, photos, sightings
from server.routes.edge import Edge
from server.routes.endpoint import Endpoint
from server.routes.gate import PagesGate, SocketGate
from server.routes.openapi import document
from server.routes.pages import Pages, page_routes
from server.routes.responses import json_response, on_crash, on_http_exception, on_rollcall_error

ENDPOINTS: tuple[Endpoint, ...] = (
    *auth.ENDPOINTS,
    *cameras.ENDPOINTS,
    *live.ENDPOINTS,
    *people.ENDPOINTS,
    *photos.ENDPOINTS,
    *sightings.ENDPOINTS,
    *attendance.ENDPOINTS,
    *kiosks.ENDPOINTS,
    *health.ENDPOINTS,
)
EXPOSED = ("Location", "Link", "ETag", "Retry-After")


async def openapi_document(_request: Request) -> Response:
    return json_response(document(ENDPOINTS, version("rollcall")))


async def asyncapi_document(_request: Request) -> Response:
    return json_response(asyncapi(version("rollcall")))


def make_app(parts: Parts, *, cors_origins: tuple[str, ...] = ()) -> Starlette:
    """The application around parts that are open; its lifespan runs their tasks."""

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        async with running(parts):
            yield

    gate = SocketGate(parts.access)
    pages = Pages()

    async def on_unknown(request: Request, error: Exception) -> Response:
        """A browser that asks for a page gets a page, a program gets the envelope."""
        assert isinstance(error, HTTPException)
        if not request.url.path.startswith("/api/") and "text/html" in request.headers.get("Accept", ""):
            return await pages.error(request, error.status_code)
        return await on_http_exception(request, error)

    async def socket(websocket: WebSocket) -> None:
        parts.metrics.subscribers.inc()
        try:
            await serve_socket(websocket, parts.hub, gate)
        finally:
            parts.metrics.subscribers.dec()

    middleware = [
        Middleware(Edge, metrics=parts.metrics, clock=parts.clock, max_body_bytes=parts.limits.max_body_bytes),
        Middleware(GZipMiddleware, minimum_size=1000),
    ]
    if cors_origins:
        cors = Middleware(
            CORSMiddleware, allow_origins=list(cors_origins), allow_methods=["*"],
            allow_headers=["Authorization", "Content-Type", "If-Match", "Idempotency-Key"], expose_headers=EXPOSED,
        )  # fmt: skip
        middleware.insert(1, cors)
    app = Starlette(
        routes=[
            *(one.route() for one in ENDPOINTS),
            Route("/openapi.json", openapi_document),
            Route("/asyncapi.json", asyncapi_document),
            WebSocketRoute("/ws", socket),
            *page_routes(pages),
        ],
        middleware=middleware,
        exception_handlers={
            RollcallError: on_rollcall_error,
            HTTPException: on_unknown,
            Exception: on_crash,
        },
        lifespan=lifespan,
    )
    app.state.parts = parts
    app.state.pages = PagesGate(parts.access)
    return app
