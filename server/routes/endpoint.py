"""Typed endpoints: a handler's signature says what comes in and what goes out, and OpenAPI is made from the same."""

import inspect
import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin, get_type_hints

from pydantic import BaseModel
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from server.errors import Forbidden, NotFound, RollcallError
from server.parts import Parts
from server.routes.asked import Asked
from server.routes.call import Call as Call
from server.routes.call import Query as Query
from server.routes.call import ShortQuery as ShortQuery
from server.routes.call import etag as etag
from server.routes.freshness import answered
from server.routes.idempotent import GIVEN_AGAIN, REPLAYED, once
from server.routes.identify import CSRF_HEADER as CSRF_HEADER
from server.routes.identify import SESSION_COOKIE as SESSION_COOKIE
from server.routes.identify import identify as identify
from server.routes.intake import json_of, parsed, refuse_nul
from server.routes.responses import Following, Page, database_away, failure

PUBLIC = "public"
SIGNED_IN = "signed-in"
KIOSK = "kiosk"  # the paired screen itself, nobody else
API = "/api/v1"

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
    gives: tuple[str, ...]
    raises: tuple[int, ...]
    asks: tuple[Asked, ...]
    sorts: tuple[str, ...]
    example: Any
    own_account: bool
    before_password_change: bool
    replaces: bool
    settles: bool
    key_in_address: bool

    @property
    def summary(self) -> str:
        """One line of plain text."""
        return (inspect.getdoc(self.handler) or self.handler.__name__).splitlines()[0].replace("`", "")

    @property
    def description(self) -> str:
        """The whole docstring."""
        return inspect.getdoc(self.handler) or ""

    @property
    def url(self) -> str:
        """As documents show it: a name alone, without what it may match (`{key:path}`)."""
        return re.sub(r":\w+}", "}", self.prefix + self.path)

    @property
    def creates(self) -> bool:
        """Whether it makes something that a client which lost the answer could make twice."""
        makes = self.method == "POST" and (self.status == 201 or self.settles) and self.allow != PUBLIC
        return makes and self.takes is None and not self.body_optional

    @property
    def edits(self) -> bool:
        """Whether it changes or removes a row that somebody has read, so that If-Match counts."""
        changes = (
            self.method in ("PUT", "PATCH") or (self.method == "DELETE" and bool(self.path_names)) or self.replaces
        )
        item, _ = item_of(self.answer)
        has_tag = item is None or "updated_at" in item.model_fields
        return changes and has_tag and self.takes is None and not self.kiosk

    @property
    def keeps(self) -> bool:
        """Whether its answer has a tag to ask again with."""
        item, is_list = item_of(self.answer)
        return self.method == "GET" and item is not None and (is_list or "updated_at" in item.model_fields)

    def route(self) -> Route:
        return Route(self.prefix + self.path, self.serve, methods=[self.method], name=self.handler.__name__)

    async def serve(self, request: Request) -> Response:
        """Who is it, may they, what came in; then the handler; then the envelope."""
        try:
            parts: Parts = request.app.state.parts
            principal = (
                await identify(request, parts, key_in_address=self.key_in_address) if self.allow != PUBLIC else None
            )
            call = Call(request, parts, principal)
            if principal is not None:
                request.scope["who"] = call.standing_for  # for the line of the log
            self._check_rule(call)
            arguments = await self._arguments(request)

            async def answer() -> Response:
                return answered(request, await self.handler(call, **arguments), self.status)

            if not self.settles:
                return await (once(call, answer) if self.creates else answer())
            response = await answer()
            if request.scope.get(GIVEN_AGAIN):
                response.headers[REPLAYED] = "true"
            return response
        except RollcallError as error:
            return failure(request, error)
        except ClientDisconnect:  # left in the middle of what they sent: nobody reads this
            return Response(status_code=400)
        except (SQLAlchemyError, ConnectionError) as error:
            away = database_away(request, error)
            if away is None:
                raise
            return away

    def _check_rule(self, call: Call) -> None:
        """Raises Forbidden, or NotFound for a camera outside of the limits of whoever asks."""
        if call.principal is None:
            return
        if self.own_account and call.who.session_id is None:
            raise Forbidden("This is about one's own account: sign in with a password.", code="needs_a_session")
        if call.who.must_change_password and not self.before_password_change:
            raise Forbidden("Choose a new password first.", code="password_change_required")
        if self.allow == KIOSK and not self._allows(call):
            raise Forbidden("Only the kiosk itself may do this.")
        if not self._allows(call):
            raise Forbidden(f"This needs the permission {self.allow}.")
        camera_id = call.request.path_params.get("camera_id")
        if camera_id is not None and not call.who.sees_camera(camera_id):
            raise NotFound.of("camera")

    def _allows(self, call: Call) -> bool:
        if self.allow == KIOSK:
            return call.who.kiosk_id is not None and call.who.kiosk_id == call.request.path_params["kiosk_id"]
        if self.allow == SIGNED_IN or call.who.may(self.allow):
            return True
        return self.kiosk and call.request.path_params["camera_id"] in call.who.camera_ids

    async def _arguments(self, request: Request) -> dict[str, Any]:
        arguments: dict[str, Any] = {name: request.path_params[name] for name in self.path_names}
        refuse_nul(arguments)
        if self.body is not None:
            given = await request.body() if self.body_optional else b"-"
            arguments["body"] = parsed(self.body, await json_of(request)) if given else None
        if self.query is not None:
            arguments["query"] = parsed(self.query, dict(request.query_params))
        return arguments


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
    gives: str | tuple[str, ...] = (),
    raises: tuple[int, ...] = (),
    asks: tuple[Asked, ...] = (),
    sorts: Iterable[str] = (),
    example: Any = None,
    own_account: bool = False,
    before_password_change: bool = False,
    replaces: bool = False,
    settles: bool = False,
    key_in_address: bool = False,
) -> Callable[[Handler], Endpoint]:
    """Marks a handler. `allow` is a permission, SIGNED_IN, PUBLIC or KIOSK; `kiosk` lets a paired kiosk in too, for its
    own cameras. `takes` and `gives` name the media types of what is not JSON.

    `raises` names the statuses that do not follow from the endpoint's kind, `asks` the parameters that the handler
    reads itself, `sorts` what a list may be sorted by, `example` is a body. `own_account` is
    refused without a session; `before_password_change` is open to those who must choose a new password first;
    `replaces` marks a POST that changes a row, so that If-Match counts; `settles` one that keeps its own account of
    Idempotency-Key (see idempotent.Keyed); with `key_in_address` an API key that has nothing but this permission may be
    the query's `key`, for programs that can send no header.

    Beside the Call the handler takes `body` (a Form), `query` (a Query) and the path's names. It returns a Wire, a
    Page or a Following of Wires, None (204) or a Response of its own.
    """

    def mark(handler: Handler) -> Endpoint:
        hints = get_type_hints(handler)
        names = tuple(re.findall(r"\{(\w+)", path))
        body, body_optional = _optional(hints.get("body"))
        given = (gives,) if isinstance(gives, str) else gives
        return Endpoint(
            method, path, allow, handler, status, prefix, body, hints.get("query"), hints.get("return"),
            names, uploads, body_optional, kiosk, takes, given, raises, asks, tuple(sorts), example, own_account,
            before_password_change, replaces, settles, key_in_address,
        )  # fmt: skip

    return mark


def _optional(annotation: Any) -> tuple[type[BaseModel] | None, bool]:
    """The model of `Form` or of `Form | None`."""
    given = [kind for kind in get_args(annotation) if kind is not type(None)]
    return (given[0], True) if given else (annotation, False)


def item_of(answer: Any) -> tuple[type[BaseModel] | None, bool]:
    """The model of an answer, and whether the answer is a list of it."""
    if get_origin(answer) in (Page, Following):
        return get_args(answer)[0], True
    if isinstance(answer, type) and issubclass(answer, BaseModel):
        return answer, False
    return None, False
