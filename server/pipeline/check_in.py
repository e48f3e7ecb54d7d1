"""A check-in with a code or a badge: the entry that the rules make of it, and what is told of it."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel.ext.asyncio.session import AsyncSession

from server.attendance.device_time import Moment
from server.attendance.rules import decide
from server.events.schema import NewEvent
from server.pipeline import timesheets
from server.pipeline.attend import Local, before, brief, entry_event, kiosk_event
from server.pipeline.record import ALREADY_HINT
from server.store import consents, entries, photos
from server.store.tables import Entry, Kiosk, Person
from server.store.views import API, ShiftBrief
from server.wire import rfc3339

ORIGIN = "code"


@dataclass(frozen=True, slots=True)
class CheckedIn:
    """The entry: a new one, or within the cool-down the one before (`hint`). `kept`: it was made while offline."""

    entry: Entry
    person: Person
    photo_url: str | None
    shift: ShiftBrief | None
    late_minutes: int | None
    hint: str | None
    kept: bool


async def check_in(
    session: AsyncSession, kiosk: Kiosk, person: Person, moment: Moment, device_at: datetime, local: Local,
    request_key: str | None = None,
) -> CheckedIn:  # fmt: skip
    """In the caller's transaction, with the person locked, so that two at once do not both come in."""
    known = await before(
        session, person, moment.at, local, camera_ids=kiosk.camera_ids, kiosk_ids=[kiosk.id]
    )  # fmt: skip
    decision = decide(
        role=kiosk.role,
        at=moment.at,
        last_at_camera=known.last_here.at if known.last_here else None,
        last_direction_today=known.direction_today,
        cooldown_s=local.settings.cooldown_s,
        first_and_last=known.first_and_last,
    )
    hint = None
    if decision.direction is not None:
        entry = await entries.add(
            session,
            Entry(
                person_id=person.id, at=moment.at, direction=decision.direction, origin=ORIGIN, kiosk_id=kiosk.id,
                why=decision.why.value, device_at=device_at, device_offset_ms=moment.offset_ms,
                request_key=request_key,
            ),
        )  # fmt: skip
    else:
        assert known.last_here is not None  # a kiosk makes no entry for the cool-down alone
        entry, hint = known.last_here, ALREADY_HINT
    return await told_of(session, kiosk, person, entry, local, moment.at, hint=hint, kept=moment.kept)


async def told_of(
    session: AsyncSession, kiosk: Kiosk, person: Person, entry: Entry, local: Local, now: datetime, *,
    hint: str | None = None, kept: bool = False,
) -> CheckedIn:  # fmt: skip
    """An entry with what the screen needs beside it. Of one that was kept, nobody is there to be shown."""
    window, late_minutes = await timesheets.expected_of(session, person, entry, local.settings, local.zone.key, now)
    photo = None if kept else await _photo_url(session, kiosk, person)
    return CheckedIn(entry, person, photo, brief(window), late_minutes, hint, kept)


def events(kiosk: Kiosk, found: CheckedIn, now: datetime) -> list[NewEvent]:
    """That of the entry, if it is new; and the greeting, unless it was kept: whoever came has gone in by now."""
    entry, told = found.entry, []
    if found.hint is None:
        told.append(
            entry_event(entry, found.person, None, now, shift=found.shift, late_minutes=found.late_minutes)
        )  # fmt: skip
    if not found.kept:
        shown: dict[str, object] = {
            "name": found.person.full_name,
            "personId": found.person.id,  # not for the screen: by it an erasure finds the name
            "photoUrl": found.photo_url,
            "direction": entry.direction,
            "at": rfc3339(entry.at),
            "shift": found.shift.as_json() | {"lateMinutes": found.late_minutes} if found.shift else None,
            "hint": found.hint,
        }
        told.append(kiosk_event(kiosk.id, "kiosk.greeting", None, shown, now))
    return told


async def _photo_url(session: AsyncSession, kiosk: Kiosk, person: Person) -> str | None:
    """None also for who has said no to the use of their face."""
    said = await consents.of_person(session, person.id)
    if (said and said[0].state != consents.GIVEN) or await photos.newest(session, person.id) is None:
        return None
    return f"{API}/kiosks/{kiosk.id}/portraits/{person.id}.jpg"
