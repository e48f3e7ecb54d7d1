"""The API described: the two documents, and the pages on which they are read and tried out, all from this server."""

import asyncio
from collections.abc import Callable, Mapping
from hashlib import blake2b
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from server.routes.endpoint import PUBLIC, Call, Endpoint, endpoint
from server.routes.events_page import Described, at_site, described
from server.routes.freshness import known
from server.routes.pages import CachedFiles, Pages

NEEDED = frozenset({"swagger-ui-bundle.js", "swagger-ui.css"})
JSON = "application/json"


class Document:
    """JSON that stays the same while the server runs: made when first asked for, and told by its tag."""

    def __init__(self, make: Callable[[], Mapping[str, Any]]) -> None:
        self.make = make
        self._body = b""
        self._tag = ""

    async def answer(self, request: Request) -> Response:
        if not self._body:
            self._body = await asyncio.to_thread(lambda: orjson.dumps(self.make()))
            self._tag = f'"{blake2b(self._body, digest_size=8).hexdigest()}"'
        headers = {"Cache-Control": "no-cache", "ETag": self._tag}
        if known(request, self._tag):
            return Response(status_code=304, headers=headers)
        return Response(self._body, headers=headers, media_type=JSON)


@endpoint("GET", "/openapi.json", allow=PUBLIC, prefix="", gives=JSON)
async def openapi_document(call: Call) -> Response:
    """This description, in OpenAPI 3.1."""
    document: Document = call.request.app.state.openapi
    return await document.answer(call.request)


@endpoint("GET", "/asyncapi.json", allow=PUBLIC, prefix="", gives=JSON)
async def asyncapi_document(call: Call) -> Response:
    """The description of the WebSocket `/ws`, in AsyncAPI 3."""
    document: Document = call.request.app.state.asyncapi
    return await document.answer(call.request)


class SwaggerFiles(CachedFiles):
    """Swagger UI as it is installed, and of its files only those that the page loads."""

    def lookup_path(self, path: str) -> tuple[str, Any]:
        return super().lookup_path(path) if path in NEEDED else ("", None)


def docs_routes(pages: Pages) -> list[Route | Mount]:
    """The pages and their files."""

    found: list[Described] = []  # made when first asked for

    async def docs(request: Request) -> Response:
        _check(request)
        return await pages.docs(request)

    async def docs_events(request: Request) -> Response:
        _check(request)
        if not found:
            document: Document = request.app.state.asyncapi
            found.append(await asyncio.to_thread(lambda: described(document.make())))
        site = str(request.base_url).rstrip("/")
        return await pages.docs_events(request, {"described": found[0], **at_site(site)})

    files: StaticFiles = SwaggerFiles(directory=_swagger_folder())
    return [
        Route("/docs", docs, name="docs"),
        Route("/docs/events", docs_events, name="docs-events"),
        Mount("/docs/static", files, name="docs-static"),
    ]


def _check(request: Request) -> None:
    """Raises 404 where the pages are switched off."""
    if not request.app.state.parts.runtime.current.features.api_docs:
        raise HTTPException(404)


def _swagger_folder() -> Path:
    """Found without importing the package, which brings servers of its own."""
    found = find_spec("swagger_ui")
    if found is None or not found.submodule_search_locations:
        raise ModuleNotFoundError("swagger-ui-py is not installed.")
    return Path(found.submodule_search_locations[0]) / "static"


ENDPOINTS: tuple[Endpoint, ...] = (openapi_document, asyncapi_document)
