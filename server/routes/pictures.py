"""Stored pictures on their way out: private, and cached by the one who may see them."""

from starlette.requests import Request
from starlette.responses import Response

from server.errors import NotFound
from server.objects.objects import Objects
from server.routes.freshness import known


async def picture(request: Request, objects: Objects, key: str | None) -> Response:
    """The JPEG under `key`. A key's content never changes, so the key is its ETag."""
    if key is None:
        raise NotFound("There is no picture of it.", code="picture_not_found")
    tag = f'"{key}"'
    headers = {"Cache-Control": "private, max-age=3600", "ETag": tag}
    if known(request, tag):
        return Response(status_code=304, headers=headers)
    return Response(await objects.get(key), media_type="image/jpeg", headers=headers)
