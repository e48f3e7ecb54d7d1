"""For machines that watch this one: alive, ready, metrics."""

import asyncio
from typing import Literal

from pydantic import Field
from sqlalchemy.exc import SQLAlchemyError
from starlette.responses import Response

from server.errors import Unavailable
from server.routes.endpoint import PUBLIC, Call, Endpoint, endpoint
from server.wire import Wire

READY_WITHIN_S = 3.0  # whoever asks waits for a few seconds


class Health(Wire):
    status: Literal["ok", "degraded"]
    away: list[str] = Field([], description="what does not answer: requests are served all the same, see operations")


@endpoint("GET", "/health/live", allow=PUBLIC, prefix="")
async def live(call: Call) -> Health:
    """The process answers."""
    return Health(status="ok")


@endpoint("GET", "/health/ready", allow=PUBLIC, prefix="")
async def ready(call: Call) -> Health:
    """The database answers too, so that requests can be served; without Redis they can, and it is named."""
    away = call.parts.bus.away
    try:
        async with asyncio.timeout(READY_WITHIN_S):
            await call.parts.store.ping()
    except (SQLAlchemyError, OSError):  # among them the time-out
        also = f" Nor does {away.capitalize()}." if away else ""
        raise Unavailable(f"The database does not answer.{also}", code="database_unavailable") from None
    return Health(status="degraded" if away else "ok", away=[away] if away else [])


@endpoint("GET", "/metrics", allow=PUBLIC, prefix="")
async def metrics(call: Call) -> Response:
    """Prometheus' text format."""
    call.parts.cameras.measure()
    call.parts.metrics.tasks.set(len(asyncio.all_tasks()))
    call.parts.metrics.bus.set(0 if call.parts.bus.away else 1)
    call.parts.metrics.gallery.set(len(call.parts.roster.gallery))
    return Response(call.parts.metrics.render(), media_type="text/plain; version=0.0.4; charset=utf-8")


ENDPOINTS: tuple[Endpoint, ...] = (live, ready, metrics)
