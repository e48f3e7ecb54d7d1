"""Typed endpoints: a handler's signature says what comes in and what goes out, and OpenAPI is made from the same."""

import inspect
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args, get_origin, get_type_hints

import orjson
import structlog
from pydantic import BaseModel, Field, ValidationError
from sqlalchemy.exc import InterfaceError, OperationalError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.access.principal import Principal
from server.errors import (
    BadRequest,
    EditedMeanwhile,
    Forbidden,
    NotAuthenticated,
    RollcallError,
    Unavailable,
    UnsupportedMedia,
)
from server.parts import Parts
from server.routes.responses import Page, failure, invalid_from, success
from server.store import paging
from server.wire import Form

PUBLIC = "public"
SIGNED_IN = "signed-in"
SESSION_COOKIE = "rollcall_session"
CSRF_HEADER = "X-CSRF-Token"
API = "/api/v1"


class Query(Form):
    """What every list takes."""

    page: int = Field(1, ge=1)
    page_size: int = Field(20, ge=1, le=200)
    search: str | None = Field(None, max_length=200)
    sort: str | None = Field(None, max_length=40)

    @property
    def wanted(self) -> paging.Page:
        return paging.Page(self.page, self.page_size, self.search, self.sort)


@dataclass(frozen=True, slots=True)
class Call:
    """One request on its way through a handler."""

    request: Request
    parts: Parts
    principal: Principal | None

    @property
    def who(self) -> Principal:
        if self.principal is None:
            raise NotAuthenticated("Sign in first.")
        return self.principal

    def check_unchanged(self, updated_at: datetime) -> None:
        """Honours If-Match: raises EditedMeanwhile when the row is no longer the one that was read."""
        wanted = self.request.headers.get("If-Match")
        if wanted and wanted.strip() != "*" and etag(updated_at) not in [tag.strip() for tag in wanted.split(",")]:
            raise EditedMeanwhile("Somebody else changed this meanwhile. Load it again and repeat your change.")


def asked_number(call: Call, name: str, default: int, least: int, most: int) -> int:
    """A whole number from the query of a request that is not answered with JSON; raises BadRequest."""
    given = call.request.query_params.get(name, str(default))
    if not given.isdecimal() or not least <= int(given) <= most:
        raise BadRequest(f"{name} is a whole number from {least} to {most}.", code=f"bad_{name}")
    return int(given)


def etag(updated_at: datetime) -> str:
    return f'"{int(updated_at.timestamp() * 1_000_000):x}"'


Handler = Callable[..., Awaitable[Any]]
Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


@dataclass(frozen=True)
class Endpoint:
    """A handler with its address, its rule and its types."""

    method: Method
    path: str
    allow: str
    handler: Handler
    status: int
    prefix: str
    body: type[BaseModel] | None
    query: type[BaseModel] | None
    answer: Any
    path_names: tuple[str, ...]
    uploads: bool
    body_optional: bool
    kiosk: bool
    takes: str | None
    gives: str | None

    @property
    def summary(self) -> str:
        return (inspect.getdoc(self.handler) or self.handler.__name__).splitlines()[0]

    def route(self) -> Route:
        return Route(self.prefix + self.path, self.serve, methods=[self.method], name=self.handler.__name__)

    async def serve(self, request: Request) -> Response:
        """Who is it, may they, what came in; then the handler; then the envelope."""
        try:
            parts: Parts = request.app.state.parts
            principal = await identify(request, parts) if self.allow != PUBLIC else None
            call = Call(request, parts, principal)
            if not self._allows(call):
                raise Forbidden(f"This needs the permission {self.allow}.")
            arguments: dict[str, Any] = {name: request.path_params[name] for name in self.path_names}
            _refuse_nul(arguments)
            if self.body is not None:
                given = await request.body() if self.body_optional else b"-"
                arguments["body"] = self._parsed(self.body, await _json(request)) if given else None
            if self.query is not None:
                arguments["query"] = self._parsed(self.query, dict(request.query_params))
            value = await self.handler(call, **arguments)
        except RollcallError as error:
            return failure(request, error)
        except (OperationalError, InterfaceError, ConnectionError) as error:
            structlog.get_logger(__name__).error("database_unavailable", reason=type(error).__name__)
            away = Unavailable("The database does not answer. Try again in a moment.", code="database_unavailable")
            return failure(request, away)
        updated_at = getattr(value, "updated_at", None)
        headers = {"ETag": etag(updated_at)} if isinstance(updated_at, datetime) else None
        return success(value, self.status, headers)

    def _allows(self, call: Call) -> bool:
        if self.allow in (PUBLIC, SIGNED_IN) or call.who.may(self.allow):
            return True
        return self.kiosk and call.request.path_params["camera_id"] in call.who.camera_ids

    @staticmethod
    def _parsed(model: type[BaseModel], content: Any) -> BaseModel:
        _refuse_nul(content)
        try:
            return model.model_validate(content)
        except ValidationError as error:
            raise invalid_from(error) from None


async def _json(request: Request) -> Any:
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind != "application/json":
        raise UnsupportedMedia("Send the body as application/json.")
    try:
        return orjson.loads(await request.body())
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"The body is not JSON: {error}.", code="malformed_json") from None


def _refuse_nul(content: Any) -> None:
    """Raises BadRequest for a NUL character in any string: not every database can hold or compare one."""
    rest = [content]
    while rest:
        one = rest.pop()
        if isinstance(one, str) and "\0" in one:
            raise BadRequest("Text cannot contain a NUL character.", code="nul_character")
        if isinstance(one, dict):
            rest += [*one.keys(), *one.values()]
        elif isinstance(one, list):
            rest += one


async def identify(request: Request, parts: Parts) -> Principal:
    """The bearer of the token, or the browser with the session cookie (and, to change something, the CSRF token)."""
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    if kind:
        if kind.lower() != "bearer" or not token:
            raise NotAuthenticated("Send the access token as Authorization: Bearer.")
        return await parts.access.by_token(token.strip())
    cookie = request.cookies.get(SESSION_COOKIE)
    principal = await parts.access.by_cookie(cookie) if cookie else None
    if principal is None:
        raise NotAuthenticated("Sign in first.")
    changes = request.method not in ("GET", "HEAD", "OPTIONS")
    if changes and not parts.access.csrf_valid(principal, request.headers.get(CSRF_HEADER, "")):
        raise Forbidden("This page is out of date. Load it again.", code="csrf_failed")
    return principal


def endpoint(
    method: Method,
    path: str,
    *,
    allow: str,
    status: int = 200,
    prefix: str = API,
    uploads: bool = False,
    kiosk: bool = False,
    takes: str | None = None,
    gives: str | None = None,
) -> Callable[[Handler], Endpoint]:
    """Marks a handler. `allow` is a permission, SIGNED_IN or PUBLIC; `kiosk` lets a paired kiosk in too, for its own
    cameras. `takes` and `gives` name the media types of what is not JSON.

    Beside the Call the handler takes `body` (a Form), `query` (a Query) and the path's names. It returns a Wire, a
    Page of Wires, None (204) or a Response of its own.
    """

    def mark(handler: Handler) -> Endpoint:
        hints = get_type_hints(handler)
        names = tuple(re.findall(r"\{(\w+)", path))
        body, body_optional = _optional(hints.get("body"))
        return Endpoint(
            method, path, allow, handler, status, prefix, body, hints.get("query"), hints.get("return"),
            names, uploads, body_optional, kiosk, takes, gives,
        )  # fmt: skip

    return mark


def _optional(annotation: Any) -> tuple[type[BaseModel] | None, bool]:
    """The model of `Form` or of `Form | None`."""
    given = [kind for kind in get_args(annotation) if kind is not type(None)]
    return (given[0], True) if given else (annotation, False)


def item_of(answer: Any) -> tuple[type[BaseModel] | None, bool]:
    """The model of an answer, and whether the answer is a list of it."""
    if get_origin(answer) is Page:
        return get_args(answer)[0], True
    if isinstance(answer, type) and issubclass(answer, BaseModel):
        return answer, False
    return None, False
