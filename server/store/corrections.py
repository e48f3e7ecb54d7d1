"""Corrections of entries: what was changed, by whom and why, and what still waits for a second person."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from server.errors import NotFound
from server.events.limits import EVERYTHING, Reach
from server.store.audit import Actor
from server.store.paging import Page, Paged, Sorts, fetch_joined, matching
from server.store.reach import entries_within
from server.store.tables import Correction, Entry, Person
from server.store.writes import locked

SORTS: Sorts = {"createdAt": Correction.created_at, "decidedAt": Correction.decided_at}


@dataclass(frozen=True, slots=True)
class CorrectionRow:
    """A correction with the entry that it is about, and whose that is."""

    correction: Correction
    entry: Entry
    person: Person


async def get(session: AsyncSession, correction_id: str, reach: Reach = EVERYTHING) -> CorrectionRow:
    """Locked, as it is now. Raises NotFound, also for one that is out of reach."""
    if await locked(session, Correction, correction_id) is not None:
        wanted = _joined().where(Correction.id == correction_id, *entries_within(reach))
        row = (await session.exec(wanted)).first()
        if row is not None:
            return CorrectionRow(*row)
    raise NotFound.of("correction")


async def page(
    session: AsyncSession,
    wanted: Page,
    reach: Reach = EVERYTHING,
    *,
    entry_id: str | None = None,
    person_id: str | None = None,
    state: str | None = None,
) -> Paged[CorrectionRow]:
    """Newest first. Search looks at the person, the reason and who asked."""
    words = matching(
        wanted.search, col(Person.full_name), col(Person.employee_id), col(Correction.reason),
        col(Correction.asked_by_name),
    )  # fmt: skip
    statement = _joined().where(*words, *entries_within(reach))
    for column, value in ((Entry.id, entry_id), (Entry.person_id, person_id), (Correction.state, state)):
        if value is not None:
            statement = statement.where(column == value)
    found = await fetch_joined(session, statement, wanted, SORTS, "-createdAt")
    return found.map(lambda row: CorrectionRow(*row))


async def waiting(session: AsyncSession, entry_id: str) -> Correction | None:
    """The one of an entry that nobody has decided on yet."""
    statement = select(Correction).where(Correction.entry_id == entry_id, Correction.state == "pending")
    return (await session.exec(statement)).first()


async def add(session: AsyncSession, correction: Correction) -> Correction:
    session.add(correction)
    await session.flush()
    return correction


def decide(row: Correction, state: str, by: Actor, at: datetime, note: str = "") -> None:
    """Applied or refused, by whom and when."""
    row.state, row.decided_by, row.decided_by_name, row.decided_at, row.note = state, by.id, by.name, at, note


def _joined() -> Any:
    return (
        select(Correction, Entry, Person)
        .join_from(Correction, Entry, col(Correction.entry_id) == col(Entry.id))
        .join(Person, col(Person.id) == col(Entry.person_id))
    )
