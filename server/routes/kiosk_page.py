"""What the kiosk's page loads beside static files: its sentences by language, and the worker that keeps it."""

import asyncio
from hashlib import blake2b

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from server.assets import asset
from server.routes.freshness import known
from server.routes.languages import Languages

WORKER = asset("web") / "static" / "js" / "kiosk-worker.js"


def kiosk_page_routes(languages: Languages) -> list[Route]:
    """Open, as the page itself."""

    async def words(request: Request) -> Response:
        language = (await asyncio.to_thread(languages.known)).get(request.path_params["language"])
        if language is None:
            raise HTTPException(404)
        body = orjson.dumps(language.as_json())
        headers = {"Cache-Control": "no-cache", "ETag": f'"{blake2b(body, digest_size=8).hexdigest()}"'}
        if known(request, headers["ETag"]):
            return Response(status_code=304, headers=headers)
        return Response(body, headers=headers, media_type="application/json")

    async def worker(request: Request) -> Response:
        """At the root, because a worker serves only what lies below itself."""
        return FileResponse(WORKER, media_type="text/javascript", headers={"Cache-Control": "no-cache"})

    return [
        Route("/kiosk/words/{language}.json", words, name="kiosk-words"),
        Route("/kiosk-worker.js", worker, name="kiosk-worker"),
    ]
