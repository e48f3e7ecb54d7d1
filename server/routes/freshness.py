"""Tags on what is read, so that a client asks again without loading again."""

from datetime import datetime
from hashlib import blake2b
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from server.routes.call import etag
from server.routes.responses import Following, Page, success

KEPT = {"Cache-Control": "private, no-cache", "Vary": "Authorization, Cookie"}
_KEPT = [(name.lower().encode(), value.encode()) for name, value in KEPT.items()]


def answered(request: Request, value: Any, status: int) -> Response:
    """The envelope around a handler's value: with its tag, its place if it is new, or 304 if it is known."""
    response = success(value, status)
    if isinstance(value, Response):
        return response
    if status == 201 and isinstance(getattr(value, "id", None), str):
        response.headers["Location"] = f"{request.url.path.rstrip('/')}/{value.id}"
    tag = _tag(value, bytes(response.body))
    if tag is None:
        return response
    if request.method not in ("GET", "HEAD"):
        response.headers["ETag"] = tag
        return response
    if known(request, tag):
        return Response(status_code=304, headers={"ETag": tag, **KEPT})
    response.raw_headers += [(b"etag", tag.encode("latin-1")), *_KEPT]
    return response


def known(request: Request, tag: str) -> bool:
    """Whether the client has what the tag stands for: If-None-Match, compared weakly."""
    given = request.headers.get("If-None-Match", "")
    if not given:
        return False
    return given.strip() == "*" or tag.removeprefix("W/") in [
        one.strip().removeprefix("W/") for one in given.split(",")
    ]


def _tag(value: Any, body: bytes) -> str | None:
    """Of one object by its row and what is shown of it; of a list by its content."""
    shown = blake2b(body, digest_size=8).hexdigest()
    if isinstance(value, Page | Following):
        return f'W/"{shown}"'
    updated_at = getattr(value, "updated_at", None)
    return etag(updated_at, shown) if isinstance(updated_at, datetime) else None
