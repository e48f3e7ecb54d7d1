"""Who is in: whoever has come today and not left, and whoever came before midnight and is still at work."""

import asyncio
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from sqlmodel.ext.asyncio.session import AsyncSession

from server.attendance.day import Mark
from server.pipeline import timesheets
from server.store import entries
from server.store.runtime import AttendanceSettings
from server.store.tables import Entry, Person


async def still_in(
    session: AsyncSession, midnight: datetime, now: datetime, settings: AttendanceSettings, zone: str
) -> Collection[str]:
    """Check-ins from before midnight whose working day is not over: a night shift, or somebody who stayed on.

    One without a check-out ends by the same rules as on the sheet of the days.
    """
    return await _running(session, await entries.open_before(session, midnight), now, settings, zone)


async def is_still_in(
    session: AsyncSession, entry: Entry, person: Person, now: datetime, settings: AttendanceSettings, zone: str
) -> bool:
    """The same of one person, whose newest entry is this check-in from before midnight."""
    return entry.id in await _running(session, [(entry, person)], now, settings, zone)


async def _running(
    session: AsyncSession, left_open: Sequence[tuple[Entry, Person]], now: datetime, settings: AttendanceSettings,
    zone: str,
) -> Collection[str]:  # fmt: skip
    if not left_open:
        return ()
    first = min(entry.at for entry, _ in left_open).date() - timedelta(days=1)
    people = [person for _, person in left_open]
    sheets = await timesheets.load(session, people, first, now.date() + timedelta(days=1), zone)
    days = await asyncio.to_thread(sheets.days, settings, now)
    running = {entry_id for day in days if Mark.RUNNING in day.marks for entry_id in day.entries}
    return [entry.id for entry, _ in left_open if entry.id in running]
