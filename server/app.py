"""The application: the list of its routes and handlers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket

from server.errors import RollcallError
from server.events.asyncapi import asyncapi
from server.events.socket import serve_socket
from server.lifespan import running
from server.parts import Parts
from server.routes import (
    alerts,
    api_keys,
    attendance,
    audit,
    auth,
    calendars,
    camera_search,
    cameras,
    check_ins,
    clips,
    credentials,
    day_charts,
    days,
    days_export,
    departments,
    docs,
    entries,
    entries_import,
    events,
    health,
    holidays_import,
    iclock,
    jobs,
    kiosks,
    live,
    objects,
    own_account,
    people,
    people_export,
    people_import,
    photos,
    privacy,
    reports,
    roles,
    settings,
    setup,
    shifts,
    sightings,
    snapshots,
    system,
    system_info,
    terminals,
    totp,
    users,
    visitors,
    webhooks,
    working_time,
    zones,
)
from server.routes.docs import Document, docs_routes
from server.routes.edge import Edge
from server.routes.endpoint import Endpoint
from server.routes.entries_import import IMPORT_PATH as ENTRIES_IMPORT_PATH
from server.routes.gate import PagesGate, SocketGate
from server.routes.languages import Languages
from server.routes.openapi import document
from server.routes.pages import Pages, page_routes
from server.routes.people_import import IMPORT_PATH
from server.routes.responses import database_away, on_crash, on_http_exception, on_rollcall_error

ENDPOINTS: tuple[Endpoint, ...] = (
    *auth.ENDPOINTS,
    *own_account.ENDPOINTS,
    *totp.ENDPOINTS,
    *setup.ENDPOINTS,
    *api_keys.ENDPOINTS,
    *users.ENDPOINTS,
    *roles.ENDPOINTS,
    *settings.ENDPOINTS,
    *system.ENDPOINTS,
    *system_info.ENDPOINTS,
    *audit.ENDPOINTS,
    *alerts.ENDPOINTS,
    *events.ENDPOINTS,
    *webhooks.ENDPOINTS,
    *reports.ENDPOINTS,
    *jobs.ENDPOINTS,
    *camera_search.ENDPOINTS,
    *snapshots.ENDPOINTS,
    *cameras.ENDPOINTS,
    *live.ENDPOINTS,
    *entries_import.ENDPOINTS,
    *people_import.ENDPOINTS,
    *people_export.ENDPOINTS,
    *privacy.ENDPOINTS,
    *people.ENDPOINTS,
    *credentials.ENDPOINTS,
    *departments.ENDPOINTS,
    *photos.ENDPOINTS,
    *visitors.ENDPOINTS,  # before what takes any id in the place of `unknown`
    *sightings.ENDPOINTS,
    *clips.ENDPOINTS,
    *zones.ENDPOINTS,
    *objects.ENDPOINTS,
    *attendance.ENDPOINTS,
    *entries.ENDPOINTS,
    *calendars.ENDPOINTS,
    *days.ENDPOINTS,
    *days_export.ENDPOINTS,
    *day_charts.ENDPOINTS,
    *shifts.ENDPOINTS,
    *holidays_import.ENDPOINTS,
    *working_time.ENDPOINTS,
    *kiosks.ENDPOINTS,
    *check_ins.ENDPOINTS,
    *terminals.ENDPOINTS,
    *iclock.ENDPOINTS,
    *health.ENDPOINTS,
    *docs.ENDPOINTS,
)
# What pages of other sites may send, and may read of the answer. Cookies are not for them.
ACCEPTED = ("Authorization", "Content-Type", "If-Match", "If-None-Match", "Idempotency-Key", "X-Request-ID")
EXPOSED = ("Location", "Link", "ETag", "Retry-After", "X-Request-ID", "Idempotent-Replayed")


def _wants_page(request: Request) -> bool:
    return not request.url.path.startswith("/api/") and "text/html" in request.headers.get("Accept", "")


def make_app(parts: Parts, *, cors_origins: tuple[str, ...] = (), locales: Path | None = None) -> Starlette:
    """The application around parts that are open; its lifespan runs their tasks. `locales`: languages of the site."""

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        async with running(parts):
            yield

    gate = SocketGate(parts.access)
    pages = Pages(Languages(locales))

    async def on_unknown(request: Request, error: Exception) -> Response:
        """A browser that asks for a page gets a page, a program gets the envelope."""
        assert isinstance(error, HTTPException)
        if _wants_page(request):
            return await pages.error(request, error.status_code)
        return await on_http_exception(request, error)

    async def on_store_error(request: Request, error: Exception) -> Response:
        """What no endpoint has answered itself, such as a page."""
        answer = database_away(request, error)
        if answer is None:
            return await on_crash(request, error)
        return await pages.error(request, answer.status_code) if _wants_page(request) else answer

    async def socket(websocket: WebSocket) -> None:
        parts.metrics.subscribers.inc()
        try:
            await serve_socket(websocket, parts.hub, gate, snapshots=parts.states, presence=parts.presence)
        finally:
            parts.metrics.subscribers.dec()

    middleware = [
        Middleware(
            Edge,
            metrics=parts.metrics,
            clock=parts.clock,
            max_body_bytes=parts.limits.max_body_bytes,
            larger={
                IMPORT_PATH: parts.limits.max_import_bytes,
                ENTRIES_IMPORT_PATH: parts.limits.max_import_bytes,
                iclock.CDATA: iclock.MOST_BYTES,
            },
            hsts_s=parts.limits.hsts_s,
        ),  # fmt: skip
        Middleware(GZipMiddleware, minimum_size=1000),
    ]
    if cors_origins:
        cors = Middleware(
            CORSMiddleware, allow_origins=list(cors_origins), allow_methods=["*"], allow_headers=ACCEPTED,
            expose_headers=EXPOSED, allow_credentials=False,
        )  # fmt: skip
        middleware.insert(0, cors)  # around the edge, whose refusals another site's page has to read as well
    app = Starlette(
        routes=[
            *(one.route() for one in ENDPOINTS),
            WebSocketRoute("/ws", socket),
            *docs_routes(pages),
            *page_routes(pages),
        ],
        middleware=middleware,
        exception_handlers={
            RollcallError: on_rollcall_error,
            HTTPException: on_unknown,
            SQLAlchemyError: on_store_error,
            ConnectionError: on_store_error,
            Exception: on_crash,
        },
        lifespan=lifespan,
    )
    app.state.parts = parts
    app.state.openapi = Document(lambda: document(ENDPOINTS, version("rollcall")))
    app.state.asyncapi = Document(lambda: asyncapi(version("rollcall")))
    app.state.pages = PagesGate(
        parts.access, lambda: parts.runtime.current.site.name, lambda: parts.runtime.current.site.timezone
    )
    return app
