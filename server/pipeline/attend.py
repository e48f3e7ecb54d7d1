"""What a sighting makes: the attendance entry that the rules allow, and the events that tell of both."""

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
from server.store import entries, zones
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


async def decision_on(
    session: AsyncSession, camera: Camera, row: Sighting, person: Person, at: datetime, local: Local
) -> Decision:
    """What the rules make of a recognised sighting; nothing is written."""
    cooldown = timedelta(seconds=local.settings.cooldown_s)
    # A correction tells of something past: what came just after it counts for the cool-down as what came before.
    soon = at + max(cooldown - timedelta(microseconds=1), timedelta())
    last_here = await entries.last_of(session, person.id, camera_id=camera.id, until=soon)
    sheet = (await timesheets.of_one(session, person, at, local.zone.key)).all[0]
    start, _ = working_day(at, sheet.plan, zone_of(sheet.timezone))
    window = window_at(at, sheet.plan)
    last_today = await entries.last_of(session, person.id, since=start, until=at)
    return decide(
        role=camera.role,
        at=at,
        last_at_camera=last_here.at if last_here else None,
        last_direction_today=last_today.direction if last_today else None,
        cooldown_s=local.settings.cooldown_s,
        passed=cast("Direction | None", row.direction),
        must_pass=areas_of(await zones.of_camera(session, camera.id)).directs,
        first_and_last=window is not None and window.shift.pairing is Pairing.FIRST_LAST,
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
    return NewEvent(
        topic="attendance",
        type=kind or f"attendance.checked_{entry.direction}",
        source=f"cameras/{camera.id}" if camera else "people",
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


def kiosk_event(kiosk_id: str, kind: str, camera_id: str, data: dict[str, object], at: datetime) -> NewEvent:
    """What a screen shows, and nothing else."""
    return NewEvent(f"kiosks/{kiosk_id}", kind, f"cameras/{camera_id}", data | {"kioskId": kiosk_id}, at)
