"""Idempotency-Key on creations: the same answer again, however often a client that lost it asks."""

import re
from base64 import b64decode, b64encode
from collections.abc import Awaitable, Callable
from functools import partial
from hashlib import sha256
from typing import TypeVar

import orjson
import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel.ext.asyncio.session import AsyncSession
from starlette.responses import Response

from server.errors import BadRequest, Conflict, RollcallError
from server.routes.call import Call
from server.routes.intake import json_of
from server.store import idempotency
from server.store.engine import noted
from server.store.idempotency import Claim
from server.wire import Wire

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"
GIVEN_AGAIN = "given_again"  # in the scope of a request whose answer is one of before

W = TypeVar("W", bound=Wire)
_VISIBLE = re.compile(r"[\x21-\x7e]{1,200}")
_BOUNDARY = re.compile(r'boundary="?([^";,]+)')
_KEPT_HEADERS = ("Content-Type", "ETag", "Location")


async def once(call: Call, make: Callable[[], Awaitable[Response]]) -> Response:
    """What `make` answers, or what it answered to the same request before. Failures are not kept.

    That something was made is noted in the transaction that makes it, and the answer is kept once it is known: whoever
    asks after a crash in between hears that it was made, and no more.
    Raises BadRequest for a key that is none, Invalid for one that was used for another request, StillAtWork.
    """
    key = _key(call)
    if key is None:
        return await make()
    asked, *older = _macs(call, await _content(call))
    async with call.parts.store.transaction() as session:
        found = await idempotency.claim(session, _key_hash(call, key), asked, call.parts.clock.now(), older=older)
    if not isinstance(found, Claim):
        return _replayed(call, found)
    try:
        with noted(partial(idempotency.made, mine=found)):
            response = await make()
    except Exception as error:
        # What is no refusal may have come after the commit.
        await _settle(call, found, None, refused=isinstance(error, RollcallError))
        raise
    await _settle(call, found, response)
    return response


class Keyed:
    """An Idempotency-Key that is settled in the transaction of what is made under it: a crash leaves both or neither.

    `meaning` is what makes a request the same; it may have secrets in it.
    """

    def __init__(self, call: Call, key: str, meaning: bytes) -> None:
        self._call = call
        self.key_hash = _key_hash(call, key)
        self._macs = _macs(call, meaning)

    @classmethod
    def of(cls, call: Call, meaning: bytes) -> "Keyed | None":
        """None where the request has no key; raises BadRequest for a key that is none."""
        key = _key(call)
        return cls(call, key, meaning) if key is not None else None

    async def claim(self, session: AsyncSession) -> Claim | bytes:
        """The right to make it, or what was answered: give that to `opened`. Raises as `once` does."""
        asked, *older = self._macs
        return await idempotency.claim(session, self.key_hash, asked, self._call.parts.clock.now(), older=older)

    async def keep(self, session: AsyncSession, claim: Claim, answer: Wire, about: str) -> None:
        """`about`: the person of whom the answer tells, so that it is forgotten with them."""
        body = b64encode(answer.model_dump_json(by_alias=True).encode()).decode()
        sealed = self._call.parts.access.answers.seal({"status": 201, "headers": {}, "body": body, "about": about})
        await idempotency.keep(session, claim, sealed)

    async def release(self, session: AsyncSession, claim: Claim) -> None:
        """Nothing was made under it."""
        await idempotency.release(session, claim)

    def opened(self, sealed: bytes, kind: type[W]) -> W | None:
        """The answer, marked as one that is given again; None where it was forgotten."""
        content = self._call.parts.access.answers.open(sealed)
        if content is None:
            return None
        self.mark_given_again()
        return kind.model_validate_json(b64decode(content["body"]))

    def mark_given_again(self) -> None:
        """For the answer's header."""
        self._call.request.scope[GIVEN_AGAIN] = True


async def _settle(call: Call, mine: Claim, response: Response | None, *, refused: bool = True) -> None:
    """What has been made stays made, whatever becomes of the note: an unanswered claim runs out by itself."""
    try:
        async with call.parts.store.transaction() as session:
            if response is None or response.status_code >= 400:
                await idempotency.release(session, mine, also_made=refused)
            else:
                await idempotency.keep(session, mine, _sealed(call, response))
    except (SQLAlchemyError, OSError) as error:
        structlog.get_logger(__name__).warning("answer_not_kept", reason=type(error).__name__)


def _key_hash(call: Call, key: str) -> str:
    """The key of one user, key or kiosk for one address: nobody meets the answers of others."""
    actor, request = call.actor, call.request
    return _hash("\0".join((actor.kind, actor.id or "", request.method, request.url.path, key)).encode())


def _key(call: Call) -> str | None:
    key = call.request.headers.get(HEADER)
    if key is not None and not _VISIBLE.fullmatch(key):
        raise BadRequest(f"{HEADER} is 1 to 200 visible characters of ASCII.", code="bad_idempotency_key")
    return key


def _macs(call: Call, content: bytes) -> list[str]:
    """By each key, newest first. A plain hash would give away a PIN or a password to whoever tries them all."""
    return call.parts.access.keyring.macs("idempotency-request", content)


async def _content(call: Call) -> bytes:
    """What is asked for. JSON counts by its content, an upload without the boundary that a client draws anew."""
    body = await call.request.body()
    kind = call.request.headers.get("Content-Type", "")
    boundary = _BOUNDARY.search(kind)
    if kind.lower().startswith("application/json"):
        body = orjson.dumps(await json_of(call.request), option=orjson.OPT_SORT_KEYS) if body else body
    elif boundary is not None:
        body = body.replace(boundary[1].encode(), b"")
    return call.request.url.query.encode() + b"\0" + body


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
        raise answer_lost()
    return Response(b64decode(content["body"]), content["status"], {**content["headers"], REPLAYED: "true"})


def answer_lost() -> Conflict:
    """What was made is not made again, though nobody can say any more what was answered."""
    lost = "This was made already, but the answer cannot be read any more. Load it instead."
    return Conflict(lost, code="idempotency_answer_lost")
