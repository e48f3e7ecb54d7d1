"""The usual five endpoints of a collection: its list, a new one, one, an edit, and its removal."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import BaseModel
from sqlmodel.ext.asyncio.session import AsyncSession

from server.errors import Forbidden
from server.events.limits import Reach, reach_of
from server.routes.endpoint import Call, Endpoint, Query, endpoint
from server.routes.responses import Page
from server.store.collections import Collection
from server.store.columns import Row
from server.store.reach import Conditions
from server.wire import Form, Wire

R = TypeVar("R", bound=Row)


async def _nothing(_session: AsyncSession, _row: Any, _reach: Reach) -> None:
    """Nothing else to look at."""


def _no_conditions(_query: Any) -> Conditions:
    return []


@dataclass(frozen=True)
class Words:
    """How documents speak of it: the first lines of the five, without their ends."""

    one: str
    many: str
    new: str
    removed: str


@dataclass(frozen=True)
class Five(Generic[R]):
    """One collection on the wire.

    `fields` turns a form into the row's columns, `show` a row into a view. `check` raises what speaks against a row
    that is about to be saved, `check_removal` against its removal. `for_everybody` is for rows that concern everybody:
    whoever is limited to some departments reads them and does not change them.
    """

    rows: Collection[R]
    path: str
    words: Words
    form: type[Form]
    view: type[Wire]
    fields: Callable[[Any], dict[str, Any]]
    show: Callable[[R], Wire]
    query: type[Query] = Query
    conditions: Callable[[Any], Conditions] = _no_conditions
    check: Callable[[AsyncSession, R, Reach], Awaitable[None]] = _nothing
    check_removal: Callable[[AsyncSession, R, Reach], Awaitable[None]] = _nothing
    for_everybody: bool = False
    example: Any = None

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        one = f"{self.path}/{{{self._id}}}"
        return (
            self._made(self._list(), "GET", self.path, "read", sorts=self.rows.sorts),
            self._made(self._create(), "POST", self.path, "write", status=201, raises=(409,), example=self.example),
            self._made(self._get(), "GET", one, "read"),
            self._made(self._edit(), "PUT", one, "write", raises=(409,), example=self.example),
            self._made(self._delete(), "DELETE", one, "delete", status=204, raises=(409,)),
        )

    @property
    def _noun(self) -> str:
        return self.rows.noun

    @property
    def _id(self) -> str:
        return f"{self._noun}_id"

    @property
    def _resource(self) -> str:
        return self.path.rpartition("/")[2]

    def _made(self, handler: Callable[..., Any], method: Any, path: str, action: str, **more: Any) -> Endpoint:
        return endpoint(method, path, allow=f"attendance:{action}", **more)(handler)

    def _list(self) -> Callable[..., Any]:
        async def handler(call: Call, query: Any) -> Any:
            async with call.parts.store.read() as session:
                found = await self.rows.page(session, query.wanted, reach_of(call.who), self.conditions(query))
            return Page.of(query.wanted, [self.show(row) for row in found.rows], found.total)

        pages: Any = Page  # of a view that is known only now
        answer = pages[self.view]
        return _named(handler, f"list_{self._resource}", f"{self.words.many}.", query=self.query, answer=answer)

    def _create(self) -> Callable[..., Any]:
        async def handler(call: Call, body: Any) -> Any:
            self._allow(call)
            async with call.parts.store.transaction() as session:
                row = self.rows.table(**self.fields(body))
                await self.check(session, row, reach_of(call.who))
                view = self.show(await self.rows.save(session, row))
                await call.audit(session, f"{self._noun}.created", self._resource, row.id, after=view)
            return view

        return _named(handler, f"create_{self._noun}", f"{self.words.new}.", body=self.form, answer=self.view)

    def _get(self) -> Callable[..., Any]:
        async def handler(call: Call, **path: str) -> Any:
            async with call.parts.store.read() as session:
                return self.show(await self.rows.get(session, path[self._id], reach_of(call.who)))

        return _named(handler, f"get_{self._noun}", f"{self.words.one}.", answer=self.view)

    def _edit(self) -> Callable[..., Any]:
        async def handler(call: Call, body: Any, **path: str) -> Any:
            self._allow(call)
            async with call.parts.store.transaction() as session:
                row = await self.rows.lock(session, path[self._id], reach_of(call.who))
                call.check_unchanged(row.updated_at)
                before = self.show(row)
                with session.no_autoflush:
                    for name, value in self.fields(body).items():
                        setattr(row, name, value)
                    await self.check(session, row, reach_of(call.who))
                view = self.show(await self.rows.save(session, row))
                await call.audit(session, f"{self._noun}.changed", self._resource, row.id, before=before, after=view)
            return view

        told = f"Changes {self.words.one[0].lower()}{self.words.one[1:]}."
        return _named(handler, f"edit_{self._noun}", told, body=self.form, answer=self.view)

    def _delete(self) -> Callable[..., Any]:
        async def handler(call: Call, **path: str) -> None:
            self._allow(call)
            async with call.parts.store.transaction() as session:
                row = await self.rows.lock(session, path[self._id], reach_of(call.who))
                call.check_unchanged(row.updated_at)
                await self.check_removal(session, row, reach_of(call.who))
                before = self.show(row)
                await self.rows.remove(session, row)
                await call.audit(session, f"{self._noun}.removed", self._resource, row.id, before=before)

        return _named(handler, f"delete_{self._noun}", f"{self.words.removed}.", answer=None)

    def _allow(self, call: Call) -> None:
        if self.for_everybody and call.who.only_departments is not None:
            raise Forbidden(
                "This concerns everybody: whoever is limited to some departments cannot change it.", code="limited"
            )


def _named(
    handler: Callable[..., Any], name: str, summary: str, *, body: type[BaseModel] | None = None,
    query: type[Query] | None = None, answer: Any,
) -> Callable[..., Any]:  # fmt: skip
    """With the name, the docstring and the types that `endpoint` reads."""
    handler.__name__ = handler.__qualname__ = name
    handler.__doc__ = summary
    hints = {"call": Call, "body": body, "query": query, "return": answer}
    handler.__annotations__ = {key: hint for key, hint in hints.items() if hint is not None or key == "return"}
    return handler
