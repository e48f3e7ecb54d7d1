"""Entries by hand and corrections: a row each that says who, why, before and after, and the entry as it counts now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel.ext.asyncio.session import AsyncSession

from server.attendance.rules import Direction
from server.errors import Conflict, Forbidden
from server.events.schema import NewEvent
from server.pipeline.attend import entry_event
from server.store import corrections, entries
from server.store.audit import Actor
from server.store.corrections import CorrectionRow
from server.store.tables import Camera, Correction, Entry, Person
from server.store.writes import touch
from server.wire import rfc3339

BY_HAND, CORRECTED = "manual", "attendance.corrected"


@dataclass(frozen=True, slots=True)
class Wish:
    """What an entry shall say. What is None stays."""

    person_id: str | None = None
    at: datetime | None = None
    direction: Direction | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """Who asks, why and when, and whether a second person has to agree before it counts."""

    by: Actor
    reason: str
    at: datetime
    needs_second: bool = False


def said(entry: Entry) -> dict[str, Any]:
    """What an entry says, as corrections keep it."""
    return {"personId": entry.person_id, "at": entry.at.isoformat(), "direction": entry.direction}


async def add(session: AsyncSession, entry: Entry, terms: Terms) -> Correction:
    """An entry of which no camera knows. Raises Conflict (entry_exists) where one says the same already."""
    if await entries.same(session, entry.person_id, entry.at, entry.direction) is not None:
        raise Conflict("This person has an entry at that time in that direction already.", code="entry_exists")
    entry.state = "pending" if terms.needs_second else entries.VALID
    entry.reason, entry.why = terms.reason, BY_HAND
    await entries.add(session, entry)
    return await _note(session, entry, "add", None, said(entry), terms)


async def replace(session: AsyncSession, entry: Entry, wish: Wish, terms: Terms) -> Correction:
    """Another person, time or direction. Raises Conflict as _ready() does."""
    await _ready(session, entry)
    before = said(entry)
    after = before | {
        name: value
        for name, value in (
            ("personId", wish.person_id),
            ("at", wish.at.isoformat() if wish.at else None),
            ("direction", wish.direction),
        )
        if value is not None
    }
    if not terms.needs_second:
        _put(entry, before, after)
        session.add(entry)
    return await _note(session, entry, "replace", before, after, terms)


async def remove(session: AsyncSession, entry: Entry, terms: Terms) -> Correction:
    """It does not count any more, and stays to be seen."""
    await _ready(session, entry)
    before = said(entry)
    if not terms.needs_second:
        _put(entry, before, None)
        session.add(entry)
    return await _note(session, entry, "remove", before, None, terms)


async def decide(session: AsyncSession, row: CorrectionRow, agreed: bool, terms: Terms) -> None:
    """A second person's word on what waits. `terms.reason` is a note of theirs.

    Raises Conflict where it has been decided on, or Forbidden (same_person) for whoever asked for it.
    """
    correction, entry = row.correction, row.entry
    if correction.state != "pending":
        raise Conflict("This has been decided on already.", code="already_decided")
    if terms.by.id is not None and terms.by.id == correction.asked_by:
        raise Forbidden("Somebody else has to decide on what you asked for.", code="same_person")
    if agreed:
        if correction.kind == "add":
            entry.state = entries.VALID
        else:
            _put(entry, said(entry), correction.after)
    elif correction.kind == "add":
        entry.state = "refused"
    touch(entry)
    touch(correction)
    corrections.decide(correction, "applied" if agreed else "refused", terms.by, terms.at, terms.reason)
    session.add_all([entry, correction])
    await session.flush()


async def told(session: AsyncSession, entry: Entry, correction: Correction, at: datetime) -> list[NewEvent]:
    """The event of a correction that counts; none of one that waits or was refused.

    Of an entry that turned out to be somebody else's there are two: it is gone for the one, and counts for the other.
    """
    if correction.state != "applied":
        return []
    person = await session.get_one(Person, entry.person_id)
    camera = await session.get(Camera, entry.camera_id) if entry.camera_id else None
    event = entry_event(entry, person, camera, at, None if correction.kind == "add" else CORRECTED)
    if entry.state == "removed":
        return [_with(event, event.data | {"removed": True})]
    was_of = (correction.before or {}).get("personId")
    other = await session.get(Person, was_of) if was_of is not None and was_of != entry.person_id else None
    if other is None:
        return [event]
    gone = entry_event(entry, other, camera, at, CORRECTED)
    said = correction.before or {}
    at_first = rfc3339(datetime.fromisoformat(said["at"]))
    before = {"personId": was_of, "direction": said["direction"], "at": at_first, "removed": True}
    return [_with(gone, gone.data | before), event]


async def withdraw(session: AsyncSession, made: Sequence[Entry], terms: Terms) -> list[NewEvent]:
    """Entries that a sighting made of somebody whom it did not show."""
    events = []
    for entry in made:
        waits = await corrections.waiting(session, entry.id)
        if waits is not None:
            corrections.decide(waits, "refused", terms.by, terms.at, "The sighting was of somebody else.")
            session.add(waits)
        correction = await remove(session, entry, terms)
        events += await told(session, entry, correction, terms.at)
    return events


async def _ready(session: AsyncSession, entry: Entry) -> None:
    """Raises Conflict for an entry that does not count, or about which something is to be decided."""
    if entry.state in ("removed", "refused"):
        raise Conflict("This entry has been removed.", code="entry_removed")
    if entry.person_id is None:
        raise Conflict("Whose this entry was has been erased.", code="person_erased")
    await session.flush()
    if await corrections.waiting(session, entry.id) is not None:
        raise Conflict("A correction of this entry waits for a second person.", code="correction_pending")


def _with(event: NewEvent, data: dict[str, object]) -> NewEvent:
    return NewEvent(event.topic, event.type, event.source, data, event.time)


def _put(entry: Entry, before: dict[str, Any], after: Mapping[str, Any] | None) -> None:
    """What it said first is kept once and for all."""
    if entry.original is None:
        entry.original = before
    if after is None:
        entry.state = "removed"
    else:
        entry.person_id, entry.direction = after["personId"], after["direction"]
        entry.at = datetime.fromisoformat(after["at"])
        entry.why = BY_HAND
    touch(entry)


async def _note(
    session: AsyncSession, entry: Entry, kind: str, before: dict[str, Any] | None, after: dict[str, Any] | None,
    terms: Terms,
) -> Correction:  # fmt: skip
    return await corrections.add(
        session,
        Correction(
            entry_id=entry.id, kind=kind, before=before, after=after, reason=terms.reason,
            state="pending" if terms.needs_second else "applied", asked_by=terms.by.id, asked_by_name=terms.by.name,
        ),
    )  # fmt: skip
