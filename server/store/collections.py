"""What is alike in every collection of rows: found by id, locked for an edit, in pages, saved and removed."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from server.errors import Conflict, NotFound
from server.events.limits import EVERYTHING, Reach
from server.store.columns import Row
from server.store.paging import Page, Paged, Sorts, fetch, matching
from server.store.reach import Conditions
from server.store.writes import locked, save

R = TypeVar("R", bound=Row)


def _everything(_reach: Reach) -> Conditions:
    return []


@dataclass(frozen=True)
class Collection(Generic[R]):
    """`within` says what somebody who is limited finds; `searched` are the columns that a search looks at."""

    table: type[R]
    noun: str
    sorts: Sorts
    default_sort: str
    searched: tuple[Any, ...] = ()
    within: Callable[[Reach], Conditions] = _everything

    async def get(self, session: AsyncSession, row_id: str, reach: Reach = EVERYTHING) -> R:
        """Raises NotFound, also for one that is out of reach."""
        row: R | None = (await session.exec(self._all(reach).where(col(self.table.id) == row_id))).first()
        if row is None:
            raise NotFound.of(self.noun)
        return row

    async def lock(self, session: AsyncSession, row_id: str, reach: Reach = EVERYTHING) -> R:
        """The same, for an edit within the caller's transaction."""
        await locked(session, self.table, row_id)
        return await self.get(session, row_id, reach)

    async def page(
        self, session: AsyncSession, wanted: Page, reach: Reach = EVERYTHING, conditions: Conditions | None = None
    ) -> Paged[R]:
        """Those that meet the conditions and the search."""
        statement = self._all(reach).where(*matching(wanted.search, *self.searched), *(conditions or ()))
        return await fetch(session, statement, wanted, self.sorts, self.default_sort)

    async def save(self, session: AsyncSession, row: R) -> R:
        """Inserts or updates; raises Conflict where the name, or what else must be unique, is taken."""
        code = f"{self.noun.replace(' ', '_')}_exists"
        return await save(session, row, Conflict(f"There is such a {self.noun} already.", code=code))

    async def remove(self, session: AsyncSession, row: R) -> None:
        await session.delete(row)
        await session.flush()

    def _all(self, reach: Reach) -> Any:
        return select(self.table).where(*self.within(reach))
