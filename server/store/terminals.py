"""Terminals of other makers, and the lines that they have sent."""

from collections.abc import Collection as Several
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import ColumnElement, func, inspect, or_
from sqlmodel import col, delete, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from server.errors import Conflict, NotFound
from server.events.limits import EVERYTHING, Reach
from server.store import jobs
from server.store.collections import Collection
from server.store.columns import utc_now
from server.store.paging import Page, Paged, Sorts, fetch, matching
from server.store.reach import Conditions, people_within
from server.store.tables import Job, Person, Site, Terminal, TerminalLine
from server.store.writes import locked

TERMINALS = Collection(
    Terminal,
    "terminal",
    {
        "name": func.lower(Terminal.name), "serialNumber": Terminal.serial_number, "lastSeenAt": Terminal.last_seen_at,
        "createdAt": Terminal.created_at, "updatedAt": Terminal.updated_at,
    },
    "name",
    (col(Terminal.name), col(Terminal.serial_number)),
)  # fmt: skip
LINE_SORTS: Sorts = {
    "at": TerminalLine.at, "pin": TerminalLine.pin, "state": TerminalLine.state, "createdAt": TerminalLine.created_at,
    "updatedAt": TerminalLine.updated_at,
}  # fmt: skip
State = Literal["entered", "unknown_person", "refused", "duplicate"]
WAITING: State = "unknown_person"
EXTERNAL_ID = "terminal"  # of a person: their PIN, where it is not their employee number
JOB = "terminal-lines"
SEEN_EVERY = timedelta(minutes=1)  # terminals ask every few seconds, and each note is a write


async def find(session: AsyncSession, serial_number: str) -> Terminal | None:
    return (await session.exec(select(Terminal).where(Terminal.serial_number == serial_number))).first()


async def zone_of(session: AsyncSession, terminal: Terminal, otherwise: str) -> str:
    """The terminal's own, that of its site, or the server's."""
    if terminal.timezone is not None:
        return terminal.timezone
    site = await session.get(Site, terminal.site_id) if terminal.site_id is not None else None
    return site.timezone if site is not None else otherwise


async def check_removal(session: AsyncSession, terminal_id: str) -> None:
    """Raises Conflict while lines wait for their people: with the terminal they would be gone."""
    waits = select(TerminalLine.id).where(TerminalLine.terminal_id == terminal_id, TerminalLine.state == WAITING)
    if (await session.exec(waits.limit(1))).first() is not None:
        raise Conflict(
            "Lines of this terminal wait for people who are not known yet. Switch it off instead.",
            code="terminal_has_waiting_lines",
        )


async def note_seen(session: AsyncSession, row: Terminal, at: datetime, address: str, firmware: str = "") -> None:
    """It was heard; that is no edit of it."""
    known = firmware[:100] or row.firmware
    await _quietly(session, row, last_seen_at=at, last_address=address[:64], firmware=known)


async def note_stamp(session: AsyncSession, row: Terminal, stamp: str) -> None:
    """Everything up to there is kept; that is no edit of it either."""
    await _quietly(session, row, stamp=stamp[:32])


def seen_lately(row: Terminal, at: datetime, address: str, firmware: str = "") -> bool:
    """Whether there is nothing new to note."""
    told = (row.last_address, row.firmware) == (address[:64], firmware[:100] or row.firmware)
    return told and row.last_seen_at is not None and timedelta() <= at - row.last_seen_at < SEEN_EVERY


async def known_digests(session: AsyncSession, terminal_id: str, digests: Sequence[str]) -> set[str]:
    """Those of lines that are kept already."""
    statement = select(TerminalLine.digest).where(
        TerminalLine.terminal_id == terminal_id, col(TerminalLine.digest).in_(digests)
    )
    return set((await session.exec(statement)).all())


async def people_of(session: AsyncSession, pins: Several[str]) -> Mapping[str, Sequence[Person]]:
    """Whose these PINs are: those who have it as `externalIds.terminal`, else whoever has it as employee number."""
    found: dict[str, list[Person]] = {}
    external = col(Person.external_ids)[EXTERNAL_ID].as_string()
    named = (await session.exec(select(Person).where(external.in_(sorted(pins))).order_by(Person.id))).all()
    for person in named:
        found.setdefault(person.external_ids[EXTERNAL_ID], []).append(person)
    left = sorted(set(pins) - set(found))
    for person in (await session.exec(select(Person).where(col(Person.employee_id).in_(left)))).all():
        found[person.employee_id or ""] = [person]
    return found


async def page_lines(
    session: AsyncSession, wanted: Page, terminal_id: str, *, state: State | None = None, reach: Reach = EVERYTHING
) -> Paged[TerminalLine]:
    """Of one terminal, the newest time first. Search looks at the PIN. Who is limited finds those of their people."""
    statement: Any = select(TerminalLine).where(
        TerminalLine.terminal_id == terminal_id, *matching(wanted.search, col(TerminalLine.pin)), *_within(reach)
    )
    if state is not None:
        statement = statement.where(TerminalLine.state == state)
    return await fetch(session, statement, wanted, LINE_SORTS, "-at")


async def lock_line(session: AsyncSession, terminal_id: str, line_id: str, reach: Reach = EVERYTHING) -> TerminalLine:
    """For an edit within the caller's transaction. Raises NotFound."""
    await locked(session, TerminalLine, line_id)
    statement = select(TerminalLine).where(
        TerminalLine.id == line_id, TerminalLine.terminal_id == terminal_id, *_within(reach)
    )
    row = (await session.exec(statement)).first()
    if row is None:
        raise NotFound.of("line")
    return row


async def waiting_pins(session: AsyncSession) -> Sequence[str]:
    """PINs of lines that wait, of which somebody who is active is known by now."""
    external = col(Person.external_ids)[EXTERNAL_ID].as_string()
    theirs = or_(col(Person.employee_id) == col(TerminalLine.pin), external == col(TerminalLine.pin))
    known = select(Person.id).where(col(Person.active).is_(True), theirs).exists()
    statement = select(TerminalLine.pin).where(TerminalLine.state == WAITING, known).distinct()
    return (await session.exec(statement.order_by(TerminalLine.pin))).all()


async def waiting(session: AsyncSession, pin: str, after: tuple[datetime, str] | None, limit: int) -> Sequence[Any]:
    """Id and time of lines of a PIN that wait, in the order of time, from there on."""
    statement = select(TerminalLine.id, TerminalLine.at).where(TerminalLine.state == WAITING, TerminalLine.pin == pin)
    if after is not None:
        at, line_id = after
        statement = statement.where(
            or_(col(TerminalLine.at) > at, (col(TerminalLine.at) == at) & (col(TerminalLine.id) > line_id))
        )
    return (await session.exec(statement.order_by(col(TerminalLine.at), col(TerminalLine.id)).limit(limit))).all()


async def call_for(session: AsyncSession, person: Person, before: Several[str] = ()) -> None:
    """Somebody has come or changed: where lines wait for them, a job is to take them up, once this is committed. Or
    for whoever has one of their PINs of `before`, which they have lost."""
    theirs = _pins(person) if person.active else ()
    await _call_for(session, sorted({*before, *theirs}))


def pins_before(person: Person) -> list[str]:
    """Those that an edit which is not flushed yet takes from them."""
    if not inspect(person).persistent:
        return []
    attributes = inspect(person).attrs
    numbers = attributes.employee_id.history.deleted or ()
    ids = attributes.external_ids.history.deleted or ()
    had = {*numbers, *(one.get(EXTERNAL_ID) for one in ids if one)}
    return sorted({pin for pin in had if pin} - set(_pins(person)))


async def forget_person(session: AsyncSession, person: Person) -> int:
    """Lines of somebody who goes say who it was by the PIN, so they go too; their entries stay. How many.

    Those of a PIN that somebody else has as well may be theirs: they stay, and are taken up where that is plain by now.
    """
    pins = _pins(person)
    shared = {pin for pin, several in (await _holders(session, pins)).items() if several - {person.id}}
    nobodys = col(TerminalLine.person_id).is_(None) & col(TerminalLine.pin).in_(sorted(set(pins) - shared))
    theirs = or_(col(TerminalLine.person_id) == person.id, nobodys)
    gone = await session.exec(delete(TerminalLine).where(theirs).execution_options(synchronize_session=False))
    await _call_for(session, sorted(shared))
    return gone.rowcount


async def forget_old(session: AsyncSession, before: datetime) -> int:
    """Lines that were kept before that time. How many."""
    old = delete(TerminalLine).where(col(TerminalLine.created_at) < before)
    return (await session.exec(old.execution_options(synchronize_session=False))).rowcount


async def _call_for(session: AsyncSession, pins: Sequence[str]) -> None:
    waits = select(TerminalLine.id).where(TerminalLine.state == WAITING, col(TerminalLine.pin).in_(pins)).limit(1)
    if pins and (await session.exec(waits)).first() is not None:
        await jobs.add(session, Job(kind=JOB, state="queued", run_at=utc_now()))


async def _holders(session: AsyncSession, pins: Several[str]) -> Mapping[str, set[str]]:
    """The ids of all who have one of these PINs in either place."""
    external = col(Person.external_ids)[EXTERNAL_ID].as_string()
    having = select(Person).where(or_(external.in_(pins), col(Person.employee_id).in_(pins)))
    found: dict[str, set[str]] = {pin: set() for pin in pins}
    for person in (await session.exec(having)).all():
        for pin in set(_pins(person)) & found.keys():
            found[pin].add(person.id)
    return found


def _pins(person: Person) -> list[str]:
    return sorted({pin for pin in (person.employee_id, person.external_ids.get(EXTERNAL_ID)) if pin})


def _within(reach: Reach) -> Conditions:
    limits = people_within(reach)
    if not limits:
        return []
    theirs: ColumnElement[bool] = col(TerminalLine.person_id).in_(select(Person.id).where(*limits))
    return [theirs]


async def _quietly(session: AsyncSession, row: Terminal, **values: object) -> None:
    changed = update(Terminal).where(col(Terminal.id) == row.id).values(updated_at=row.updated_at, **values)
    await session.exec(changed.execution_options(synchronize_session=False))
