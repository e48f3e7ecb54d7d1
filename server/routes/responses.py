"""The envelopes, and the one place where an error becomes a status."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from typing import Any, Generic, TypeVar

import orjson
import structlog
from pydantic import BaseModel, TypeAdapter, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from server.errors import (
    BadRequest,
    Conflict,
    Detail,
    EditedMeanwhile,
    Forbidden,
    Invalid,
    NotAuthenticated,
    NotFound,
    OutOfRange,
    RollcallError,
    SourceFailed,
    TooLarge,
    TooMany,
    Unavailable,
    UnsupportedMedia,
)
from server.store import paging
from server.store.away import is_away

T = TypeVar("T")

STATUS: dict[type[RollcallError], int] = {
    BadRequest: 400,
    NotAuthenticated: 401,
    Forbidden: 403,
    NotFound: 404,
    Conflict: 409,
    EditedMeanwhile: 412,
    TooLarge: 413,
    UnsupportedMedia: 415,
    OutOfRange: 416,
    Invalid: 422,
    TooMany: 429,
    SourceFailed: 503,
    Unavailable: 503,
    RollcallError: 500,
}


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some of a list's items, and how many there are in all."""

    items: Sequence[T]
    page: int
    page_size: int
    total: int

    @classmethod
    def of(cls, wanted: paging.Page, items: Sequence[T], total: int) -> "Page[T]":
        return cls(items, wanted.page, wanted.page_size, total)

    @classmethod
    def cut(cls, wanted: paging.Page, items: Sequence[T]) -> "Page[T]":
        """The wanted part of a short list that is there as a whole."""
        start = (wanted.page - 1) * wanted.page_size
        return cls(items[start : start + wanted.page_size], wanted.page, wanted.page_size, len(items))


@dataclass(frozen=True, slots=True)
class Following(Generic[T]):
    """What follows a place in a list that grows, and after which place to ask next."""

    items: Sequence[T]
    next: str
    recovered: bool


def status_of(error: RollcallError) -> int:
    """The status of the nearest class in the error's ancestry."""
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return orjson.Fragment(value.model_dump_json(by_alias=True))  # as it is, not by way of a dictionary
    raise TypeError(f"{type(value).__name__} cannot be sent as JSON")


def _listed(items: Sequence[Any]) -> Any:
    """All at once where all are of one class, which costs a fraction of one after the other."""
    kinds = {type(item) for item in items}
    if len(kinds) != 1 or not issubclass(kind := kinds.pop(), BaseModel):
        return list(items)
    return orjson.Fragment(_list_of(kind).dump_json(list(items), by_alias=True))


@cache
def _list_of(kind: type[BaseModel]) -> TypeAdapter[list[Any]]:
    return TypeAdapter(list[kind])  # type: ignore[valid-type]


def json_response(content: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(orjson.dumps(content, default=_plain), status, headers, "application/json")


def success(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """The envelope of an answer: lists get `meta`, nothing gets 204."""
    if isinstance(value, Response):
        return value
    if value is None:
        return Response(status_code=204, headers=headers)
    if isinstance(value, Page):
        meta = {"page": value.page, "pageSize": value.page_size, "total": value.total}
        return json_response({"success": True, "data": _listed(value.items), "meta": meta}, status, headers)
    if isinstance(value, Following):
        place = {"next": value.next, "recovered": value.recovered}
        return json_response({"success": True, "data": _listed(value.items), "meta": place}, status, headers)
    return json_response({"success": True, "data": value}, status, headers)


def failure(request: Request, error: RollcallError, headers: Mapping[str, str] | None = None) -> Response:
    """The envelope of an error."""
    body: dict[str, Any] = {"code": error.code, "message": error.message, "requestId": request.scope.get("request_id")}
    if error.details:
        body["details"] = [{"field": d.field, "code": d.code, "message": d.message} for d in error.details]
    extra = dict(headers or {})
    retry_after_s = getattr(error, "retry_after_s", None)
    if retry_after_s is not None:
        extra["Retry-After"] = str(retry_after_s)
    if isinstance(error, NotAuthenticated):
        extra["WWW-Authenticate"] = "Bearer"
    return json_response({"success": False, "error": body}, status_of(error), extra)


def database_away(request: Request, error: Exception) -> Response | None:
    """The answer to what failed by the database and may be asked again; None for what is another's fault."""
    if not is_away(error):
        return None
    structlog.get_logger(__name__).error("database_unavailable", reason=type(error).__name__)
    return failure(
        request, Unavailable("The database does not answer. Try again in a moment.", code="database_unavailable")
    )


def invalid_from(error: ValidationError) -> Invalid:
    """pydantic's complaint as ours: each field by its name on the wire."""
    details = tuple(
        Detail(
            ".".join(str(part) for part in found["loc"]) or "body",
            found["type"],
            found["msg"].removeprefix("Value error, "),
        )
        for found in error.errors(include_url=False, include_input=False, include_context=False)
    )
    fields = ", ".join(dict.fromkeys(d.field for d in details))
    return Invalid(f"Check these fields: {fields}.", details=details)


async def on_rollcall_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RollcallError)
    return failure(request, error)


async def on_http_exception(request: Request, error: Exception) -> Response:
    """What the router itself says: no such path, no such method."""
    assert isinstance(error, HTTPException)
    phrase = HTTPStatus(error.status_code).phrase
    ours = RollcallError(f"{phrase}.", code=phrase.lower().replace(" ", "_"))
    response = failure(request, ours, error.headers)
    response.status_code = error.status_code
    return response


async def on_crash(request: Request, error: Exception) -> Response:
    """Nobody sees a traceback; the log has it under the request's id."""
    structlog.get_logger(__name__).error("request_crashed", path=request.url.path, exc_info=error)
    return failure(request, RollcallError("Something went wrong here. The log has it under the request id."))
