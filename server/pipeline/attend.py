"""What a sighting makes: the attendance entry that the rules allow, and the events that tell of both."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast
from zoneinfo import ZoneInfo

from sqlmodel.ext.asyncio.session import AsyncSession

from server.attendance.assign import window_at, working_day
from server.attendance.rules import Decision, Direction, Why, decide
from server.attendance.shift import Pairing, zone_of
from server.attendance.window import Window
from server.events.schema import NewEvent
from server.media.areas import areas_of
from server.pipeline import timesheets
from server.store import entries, kiosks, zones
from server.store.runtime import AttendanceSettings
from server.store.tables import Camera, Entry, Person, Sighting
from server.store.views import EntryPublic, ShiftBrief, SightingPublic


@dataclass(frozen=True, slots=True)
class Local:
    """What holds at the site: its settings, and the zone of who has none of their own."""

    settings: AttendanceSettings
    zone: ZoneInfo


@dataclass(frozen=True, slots=True)
class Entered:
    """What came of a sighting: an entry or none, why, and what was expected of whoever came."""

    entry: Entry | None
    why: Why
    shift: ShiftBrief | None = None
    late_minutes: int | None = None

    def event(self, person: Person, camera: Camera, at: datetime) -> NewEvent:
        """That of the entry; only where there is one."""
        assert self.entry is not None
        return entry_event(self.entry, person, camera, at, shift=self.shift, late_minutes=self.late_minutes)


@dataclass(frozen=True, slots=True)
class Before:
    """What an entry's direction and cool-down rest on: what was there before it."""

    last_here: Entry | None  # the person's last entry at the same camera or kiosk
    direction_today: str | None
    first_and_last: bool


async def before(
    session: AsyncSession, person: Person, at: datetime, local: Local, *, camera_ids: Sequence[str],
    kiosk_ids: Sequence[str], terminal_ids: Sequence[str] = (),
) -> Before:  # fmt: skip
    """Of one person at the cameras, kiosks and terminals of one door. Nothing is written."""
    cooldown = timedelta(seconds=local.settings.cooldown_s)
    # A correction tells of something past: what came just after it counts for the cool-down as what came before.
    soon = at + max(cooldown - timedelta(microseconds=1), timedelta())
    last_here = await entries.last_at(session, person.id, camera_ids, kiosk_ids, until=soon, terminal_ids=terminal_ids)
    sheet = (await timesheets.of_one(session, person, at, local.zone.key)).all[0]
    start, _ = working_day(at, sheet.plan, zone_of(sheet.timezone))
    window = window_at(at, sheet.plan)
    last_today = await entries.last_of(session, person.id, since=start, until=at)
    return Before(
        last_here,
        last_today.direction if last_today else None,
        window is not None and window.shift.pairing is Pairing.FIRST_LAST,
    )


async def last_at_door(session: AsyncSession, camera: Camera, person: Person) -> Entry | None:
    """A person's newest entry at a camera or at its kiosks: who has typed a code there is before the camera, too."""
    return await entries.last_at(session, person.id, [camera.id], await kiosks.ids_of_camera(session, camera.id))


async def decision_on(
    session: AsyncSession, camera: Camera, row: Sighting, person: Person, at: datetime, local: Local
) -> Decision:
    """What the rules make of a recognised sighting; nothing is written."""
    doors = await kiosks.ids_of_camera(session, camera.id)
    known = await before(session, person, at, local, camera_ids=[camera.id], kiosk_ids=doors)
    return decide(
        role=camera.role,
        at=at,
        last_at_camera=known.last_here.at if known.last_here else None,
        last_direction_today=known.direction_today,
        cooldown_s=local.settings.cooldown_s,
        passed=cast("Direction | None", row.direction),
        must_pass=areas_of(await zones.of_camera(session, camera.id)).directs,
        first_and_last=known.first_and_last,
    )


async def enter(
    session: AsyncSession, camera: Camera, row: Sighting, person: Person, at: datetime, local: Local
) -> Entered:
    """The entry that a recognised sighting makes, if the rules make one, and why that one or none."""
    decision = await decision_on(session, camera, row, person, at, local)
    if decision.direction is None:
        return Entered(None, decision.why)
    entry = Entry(
        person_id=person.id, at=at, direction=decision.direction, origin="camera", camera_id=camera.id,
        sighting_id=row.id, similarity=row.similarity, margin=row.margin, pack=row.pack, snapshot_key=row.snapshot_key,
        why=decision.why.value,
    )  # fmt: skip
    session.add(entry)
    await session.flush()
    window, late_minutes = await timesheets.expected_of(session, person, entry, local.settings, local.zone.key, at)
    return Entered(entry, decision.why, brief(window), late_minutes)


def brief(window: Window | None) -> ShiftBrief | None:
    """What events and screens say of a shift."""
    if window is None:
        return None
    return ShiftBrief(id=window.shift.id, name=window.shift.name, start=window.starts_at, end=window.ends_at)


def entry_event(
    entry: Entry,
    person: Person,
    camera: Camera | None,
    at: datetime,
    kind: str | None = None,
    *,
    shift: ShiftBrief | None = None,
    late_minutes: int | None = None,
) -> NewEvent:
    """`attendance.checked_in` or `attendance.checked_out`, or the kind that is named."""
    view = EntryPublic.of(entry, person, camera.name if camera else None)
    door = f"kiosks/{entry.kiosk_id}" if entry.kiosk_id else "people"
    door = f"terminals/{entry.terminal_id}" if entry.terminal_id else door
    return NewEvent(
        topic="attendance",
        type=kind or f"attendance.checked_{entry.direction}",
        source=f"cameras/{camera.id}" if camera else door,
        data=view.model_copy(update={"shift": shift, "late_minutes": late_minutes}).as_json(),
        time=at,
    )


async def sighting_event(
    session: AsyncSession, row: Sighting, kind: str, at: datetime, person: Person | None = None
) -> NewEvent:
    if person is None and row.person_id is not None:
        person = await session.get(Person, row.person_id)
    camera = await session.get(Camera, row.camera_id) if row.camera_id else None
    data = SightingPublic.of(row, person, camera.name if camera else None).as_json()
    return NewEvent(topic="sightings", type=kind, source=f"cameras/{row.camera_id}", data=data, time=at)


def kiosk_event(kiosk_id: str, kind: str, camera_id: str | None, data: dict[str, object], at: datetime) -> NewEvent:
    """What a screen shows, and nothing else. Without a camera it comes of what was typed there."""
    source = f"cameras/{camera_id}" if camera_id is not None else f"kiosks/{kiosk_id}"
    return NewEvent(f"kiosks/{kiosk_id}", kind, source, data | {"kioskId": kiosk_id}, at)
