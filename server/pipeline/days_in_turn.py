"""The days of many people in turn, some people at a time, so that a month of everybody is never in memory at once."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby

from sqlmodel.ext.asyncio.session import AsyncSession

from server.events.limits import Reach
from server.pipeline import day_rows
from server.pipeline.day_rows import DayPublic
from server.store import people
from server.store.engine import Store
from server.store.runtime import AttendanceSettings
from server.store.tables import Person

AT_ONCE = 50  # people

DaysOf = tuple[Person, list[DayPublic]]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whose days, and from which date to which; both count."""

    first: date
    last: date
    person_id: str | None = None
    department_id: str | None = None
    site_id: str | None = None

    @property
    def dates(self) -> int:
        return (self.last - self.first).days + 1


async def whose(session: AsyncSession, wanted: Wanted, reach: Reach) -> Sequence[Person]:
    """The people, by name. A working day may begin and end on other dates of UTC than its own."""
    return await people.at_work(
        session, wanted.first - timedelta(days=1), wanted.last + timedelta(days=2), reach,
        person_id=wanted.person_id, department_id=wanted.department_id, site_id=wanted.site_id,
    )  # fmt: skip


async def in_turn(
    store: Store, who: Sequence[Person], wanted: Wanted, zone: str, settings: AttendanceSettings, now: datetime
) -> AsyncIterator[list[DaysOf]]:
    """Of some people after the others, each with their days by date. `zone` is that of people without a site."""
    for at in range(0, len(who), AT_ONCE):
        some = who[at : at + AT_ONCE]
        async with store.read() as session:
            loaded = await day_rows.load(session, some, wanted.first, wanted.last, zone)
            days = await asyncio.to_thread(day_rows.shown, *loaded, settings, now)
        by_person = {person_id: list(found) for person_id, found in groupby(days, lambda day: day.person_id)}
        yield [(person, by_person.get(person.id, [])) for person in some]
