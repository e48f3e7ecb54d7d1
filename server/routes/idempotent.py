"""Idempotency-Key on creations: the same answer again, however often a client that lost it asks."""

import re
from base64 import b64decode, b64encode
from collections.abc import Awaitable, Callable
from hashlib import sha256

import orjson
import structlog
from sqlalchemy.exc import SQLAlchemyError
from starlette.responses import Response

from server.errors import BadRequest, Conflict
from server.routes.call import Call
from server.routes.intake import json_of
from server.store import idempotency
from server.store.idempotency import Claim

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"
_VISIBLE = re.compile(r"[\x21-\x7e]{1,200}")
_BOUNDARY = re.compile(r'boundary="?([^";,]+)')
_KEPT_HEADERS = ("Content-Type", "ETag", "Location")


async def once(call: Call, make: Callable[[], Awaitable[Response]]) -> Response:
    """What `make` answers, or what it answered to the same request before. Failures are not kept.

    Raises BadRequest for a key that is none, Invalid for one that was used for another request, StillAtWork.
    """
    key = call.request.headers.get(HEADER)
    if key is None:
        return await make()
    if not _VISIBLE.fullmatch(key):
        raise BadRequest(f"{HEADER} is 1 to 200 visible characters of ASCII.", code="bad_idempotency_key")
    asked = await _fingerprint(call)
    async with call.parts.store.transaction() as session:
        found = await idempotency.claim(session, _key_hash(call, key), asked, call.parts.clock.now())
    if not isinstance(found, Claim):
        return _replayed(call, found)
    try:
        response = await make()
    except Exception:
        await _settle(call, found, None)
        raise
    await _settle(call, found, response)
    return response


async def _settle(call: Call, mine: Claim, response: Response | None) -> None:
    """What has been made stays made, whatever becomes of the note: an unanswered claim runs out by itself."""
    try:
        async with call.parts.store.transaction() as session:
            if response is None or response.status_code >= 400:
                await idempotency.release(session, mine)
            else:
                await idempotency.keep(session, mine, _sealed(call, response))
    except (SQLAlchemyError, OSError) as error:
        structlog.get_logger(__name__).warning("answer_not_kept", reason=type(error).__name__)


def _key_hash(call: Call, key: str) -> str:
    """The key of one user, key or kiosk for one address: nobody meets the answers of others."""
    actor, request = call.actor, call.request
    return _hash("\0".join((actor.kind, actor.id or "", request.method, request.url.path, key)).encode())


async def _fingerprint(call: Call) -> str:
    """Of what is asked for. JSON counts by its content, an upload without the boundary that a client draws anew."""
    body = await call.request.body()
    kind = call.request.headers.get("Content-Type", "")
    boundary = _BOUNDARY.search(kind)
    if kind.lower().startswith("application/json"):
        body = orjson.dumps(await json_of(call.request), option=orjson.OPT_SORT_KEYS) if body else body
    elif boundary is not None:
        body = body.replace(boundary[1].encode(), b"")
    return _hash(call.request.url.query.encode() + b"\0" + body)


def _hash(content: bytes) -> str:
    return sha256(content).hexdigest()


def _sealed(call: Call, response: Response) -> bytes:
    headers = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}
    content = {
        "status": response.status_code,
        "headers": headers,
        "body": b64encode(bytes(response.body)).decode(),
    }
    return call.parts.access.answers.seal(content)


def _replayed(call: Call, sealed: bytes) -> Response:
    content = call.parts.access.answers.open(sealed)
    if content is None:
        # Making it a second time would be worse than to say so.
        lost = "This was made already, but the answer cannot be read any more. Load it instead."
        raise Conflict(lost, code="idempotency_answer_lost")
    return Response(b64decode(content["body"]), content["status"], {**content["headers"], REPLAYED: "true"})
