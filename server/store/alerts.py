"""Alerts: raised once while they are open, cleared when it is over, acknowledged by whoever looked."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, Protocol, get_args

from sqlalchemy import func
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, delete, select
from sqlmodel.ext.asyncio.session import AsyncSession

from server.errors import NotFound
from server.events.facts import AlertFact
from server.events.limits import EVERYTHING, PERSON, Reach
from server.events.schema import NewEvent, StoredEvent
from server.store.paging import Page, Paged, Sorts, fetch, matching
from server.store.reach import alerts_within
from server.store.tables import Alert, Person
from server.store.views import API
from server.store.writes import is_unique_violation

TOPIC = "alerts"
SORTS: Sorts = {
    "createdAt": Alert.created_at,
    "updatedAt": Alert.updated_at,
    "kind": Alert.kind,
    "severity": Alert.severity,
    "subject": Alert.subject,
    "clearedAt": Alert.cleared_at,
    "acknowledgedAt": Alert.acknowledged_at,
}

Severity = Literal["info", "warning", "critical"]
RANKS: tuple[str, ...] = get_args(Severity)
State = Literal["open", "cleared", "all"]


class Log(Protocol):
    """Appends inside the caller's transaction."""

    async def append(self, session: AsyncSession, events: Sequence[NewEvent]) -> list[StoredEvent]: ...


async def raise_alert(
    session: AsyncSession,
    log: Log,
    *,
    kind: str,
    severity: Severity,
    subject: str,
    message: str,
    at: datetime,
    sighting_id: str | None = None,
) -> list[StoredEvent]:
    """The alert's row and its event, within the caller's transaction; after it the caller wakes the hub with them.

    One that is open and that nobody has acknowledged yet stays as it was told, in silence: the answer is empty. Where
    it is worse by now, or was acknowledged, it is raised again: it happened again after somebody had looked. So raise
    it when something happens, not for as long as it lasts. It holds the log's rows until the commit: call it as late
    as possible.
    `sighting_id`: whose picture is the evidence.
    """
    row = await _find_open(session, kind, subject)
    if row is None:
        row = await _insert(session, kind, severity, subject, message, at, sighting_id)
        if row is not None:
            return await log.append(session, [await event_of(session, row, "alert.raised", at)])
        row = await _find_open(session, kind, subject)  # another process was first, and has committed
        assert row is not None
    row.updated_at = at
    if row.acknowledged_at is None and RANKS.index(severity) <= RANKS.index(row.severity):
        # What it shows is what the event has told: whoever has followed and whoever asks now see the same.
        session.add(row)
        await session.flush()
        return []
    row.severity, row.message, row.sighting_id = severity, message[:500], sighting_id
    row.acknowledged_at = row.acknowledged_by = None
    session.add(row)
    await session.flush()
    return await log.append(session, [await event_of(session, row, "alert.raised", at)])


async def clear_alert(session: AsyncSession, log: Log, kind: str, subject: str, at: datetime) -> list[StoredEvent]:
    """It is over: the row is marked and the event appended, or nothing happens where none is open."""
    row = await _find_open(session, kind, subject)
    if row is None:
        return []
    row.cleared_at = row.updated_at = at
    session.add(row)
    await session.flush()
    return await log.append(session, [await event_of(session, row, "alert.cleared", at)])


async def page(
    session: AsyncSession,
    wanted: Page,
    *,
    state: State = "all",
    kind: str | None = None,
    reach: Reach = EVERYTHING,
) -> Paged[Alert]:
    """Search looks at the subject and the message. Who is limited gets what an event of it would tell them."""
    statement = select(Alert).where(*matching(wanted.search, col(Alert.subject), col(Alert.message)))
    if state == "open":
        statement = statement.where(col(Alert.cleared_at).is_(None))
    elif state == "cleared":
        statement = statement.where(col(Alert.cleared_at).is_not(None))
    if kind is not None:
        statement = statement.where(Alert.kind == kind)
    return await fetch(session, statement.where(*alerts_within(reach)), wanted, SORTS, "-createdAt")


async def get(session: AsyncSession, alert_id: str, *, locked: bool = False) -> Alert:
    """Raises NotFound. `locked`: no other transaction changes it before this one ends."""
    row = await session.get(Alert, alert_id, with_for_update=True if locked else None)
    if row is None:
        raise NotFound.of("alert")
    return row


async def open_of_kind(session: AsyncSession, kind: str, about: str = "") -> Sequence[Alert]:
    """Those that are not over yet, whether somebody looked or not, whose subject begins like that."""
    found = select(Alert).where(Alert.kind == kind, col(Alert.cleared_at).is_(None))
    return (await session.exec(found.where(col(Alert.subject).startswith(about, autoescape=True)))).all()


async def acknowledge(session: AsyncSession, alert: Alert, by: str, at: datetime) -> Alert:
    """Somebody looked at it. Who was first stays."""
    if alert.acknowledged_at is None:
        alert.acknowledged_at, alert.acknowledged_by = at, by[:254]
        session.add(alert)
        await session.flush()
    return alert


async def forget_finished(session: AsyncSession, before: datetime, log: Log, at: datetime) -> int:
    """Removes those that were cleared or acknowledged before that time. Returns how many.

    One that nobody has cleared is told to be over: whoever follows still has it.
    """
    left = select(Alert).where(col(Alert.cleared_at).is_(None), col(Alert.acknowledged_at) < before)
    told = [await event_of(session, row, "alert.cleared", at) for row in (await session.exec(left)).all()]
    if told:
        await log.append(session, told)
    over = func.coalesce(Alert.cleared_at, Alert.acknowledged_at) < before
    gone = await session.exec(delete(Alert).where(over))
    return gone.rowcount


async def within(session: AsyncSession, alert: Alert, reach: Reach) -> bool:
    """Whether somebody of that reach finds it."""
    found = select(Alert.id).where(Alert.id == alert.id, *alerts_within(reach))
    return (await session.exec(found)).one_or_none() is not None


def alert_event(row: Alert, event_type: str, at: datetime, department_id: str | None = None) -> NewEvent:
    """The event that tells of this alert as it is now. `department_id`: of the person that it is about."""
    fact = AlertFact(
        id=row.id, kind=row.kind, severity=row.severity, subject=row.subject, message=row.message,
        department_id=department_id, sighting_id=row.sighting_id, snapshot_url=picture_of(row),
    )  # fmt: skip
    return NewEvent(TOPIC, event_type, f"alerts/{row.id}", fact.model_dump(mode="json", by_alias=True), at)


def picture_of(row: Alert) -> str | None:
    """Where its evidence is. Whoever may read the alert may not yet see the sighting."""
    return f"{API}/sightings/{row.sighting_id}/snapshot.jpg" if row.sighting_id else None


async def event_of(session: AsyncSession, row: Alert, event_type: str, at: datetime) -> NewEvent:
    """With the department of whom it is about, by which it is told to whoever is limited."""
    if not row.subject.startswith(PERSON):
        return alert_event(row, event_type, at)
    person = await session.get(Person, row.subject.split("/")[1])
    return alert_event(row, event_type, at, person.department_id if person is not None else None)


async def _find_open(session: AsyncSession, kind: str, subject: str) -> Alert | None:
    query = select(Alert).where(Alert.kind == kind, Alert.subject == subject, col(Alert.cleared_at).is_(None))
    return (await session.exec(query.with_for_update())).first()


async def _insert(
    session: AsyncSession, kind: str, severity: str, subject: str, message: str, at: datetime, sighting_id: str | None
) -> Alert | None:
    """The new row, or None where another process has just raised the same."""
    row = Alert(
        kind=kind, severity=severity, subject=subject, message=message[:500], sighting_id=sighting_id, created_at=at,
        updated_at=at,
    )  # fmt: skip
    try:
        async with session.begin_nested():
            session.add(row)
    except IntegrityError as error:
        if not is_unique_violation(error):
            raise
        return None
    return row
