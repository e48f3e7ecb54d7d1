"""Entries: check-ins and check-outs."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple
from uuid import uuid4

from sqlalchemy import func, null, or_
from sqlmodel import col, delete, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from server.attendance.rules import Direction
from server.errors import NotFound
from server.events.limits import EVERYTHING, Reach
from server.store.paging import Page, Paged, Sorts, fetch_joined, matching
from server.store.reach import entries_within
from server.store.tables import Camera, Correction, Entry, FrozenDay, Person
from server.store.writes import locked, locked_in_order

SORTS: Sorts = {
    "at": Entry.at,
    "direction": Entry.direction,
    "createdAt": Entry.created_at,
    "updatedAt": Entry.updated_at,
}
PRESENT_SORTS: Sorts = {"since": Entry.at, "fullName": func.lower(Person.full_name)}

VALID = "valid"
NIGHT = timedelta(days=1)  # no longer ago has anybody come who is still in


@dataclass(frozen=True, slots=True)
class EntryFilter:
    """Which entries: what is None does not matter. `start` is included, `end` is not."""

    person_id: str | None = None
    camera_id: str | None = None
    department_id: str | None = None
    direction: str | None = None
    origin: str | None = None
    state: str | None = VALID
    start: datetime | None = None
    end: datetime | None = None


@dataclass(frozen=True, slots=True)
class EntryRow:
    """An entry with whose it is and where it was made."""

    entry: Entry
    person: Person | None  # None: erased
    camera_name: str | None


class Said(NamedTuple):
    """What days are worked out from."""

    id: str
    person_id: str
    at: datetime
    direction: Direction
    why: str


async def add(session: AsyncSession, entry: Entry) -> Entry:
    session.add(entry)
    await session.flush()
    return entry


async def get(session: AsyncSession, entry_id: str, reach: Reach = EVERYTHING) -> EntryRow:
    """Raises NotFound, also for one that is out of reach."""
    row = (await session.exec(_joined().where(Entry.id == entry_id, *entries_within(reach)))).first()
    if row is None:
        raise NotFound.of("entry")
    return EntryRow(*row)


async def lock(session: AsyncSession, entry_id: str, reach: Reach = EVERYTHING, *, also: str | None = None) -> EntryRow:
    """The same, for a correction within the caller's transaction, with whom it is about and who it is to be about."""
    whose = (await session.exec(select(Entry.person_id).where(Entry.id == entry_id))).first()
    await locked_in_order(session, Person, whose, also)
    await locked(session, Entry, entry_id)
    return await get(session, entry_id, reach)


async def page(
    session: AsyncSession, wanted: Page, which: EntryFilter | None = None, reach: Reach = EVERYTHING
) -> Paged[EntryRow]:
    """Newest first. Search looks at the person's name and number, and at the camera's name."""
    which = which or EntryFilter()
    words = matching(wanted.search, col(Person.full_name), col(Person.employee_id), col(Camera.name))
    statement = _joined().where(*words, *entries_within(reach))
    equal = (
        (Entry.person_id, which.person_id),
        (Entry.camera_id, which.camera_id),
        (func.coalesce(Person.department_id, Entry.department_id), which.department_id),
        (Entry.direction, which.direction),
        (Entry.origin, which.origin),
        (Entry.state, which.state),
    )
    for column, value in equal:
        if value is not None:
            statement = statement.where(column == value)
    if which.start is not None:
        statement = statement.where(Entry.at >= which.start)
    if which.end is not None:
        statement = statement.where(Entry.at < which.end)
    found = await fetch_joined(session, statement, wanted, SORTS, "-at")
    return found.map(lambda row: EntryRow(*row))


async def last_of(
    session: AsyncSession,
    person_id: str,
    *,
    camera_id: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Entry | None:
    """A person's newest entry: at one camera, within a time (both ends included), or of all."""
    statement = select(Entry).where(Entry.person_id == person_id, Entry.state == VALID)
    if camera_id is not None:
        statement = statement.where(Entry.camera_id == camera_id)
    if since is not None:
        statement = statement.where(Entry.at >= since)
    if until is not None:
        statement = statement.where(Entry.at <= until)
    return (await session.exec(statement.order_by(col(Entry.at).desc(), col(Entry.id).desc()).limit(1))).first()


async def last_at(
    session: AsyncSession,
    person_id: str,
    camera_ids: Sequence[str],
    kiosk_ids: Sequence[str],
    until: datetime | None = None,
    *,
    terminal_ids: Sequence[str] = (),
) -> Entry | None:
    """A person's newest entry (up to then) at one door: at one of these cameras, kiosks or terminals."""
    statement = select(Entry).where(Entry.person_id == person_id, Entry.state == VALID)
    if until is not None:
        statement = statement.where(Entry.at <= until)
    statement = statement.where(
        or_(
            col(Entry.camera_id).in_(camera_ids),
            col(Entry.kiosk_id).in_(kiosk_ids),
            col(Entry.terminal_id).in_(terminal_ids),
        )
    )
    return (await session.exec(statement.order_by(col(Entry.at).desc(), col(Entry.id).desc()).limit(1))).first()


async def near(
    session: AsyncSession, person_id: str, terminal_id: str, direction: str, at: datetime, within: timedelta
) -> Entry | None:
    """A person's entry in that direction at that terminal, less than so long before or after."""
    statement = select(Entry).where(
        Entry.person_id == person_id, Entry.terminal_id == terminal_id, Entry.state == VALID,
        Entry.direction == direction, Entry.at > at - within, Entry.at < at + within,
    )  # fmt: skip
    return (await session.exec(statement.order_by(col(Entry.at), col(Entry.id)).limit(1))).first()


async def of_lines(session: AsyncSession, person_id: str, at: datetime, within: timedelta) -> Sequence[Entry]:
    """A person's entries that lines of terminals have made which were noted then, or less than so long before or after,
    whatever has become of them since."""
    noted = col(Entry.device_at)
    statement = select(Entry).where(
        Entry.person_id == person_id, Entry.origin == "terminal",
        or_(noted == at, (noted > at - within) & (noted < at + within)),
    )  # fmt: skip
    return (await session.exec(statement.order_by(noted, col(Entry.id)))).all()


async def of_request(session: AsyncSession, request_key: str) -> Entry | None:
    """The one that this request has made."""
    return (await session.exec(select(Entry).where(Entry.request_key == request_key))).first()


async def offset_of_kiosk(session: AsyncSession, kiosk_id: str) -> int | None:
    """By how many milliseconds a kiosk's clock was ahead of the server's when it was heard last."""
    known = col(Entry.device_offset_ms)
    statement = select(known).where(Entry.kiosk_id == kiosk_id, known.is_not(None))
    return (await session.exec(statement.order_by(col(Entry.id).desc()).limit(1))).first()


async def any_at_kiosk(session: AsyncSession, person_id: str, kiosk_id: str, since: datetime) -> bool:
    """Whether the person has checked in at that kiosk since then."""
    statement = select(Entry.id).where(
        Entry.person_id == person_id, Entry.kiosk_id == kiosk_id, Entry.state == VALID, Entry.at >= since
    )
    return (await session.exec(statement.limit(1))).first() is not None


async def of_sighting(session: AsyncSession, sighting_id: str) -> Sequence[Entry]:
    """What a sighting has made, as far as it counts."""
    statement = select(Entry).where(Entry.sighting_id == sighting_id, Entry.state == VALID)
    return (await session.exec(statement)).all()


async def said_between(
    session: AsyncSession, person_ids: Sequence[str], start: datetime, end: datetime
) -> Sequence[Said]:
    """What counts of many people's entries, without the rest of the rows; `end` is not included."""
    statement: Any = select(Entry.id, Entry.person_id, Entry.at, Entry.direction, Entry.why).where(  # type: ignore[call-overload]
        col(Entry.person_id).in_(person_ids), Entry.state == VALID, Entry.at >= start, Entry.at < end
    )
    return [Said(*row) for row in (await session.exec(statement)).all()]


async def same(session: AsyncSession, person_id: str | None, at: datetime, direction: str) -> Entry | None:
    """One that says the same already."""
    statement = select(Entry).where(
        Entry.person_id == person_id, Entry.state == VALID, Entry.at == at, Entry.direction == direction
    )
    return (await session.exec(statement)).first()


async def present(
    session: AsyncSession, since: datetime, still: Collection[str], wanted: Page, reach: Reach = EVERYTHING
) -> Paged[EntryRow]:
    """Whose newest entry is a check-in, since then or among those that are `still` open; who came last is first.

    Search looks at the name and the number of the employee. Whose newest one is out of reach is not among them,
    whatever came before it.
    """
    newest = _newest(since - NIGHT)
    statement = (
        _joined()
        .join(newest, newest.c.id == Entry.id)
        .where(newest.c.rank == 1, Entry.direction == "in", *entries_within(reach))
        .where(or_(col(Entry.at) >= since, col(Entry.id).in_(still)))
        .where(*matching(wanted.search, col(Person.full_name), col(Person.employee_id)))
    )
    found = await fetch_joined(session, statement, wanted, PRESENT_SORTS, "-since")
    return found.map(lambda row: EntryRow(*row))


async def present_ids(session: AsyncSession, since: datetime, still: Collection[str]) -> Sequence[str]:
    """The same people, by their ids alone."""
    newest = _newest(since - NIGHT)
    statement = (
        select(Entry.person_id)
        .join(newest, newest.c.id == Entry.id)
        .where(newest.c.rank == 1, Entry.direction == "in")
        .where(or_(col(Entry.at) >= since, col(Entry.id).in_(still)))
    )
    return [person_id for person_id in (await session.exec(statement)).all() if person_id is not None]


async def open_before(session: AsyncSession, midnight: datetime) -> Sequence[tuple[Entry, Person]]:
    """Check-ins of the day before, by whoever has no entry after it."""
    newest = _newest(midnight - NIGHT)
    statement = (
        select(Entry, Person)
        .join(newest, newest.c.id == Entry.id)
        .join(Person, col(Person.id) == col(Entry.person_id))
        .where(newest.c.rank == 1, Entry.direction == "in", Entry.at < midnight)
    )
    return (await session.exec(statement)).all()


def _newest(since: datetime) -> Any:
    """The entries since then, ranked by how new they are of their person's."""
    rank = func.row_number().over(partition_by=Entry.person_id, order_by=(col(Entry.at).desc(), col(Entry.id).desc()))
    theirs = (Entry.at >= since, Entry.state == VALID, col(Entry.person_id).is_not(None))
    return select(Entry.id, rank.label("rank")).where(*theirs).subquery()


async def first_date(session: AsyncSession) -> date | None:
    """That of the first entry of all, in UTC, and a day before it: in some zone it was yesterday."""
    first = (await session.exec(select(func.min(col(Entry.at))).where(Entry.state == VALID))).one()
    return first.date() - timedelta(days=1) if first else None


async def make_anonymous(session: AsyncSession, person: Person) -> None:
    """A person goes, and that somebody of their department came and went stays: by a pseudonym that is drawn here and
    kept nowhere else, so that their days still add up. What was corrected says who, so it goes."""
    bare: dict[str, Any] = dict.fromkeys(("person_id", "sighting_id", "snapshot_key", "similarity", "margin", "reason"))
    pseudonym, theirs = str(uuid4()), select(Entry.id).where(Entry.person_id == person.id)
    for statement in (
        delete(Correction).where(col(Correction.entry_id).in_(theirs)),
        update(Entry)
        .where(col(Entry.person_id) == person.id)
        .values(pseudonym=pseudonym, department_id=person.department_id, original=null(), **bare),
        update(FrozenDay).where(col(FrozenDay.person_id) == person.id).values(pseudonym=pseudonym, person_id=None),
    ):
        await session.exec(statement.execution_options(synchronize_session=False))


def _joined() -> Any:
    return select(Entry, Person, Camera.name).join(Person, isouter=True).join(Camera, isouter=True)
