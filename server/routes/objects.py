"""What a signed link leads to: the object, to be saved and not to be run."""

import re
from urllib.parse import quote

from pydantic import Field
from starlette.responses import Response, StreamingResponse

from server.errors import OutOfRange
from server.objects.links import LONGEST_FILE_NAME
from server.objects.objects import CONTENT_TYPES, content_type_of
from server.routes.endpoint import PUBLIC, Call, Endpoint, endpoint
from server.routes.responses import failure
from server.wire import Form

_RANGE = re.compile(r"bytes=(?P<first>[0-9]{0,18})-(?P<last>[0-9]{0,18})")
# What nothing compresses on its way, so that the bytes are those that were asked for.
_AS_IT_IS = ("video/", "image/", "application/zip")
_PLAIN = re.compile(r"[^A-Za-z0-9._ -]")


class LinkQuery(Form):
    expires: str = Field("", max_length=12, description="when the link ends, in seconds since 1970")
    filename: str = Field("", max_length=LONGEST_FILE_NAME, description="what it is saved as")
    signature: str = Field("", max_length=200)


@endpoint("GET", "/objects/{key:path}", allow=PUBLIC, gives=CONTENT_TYPES, raises=(206, 403, 404, 416, 422, 503))
async def linked_object(call: Call, key: str, query: LinkQuery) -> Response:
    """An object, for whoever holds its signed link.

    Links are part of other answers; none can be made up. The signature is the permission, so no login is asked for.
    Of videos, pictures and archives a `Range` of bytes is answered with 206 and that part.
    """
    call.parts.links.check(key, expires=query.expires, filename=query.filename, signature=query.signature)
    objects, kind = call.parts.objects, content_type_of(key)
    asked = call.request.headers.get("Range") if kind.startswith(_AS_IT_IS) else None
    # We name no state of it that a client could compare with, so whoever asks on a condition gets all.
    asked = None if "If-Range" in call.request.headers else asked
    part, more = None, {}
    if asked is not None:
        size = await objects.size(key)
        part = part_of(asked, size)
        if part is not None and not part:
            refused = OutOfRange(f"There are only {size} bytes.")
            return failure(call.request, refused, {"Content-Range": f"bytes */{size}", "Cache-Control": "no-store"})
        if part is not None:
            more = {"Content-Range": f"bytes {part.start}-{part.stop - 1}/{size}"}
    stored = await objects.open(key, part)
    name = query.filename or key.rpartition("/")[2]
    headers = more | {
        "Content-Length": str(stored.size),
        "Accept-Ranges": "bytes" if kind.startswith(_AS_IT_IS) else "none",
        "Content-Disposition": disposition(name),
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Cache-Control": "private, no-store",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
    }
    content = () if call.request.method == "HEAD" else stored.pieces
    return StreamingResponse(content, 206 if more else 200, headers, kind)


def part_of(asked: str, size: int) -> range | None:
    """What a Range header means of so many bytes (RFC 9110): empty where nothing of it is there.

    None where it is not for us, such as several parts at once: then the whole is the answer.
    """
    found = _RANGE.fullmatch(asked.strip())
    if found is None:
        return None
    first, last = found["first"], found["last"]
    if not first:
        return range(max(0, size - int(last)), size) if last else None
    if last and int(last) < int(first):
        return None
    return range(int(first), min(size, int(last) + 1) if last else size)


def disposition(name: str) -> str:
    """`attachment`, with the name in ASCII and as it is (RFC 6266)."""
    return f"attachment; filename=\"{_PLAIN.sub('_', name)}\"; filename*=UTF-8''{quote(name, safe='')}"


ENDPOINTS: tuple[Endpoint, ...] = (linked_object,)
