"""Many entries at once, by a job or by the command: only looked at if so asked, each there once at the end."""

import hashlib
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlmodel.ext.asyncio.session import AsyncSession

from server.clock import Clock
from server.errors import Invalid
from server.events.limits import EVERYTHING, Reach
from server.events.schema import NewEvent
from server.jobs.entries_plan import EntriesPlan, EntryLine, moment_of
from server.jobs.people_plan import EXTERNAL, Refusal
from server.jobs.spreadsheet import table
from server.jobs.trail import Trail
from server.jobs.work import Log, Waker
from server.pipeline import amend
from server.pipeline.amend import Terms
from server.pipeline.timesheets import zone_of_person
from server.store import entries, locks, sites
from server.store.audit import SYSTEM, Actor
from server.store.engine import Store
from server.store.people_found import by_external_ids, found_by
from server.store.runtime import RuntimeState
from server.store.tables import Entry, Person

AT_ONCE = 100  # rows in one transaction, so that others come in between
AHEAD = timedelta(minutes=1)  # by as much the clocks of two machines may differ
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)  # what is older was mistyped
REASON = "Imported from a file."
ORIGIN = "import"
COLUMNS = ("kind", "line", "column", "person", "code", "message")
Tell = Callable[[int, int], Awaitable[None]]


@dataclass(slots=True)
class EntriesReport:
    """What came of it, or would: `added` are there by this import, `known` were there before."""

    rows: int = 0
    added: int = 0
    known: int = 0
    locked: int = 0  # of those added: on days that are locked, where they are told as adjustments
    pending: int = 0  # of those added: they wait for a second person
    refused: list[Refusal] = field(default_factory=list)
    warnings: list[Refusal] = field(default_factory=list)

    @property
    def figures(self) -> dict[str, int]:
        return {
            "rows": self.rows, "added": self.added, "known": self.known, "locked": self.locked,
            "pending": self.pending, "refused": len(self.refused),
        }  # fmt: skip

    def as_table(self) -> bytes:
        """A line for each refusal, and for each row that was there already. Call it in a thread."""
        rows = [*(("refused", one) for one in self.refused), *(("known", one) for one in self.warnings)]
        rows.sort(key=lambda row: row[1].line or 0)
        return table([COLUMNS, *((kind, o.line, o.column, o.person, o.code, o.message) for kind, o in rows)])


@dataclass(frozen=True, slots=True)
class _Round:
    """What one import goes by."""

    actor: Actor
    reach: Reach
    begun: datetime  # an entry of ours that is not older was added by this import, whoever began it
    dry: bool
    needs_second: bool
    zones: Mapping[str, str]
    locked_through: date | None
    external: Mapping[tuple[str, str], Sequence[str]]
    seen: set[str] = field(default_factory=set)
    people: dict[tuple[tuple[str, str], ...], str | Invalid] = field(default_factory=dict)


class EntriesImporter:
    """Adds entries as somebody by hand would: with a correction row, an event, and a second person where asked for."""

    def __init__(self, store: Store, log: Log, waker: Waker, trail: Trail, clock: Clock, runtime: RuntimeState) -> None:
        self._store = store
        self._log = log
        self._waker = waker
        self._trail = trail
        self._clock = clock
        self._runtime = runtime

    async def run(
        self, plan: EntriesPlan, tell: Tell, *, begun: datetime, dry: bool = False, actor: Actor = SYSTEM,
        reach: Reach = EVERYTHING, report: EntriesReport | None = None,
    ) -> EntriesReport:  # fmt: skip
        """Goes through the plan; with `dry` it only looks. Begun again, it adds nothing twice; may be cancelled: then
        the `report` that was given says what was done."""
        total = len(plan.rows)
        report = EntriesReport() if report is None else report
        report.rows, report.refused = total + len(plan.refusals), list(plan.refusals)
        elsewhere = any(name.startswith(EXTERNAL) for row in plan.rows for name, _ in row.who)
        async with self._store.read() as session:
            zones, through = await sites.zones(session), await locks.through(session)
            external = await by_external_ids(session) if elsewhere else {}
        second = self._runtime.current.attendance.second_person
        this = _Round(actor, reach, begun, dry, second, zones, through, external)
        for start in range(0, total, AT_ONCE):
            await tell(start, total)
            await self._take(plan.rows[start : start + AT_ONCE], report, this)
        await tell(total, total)
        return report

    async def _take(self, rows: Sequence[EntryLine], report: EntriesReport, this: _Round) -> None:
        """Some rows in one transaction, whose figures count once it is there."""
        made = EntriesReport()
        if this.dry:
            async with self._store.read() as session:
                for row in rows:
                    await self._one(session, row, made, this)
        else:
            events: list[NewEvent] = []
            before = set(this.seen)
            try:
                async with self._store.transaction() as session:
                    for row in rows:
                        events += await self._one(session, row, made, this)
                    stored = await self._log.append(session, events) if events else []
            except BaseException:
                this.seen.clear()
                this.seen.update(before)
                raise
            if stored:
                self._waker.wake(sorted({one.topic for one in stored}))
        report.added += made.added
        report.known += made.known
        report.locked += made.locked
        report.pending += made.pending
        report.refused += made.refused
        report.warnings += made.warnings

    async def _one(
        self, session: AsyncSession, row: EntryLine, report: EntriesReport, this: _Round
    ) -> list[NewEvent]:  # fmt: skip
        now = self._clock.now()
        try:
            person = await _person(session, row, this)
            zone = zone_of_person(person, this.zones, self._runtime.zone.key)
            at = moment_of(row.at, zone)
            if at > now + AHEAD:
                raise Invalid.field("at", "in_the_future", "This time is still to come.")
            if at < EARLIEST:
                raise Invalid.field("at", "too_long_ago", "This time is before the year 2000.")
        except Invalid as error:
            [detail] = error.details
            report.refused.append(Refusal(detail.code, detail.message, row.line, detail.field, person=row.name[:200]))
            return []
        entry_id = entry_id_of(person.id, at, row.direction)
        ours = await session.get(Entry, entry_id)
        known = ours or await entries.same(session, person.id, at, row.direction)
        if entry_id in this.seen or (known is not None and (ours is None or ours.created_at < this.begun)):
            report.known += 1
            said = "This person has an entry at that time in that direction already."
            report.warnings.append(Refusal("entry_exists", said, row.line, "at", person=row.name[:200]))
            return []
        this.seen.add(entry_id)
        report.added += 1
        report.pending += this.needs_second
        report.locked += this.locked_through is not None and at.astimezone(ZoneInfo(zone)).date() <= this.locked_through
        if this.dry or ours is not None:
            return []
        entry = Entry(
            id=entry_id, person_id=person.id, at=at, direction=row.direction, origin=ORIGIN, created_at=now,
            updated_at=now,
        )  # fmt: skip
        terms = Terms(this.actor, row.reason or REASON, now, needs_second=this.needs_second)
        correction = await amend.add(session, entry, terms)
        after = {"person_id": person.id, "at": at.isoformat(), "direction": row.direction}
        await self._trail.record(session, this.actor, "entry.added", "entries", entry_id, after=after)
        return await amend.told(session, entry, correction, now)


def entry_id_of(person_id: str, at: datetime, direction: str) -> str:
    """A UUIDv7 with the time of the entry, and a digest of whose it is, when and which way in place of chance: so what
    was imported once is found again, also where it was corrected or removed meanwhile."""
    said = f"{person_id} {at.astimezone(UTC).isoformat()} {direction}".encode()
    digest = int.from_bytes(hashlib.sha256(said).digest()[:10])
    number = int(at.timestamp() * 1000) << 80 | digest
    number = number & ~(0xF << 76) | 0x7 << 76  # version
    return str(uuid.UUID(int=number & ~(0x3 << 62) | 0x2 << 62))  # variant


async def _person(session: AsyncSession, row: EntryLine, this: _Round) -> Person:
    """Looked for once in a file. Raises Invalid where it is nobody, or not clear who."""
    found = this.people.get(row.who)
    if found is None:
        try:
            found = (await _known(session, row.who, this)).id
        except Invalid as error:
            found = error
        this.people[row.who] = found
    if isinstance(found, Invalid):
        raise found
    person = await session.get(Person, found)
    if person is None:  # removed meanwhile
        raise _nobody(*row.who[0])
    return person


async def _known(session: AsyncSession, who: tuple[tuple[str, str], ...], this: _Round) -> Person:
    """Whom all that the row says means. Raises Invalid with the column."""
    meant: Person | None = None
    for column, said in who:
        if column.startswith(EXTERNAL):
            ids = this.external.get((column.removeprefix(EXTERNAL), said), ())
            found = [one for one in [await session.get(Person, person_id) for person_id in ids[:2]] if one is not None]
        else:
            found = list(await found_by(session, column, said))
        within = [one for one in found if this.reach.has_department(one.department_id)]
        if not within:
            raise _nobody(column, said)
        if len(within) > 1:
            raise Invalid.field(column, "person_not_unique", f"Several people have {column} {said}.")
        if meant is not None and meant.id != within[0].id:
            raise Invalid.field(column, "contradiction", f"{column} {said} is somebody else than {who[0][0]} says.")
        meant = within[0]
    assert meant is not None
    return meant


def _nobody(column: str, said: str) -> Invalid:
    return Invalid.field(column, "person_not_found", f"There is nobody with {column} {said}.")
