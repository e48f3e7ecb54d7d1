"""Days as a file: what somebody asked for, made a few people at a time, at once or as a job."""

import asyncio
import tempfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import BinaryIO

from pydantic import Field

from server.clock import Clock
from server.errors import Forbidden, Invalid
from server.events.limits import Reach
from server.jobs.audit_export import FOLDER
from server.jobs.day_columns import Names
from server.jobs.days_file import Format, opened
from server.jobs.days_workbook import About
from server.jobs.kinds import Kind, Outcome, Work
from server.objects.objects import Objects
from server.pipeline.day_rows import DayPublic
from server.pipeline.days_in_turn import Wanted, in_turn, whose
from server.store import departments, locks, sites, users
from server.store.engine import Store
from server.store.runtime import RuntimeState
from server.store.tables import Person
from server.wire import Wire

NAME = "attendance-export"
PERMISSION = "attendance:read"
LIMIT_S = 3600.0
MOST_DAYS = 500_000
MOST_BYTES = 100_000_000

Told = Callable[[int, int], Awaitable[None]]


class Asked(Wire):
    """What is asked for. Within which departments, says who asked; null: all of them."""

    format: Format = "csv"
    first: date
    last: date
    person_id: str | None = None
    department_id: str | None = None
    site_id: str | None = None
    departments: list[str] | None = Field(None)

    @property
    def wanted(self) -> Wanted:
        return Wanted(self.first, self.last, self.person_id, self.department_id, self.site_id)

    @property
    def reach(self) -> Reach:
        return Reach(departments=None if self.departments is None else frozenset(self.departments))


@dataclass(frozen=True, slots=True)
class DaysExport:
    """Writes files of days, from what the store and the settings say now."""

    store: Store
    runtime: RuntimeState
    clock: Clock

    async def people(self, asked: Asked, most_days: int, otherwise: str) -> Sequence[Person]:
        """Whose days these are. Raises Invalid (too_many), with what to do `otherwise`."""
        async with self.store.read() as session:
            found = await whose(session, asked.wanted, asked.reach)
        if len(found) * asked.wanted.dates > most_days:
            raise Invalid.field("from", "too_many", f"These are more than {most_days:,} days. {otherwise}")
        return found

    async def write(
        self, file: BinaryIO, asked: Asked, who: Sequence[Person], told: Told,
        chosen: Callable[[DayPublic], bool] | None = None,
    ) -> int:  # fmt: skip
        """How many rows there are. `told` hears how many days are done, and of how many; `chosen` is asked of each day
        whether it is written."""
        wanted, zone, now = asked.wanted, self.runtime.zone, self.clock.now()
        async with self.store.read() as session:
            known = await departments.names(session)
            names = Names({key: name for key, name in known.items() if asked.reach.has_department(key)},
                          await sites.names(session))  # fmt: skip
            through = await locks.through(session)
        about = About(asked.first, asked.last, zone.key, now.astimezone(zone), through, who, names)
        rows, done = 0, 0
        with opened(asked.format, file, about) as written:
            async for some in in_turn(
                self.store, who, wanted, zone.key, self.runtime.current.attendance, now
            ):  # fmt: skip
                done += len(some) * wanted.dates
                if chosen is not None:
                    some = [(person, kept) for person, days in some if (kept := [one for one in days if chosen(one)])]
                await asyncio.to_thread(written.add, some)
                rows += sum(len(days) for _, days in some)
                await told(done, len(who) * wanted.dates)
            await asyncio.to_thread(written.finish)
        return rows


def days_export(
    objects: Objects, export: DaysExport, *, most_days: int = MOST_DAYS, most_bytes: int = MOST_BYTES
) -> Kind:
    """The kind. Whoever asked must still be allowed to when it is made, and within the limits that hold by then."""

    async def do(work: Work) -> Outcome:
        asked = await _still_allowed(export.store, work)
        who = await export.people(asked, most_days, "Choose fewer dates or people, or several files.")
        key = await work.result_key(FOLDER, asked.format)
        with tempfile.TemporaryFile() as file:  # without a name: it is gone with the process, however that ends
            rows = await export.write(file, asked, who, work.progress)
            size = await asyncio.to_thread(file.seek, 0, 2)
            if size > most_bytes:
                raise Invalid.field(
                    "to", "too_much", f"The file has more than {most_bytes // 1_000_000} MB. Choose fewer dates."
                )
            await asyncio.to_thread(file.seek, 0)
            await objects.put(key, await asyncio.to_thread(file.read))
        return Outcome({"rows": rows, "people": len(who), "bytes": size})

    return Kind(NAME, do, limit_s=LIMIT_S, permission=PERMISSION, open_at_once=2, departments=_reach_of)


def _reach_of(arguments: Mapping[str, object]) -> Reach:
    return Asked.model_validate(arguments).reach


async def _still_allowed(store: Store, work: Work) -> Asked:
    """Raises Forbidden."""
    asked = Asked.model_validate(work.arguments)
    if work.asked_by is None:
        return asked
    return await allowed(store, asked, work.asked_by)


async def allowed(store: Store, asked: Asked, user_id: str) -> Asked:
    """The same, within what that user may see now. Raises Forbidden."""
    async with store.read() as session:
        account = await users.find(session, user_id)
    if account is None or not account.user.active or PERMISSION not in account.role.permissions:
        raise Forbidden("Whoever asked for this may not see days any more.")
    limits = account.user.department_ids
    if limits is None:
        return asked
    made = limits if asked.departments is None else [one for one in asked.departments if one in limits]
    return asked.model_copy(update={"departments": made})
