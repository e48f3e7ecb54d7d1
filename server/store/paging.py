"""Pages of a list, cut, sorted and counted by the database."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, TypeVarTuple

from sqlalchemy import ColumnElement, func, or_
from sqlalchemy.sql.base import ColumnCollection
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import Select, SelectOfScalar

from server.errors import BadRequest

MAX_PAGE_SIZE = 200
MAX_PAGE = 10_000_000  # keeps the database's offset within its integers

T = TypeVar("T")
U = TypeVar("U")
Ts = TypeVarTuple("Ts")

# What a list may be sorted by: names on the wire, and the column or expression each stands for.
Sorts = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a list is wanted. `sort` is a name on the wire, with a minus for the other way round."""

    page: int = 1
    page_size: int = 20
    search: str | None = None
    sort: str | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.page <= MAX_PAGE:
            raise BadRequest("page starts at 1.", code="bad_page")
        if not 1 <= self.page_size <= MAX_PAGE_SIZE:
            raise BadRequest(f"pageSize is from 1 to {MAX_PAGE_SIZE}.", code="bad_page_size")


@dataclass(frozen=True, slots=True)
class AtOnce(Page):
    """As much of a list as is told in one go, read in one statement: between two, a row could move past both."""

    page_size: int = 5000

    def __post_init__(self) -> None:
        """More than anybody may ask for."""


@dataclass(frozen=True, slots=True)
class Paged(Generic[T]):
    """Some of a list's rows, and how many there are in all."""

    rows: Sequence[T]
    total: int

    def map(self, change: Callable[[T], U]) -> "Paged[U]":
        return Paged([change(row) for row in self.rows], self.total)


def matching(search: str | None, *columns: Any) -> list[ColumnElement[bool]]:
    """Conditions for `where(*…)`: any of the columns contains the words; none where nothing is searched for."""
    words = (search or "").split()
    return [or_(*(column.icontains(word, autoescape=True) for column in columns)) for word in words]


async def fetch(
    session: AsyncSession, statement: SelectOfScalar[T], page: Page, sorts: Sorts, default: str
) -> Paged[T]:
    """The wanted part of a list of single rows."""
    rows = (await session.exec(_cut(statement, page, sorts, default))).all()
    return Paged(rows, await _total(session, statement, page, len(rows)))


async def fetch_joined(
    session: AsyncSession, statement: Select[*Ts], page: Page, sorts: Sorts, default: str
) -> Paged[tuple[*Ts]]:
    """The wanted part of a list of several things in a row."""
    rows = (await session.exec(_cut(statement, page, sorts, default))).all()
    return Paged(rows, await _total(session, statement, page, len(rows)))


def _cut(statement: Any, page: Page, sorts: Sorts, default: str) -> Any:
    sort = page.sort or default
    name = sort.removeprefix("-")
    if name not in sorts:
        raise BadRequest(f"This list can be sorted by {', '.join(sorted(sorts))}.", code="unknown_sort")
    key = sorts[name]
    direction = "desc" if sort.startswith("-") else "asc"
    order = getattr(key, direction)()
    if getattr(key, "nullable", True):
        order = order.nulls_last()  # the two databases differ in where they put what is missing
    # The id as last word: without it, rows that sort alike could be on two pages, or on none.
    last = getattr(_first_id(statement.selected_columns), direction)()
    return statement.order_by(order, last).limit(page.page_size).offset((page.page - 1) * page.page_size)


def _first_id(columns: ColumnCollection[str, Any]) -> Any:
    return next(column for column in columns if column.name == "id")


async def _total(session: AsyncSession, statement: Any, page: Page, got: int) -> int:
    if 0 < got < page.page_size or (got == 0 and page.page == 1):
        return (page.page - 1) * page.page_size + got
    counting = statement.with_only_columns(func.count(), maintain_column_froms=True)
    return int(await session.scalar(counting) or 0)
