"""Lines of terminals of other makers become entries: each once, in the order of time, with its event in the same
transaction."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import islice
from typing import Protocol
from zoneinfo import ZoneInfo

from sqlmodel.ext.asyncio.session import AsyncSession

from server.attendance.punches import Punch, direction_of, moment_of, place_of
from server.attendance.rules import CameraRole, Direction, Why, decide
from server.clock import Clock
from server.errors import Conflict
from server.events.schema import NewEvent, StoredEvent
from server.pipeline import timesheets
from server.pipeline.attend import Local, before, brief, entry_event
from server.store import alerts, entries, terminals
from server.store.engine import Store
from server.store.runtime import RuntimeState
from server.store.tables import Entry, Person, Terminal, TerminalLine
from server.store.writes import locked, touch

ORIGIN = "terminal"
CLOCK_ALERT = "terminal_clock"
BY_STATUS = "status"  # a terminal's role: what it says itself
AT_ONCE = 50  # lines in one transaction
LOOKED_UP = 900  # in one statement: SQLite of old takes no more than 999 values
MOST_NEW = 500  # lines of one request; the terminal sends the rest again
CLOCK_WRONG = ("in_the_future", "too_long_ago")


class Log(Protocol):
    """Appends inside the caller's transaction."""

    async def append(self, session: AsyncSession, events: Sequence[NewEvent]) -> list[StoredEvent]: ...


class TerminalLines:
    """Keeps lines, and makes entries of those whose people are known."""

    def __init__(
        self, store: Store, log: Log, wake: Callable[[Sequence[StoredEvent]], None], clock: Clock,
        runtime: RuntimeState,
    ) -> None:  # fmt: skip
        self._store = store
        self._log = log
        self._wake = wake
        self._clock = clock
        self._runtime = runtime

    async def take(self, terminal_id: str, punches: Sequence[Punch]) -> bool:
        """Keeps all that are new, the oldest some hundreds at most; whether that was all of them."""
        by_digest = await asyncio.to_thread(_in_order, punches)
        new = list[str]()
        for some in _chunks(list(by_digest), LOOKED_UP):
            async with self._store.read() as session:
                known = await terminals.known_digests(session, terminal_id, some)
            new += [digest for digest in some if digest not in known]
            if len(new) > MOST_NEW:
                break
        for some in _chunks(new[:MOST_NEW], AT_ONCE):
            await self._keep(terminal_id, {digest: by_digest[digest] for digest in some})
        return len(new) <= MOST_NEW

    async def enter_waiting(self) -> int:
        """Lines whose people have come since they were sent; how many became entries."""
        entered = 0
        async with self._store.read() as session:
            pins = await terminals.waiting_pins(session)
        for pin in pins:
            after: tuple[datetime, str] | None = None
            while True:
                async with self._store.read() as session:
                    found = await terminals.waiting(session, pin, after, AT_ONCE)
                entered += await self._enter_waiting(pin, [line_id for line_id, _ in found])
                if len(found) < AT_ONCE:
                    break
                line_id, at = found[-1]
                after = (at, line_id)
        return entered

    async def assign(self, session: AsyncSession, line: TerminalLine, person_id: str) -> list[NewEvent]:
        """An operator's word on whose a line is, which they have locked. Raises Conflict for one that does not wait."""
        if line.state != terminals.WAITING or line.at is None:
            raise Conflict("This line does not wait for anybody.", code="line_not_waiting")
        person = await locked(session, Person, person_id)
        terminal = await session.get_one(Terminal, line.terminal_id)
        assert person is not None  # the caller has looked
        event = await self._enter(session, terminal, line, person)
        touch(line)
        await session.flush()
        return [event] if event is not None else []

    async def _keep(self, terminal_id: str, punches: dict[str, Punch]) -> None:
        async with self._store.transaction() as session:
            terminal = await terminals.TERMINALS.lock(session, terminal_id)
            known = await terminals.known_digests(session, terminal_id, list(punches))  # by whoever was faster
            zone = ZoneInfo(await terminals.zone_of(session, terminal, self._runtime.zone.key))
            pins = {punch.pin for punch in punches.values() if punch.pin}
            people = await terminals.people_of(session, pins)
            for person_id in sorted({one.id for several in people.values() for one in several}):
                await locked(session, Person, person_id)  # in one order, so that two terminals wait for each other
            events, wrong = [], None
            for digest, punch in punches.items():
                if digest in known:
                    continue
                line, event = await self._line(session, terminal, digest, punch, people.get(punch.pin, ()), zone)
                events += [event] if event is not None else []
                wrong = line if line.reason in CLOCK_WRONG else wrong
            stored = await self._log.append(session, events)
            stored += await self._tell_of_clock(session, terminal, wrong)
        self._wake(stored)

    async def _line(
        self, session: AsyncSession, terminal: Terminal, digest: str, punch: Punch, people: Sequence[Person],
        zone: ZoneInfo,
    ) -> tuple[TerminalLine, NewEvent | None]:  # fmt: skip
        found = moment_of(punch.local_time, zone, self._clock.now()) if punch.understood else "not_understood"
        line = TerminalLine(
            terminal_id=terminal.id, digest=digest, at=found if isinstance(found, datetime) else None,
            state=terminals.WAITING, created_at=self._clock.now(), updated_at=self._clock.now(), **punch._asdict(),
        )  # fmt: skip
        session.add(line)
        if isinstance(found, str):
            line.state, line.reason = "refused", found
        elif not people:
            line.reason = "no_such_pin"
        elif len(people) > 1:
            line.reason = "several_people"
        elif not people[0].active:
            line.reason = "person_inactive"
        else:
            await session.flush()
            return line, await self._enter(session, terminal, line, people[0])
        await session.flush()
        return line, None

    async def _enter(
        self, session: AsyncSession, terminal: Terminal, line: TerminalLine, person: Person
    ) -> NewEvent | None:
        """The entry of a line, or that there is one already. The person is locked."""
        assert line.at is not None
        local, now = Local(self._runtime.current.attendance, self._runtime.zone), self._clock.now()
        line.person_id = person.id
        if (known := await self._known(session, terminal, line, person, line.at, local)) is not None:
            line.state, line.reason = "duplicate", "entry_exists" if known.device_at == line.at else "cooldown"
            line.entry_id = known.id
            return None
        direction, why, near = await self._decided(session, terminal, line, person, line.at, local)
        same = near or (await entries.same(session, person.id, line.at, direction) if direction else None)
        if direction is None or same is not None:
            line.state, line.reason = "duplicate", "cooldown" if near is not None else "entry_exists"
            line.entry_id = same.id if same is not None else None
            return None
        entry = await entries.add(
            session,
            Entry(
                person_id=person.id, at=line.at, direction=direction, origin=ORIGIN, terminal_id=terminal.id,
                why=why.value, device_at=line.at,
            ),
        )  # fmt: skip
        line.state, line.reason, line.entry_id = "entered", "", entry.id
        window, late = await timesheets.expected_of(session, person, entry, local.settings, local.zone.key, now)
        return entry_event(entry, person, None, now, shift=brief(window), late_minutes=late)

    async def _known(
        self, session: AsyncSession, terminal: Terminal, line: TerminalLine, person: Person, at: datetime, local: Local
    ) -> Entry | None:
        """What this line has made before: a terminal that was removed and is registered again sends all once more, and
        by then its entries say of no terminal, and may have been corrected or removed."""
        within = timedelta(seconds=local.settings.cooldown_s)
        there = await entries.of_lines(session, person.id, at, within)
        way = direction_of(line.status) if terminal.role == BY_STATUS else terminal.role
        for entry in there:
            if entry.device_at == at:
                return entry
        for entry in there:
            edited = entry.state != entries.VALID or entry.original is not None
            if entry.terminal_id is None and (edited or way not in ("in", "out") or way == entry.direction):
                return entry
        return None

    async def _decided(
        self, session: AsyncSession, terminal: Terminal, line: TerminalLine, person: Person, at: datetime, local: Local
    ) -> tuple[Direction | None, Why, Entry | None]:
        """Which direction, what told it, and the entry that says the same already within the cool-down."""
        said = direction_of(line.status) if terminal.role == BY_STATUS else None
        if said is not None:
            # Who goes for a break and comes back at once has said so by a key: only the same again is the same.
            within = timedelta(seconds=local.settings.cooldown_s)
            return said, Why.STATUS, await entries.near(session, person.id, terminal.id, said, at, within)
        known = await before(session, person, at, local, camera_ids=[], kiosk_ids=[], terminal_ids=[terminal.id])
        decision = decide(
            role=CameraRole.BOTH if terminal.role == BY_STATUS else terminal.role,
            at=at,
            last_at_camera=known.last_here.at if known.last_here else None,
            last_direction_today=known.direction_today,
            cooldown_s=local.settings.cooldown_s,
            first_and_last=known.first_and_last,
        )
        return decision.direction, decision.why, known.last_here if decision.direction is None else None

    async def _enter_waiting(self, pin: str, line_ids: Sequence[str]) -> int:
        if not line_ids:
            return 0
        async with self._store.transaction() as session:
            people = (await terminals.people_of(session, [pin])).get(pin, ())
            person = await locked(session, Person, people[0].id) if len(people) == 1 else None
            if person is None or not person.active:
                return 0
            events = []
            for line_id in line_ids:
                line = await locked(session, TerminalLine, line_id)
                if line is None or line.state != terminals.WAITING or line.at is None:
                    continue  # by somebody else, meanwhile
                terminal = await session.get_one(Terminal, line.terminal_id)
                event = await self._enter(session, terminal, line, person)
                touch(line)
                await session.flush()
                events += [event] if event is not None else []
            stored = await self._log.append(session, events)
        self._wake(stored)
        return len(events)

    async def _tell_of_clock(
        self, session: AsyncSession, terminal: Terminal, wrong: TerminalLine | None
    ) -> list[StoredEvent]:
        subject, now = f"terminals/{terminal.id}", self._clock.now()
        if wrong is None:
            return await alerts.clear_alert(session, self._log, CLOCK_ALERT, subject, now)
        said = f"The clock of terminal {terminal.name} is wrong: it says {wrong.local_time}. No entry was made of it."
        return await alerts.raise_alert(
            session, self._log, kind=CLOCK_ALERT, severity="warning", subject=subject, message=said, at=now
        )


def digest_of(punch: Punch) -> str:
    """The same for a line that is sent again."""
    said = (punch.pin, punch.local_time, punch.status) if punch.understood else (punch.text,)
    return sha256("\0".join(said).encode()).hexdigest()


def _in_order(punches: Sequence[Punch]) -> dict[str, Punch]:
    """Each once, by its digest, in the order of time."""
    return {digest_of(punch): punch for punch in sorted(punches, key=lambda punch: place_of(punch.local_time))}


def _chunks(digests: Sequence[str], size: int) -> Iterator[list[str]]:
    rest = iter(digests)
    while some := list(islice(rest, size)):
        yield some
