"""Sighting changes become rows and events: one transaction each, and what is said is what was stored."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import structlog
from sqlmodel.ext.asyncio.session import AsyncSession

from server.attendance.rules import Why
from server.clock import Clock
from server.errors import RollcallError
from server.events.limits import CAMERA
from server.events.schema import NewEvent, StoredEvent
from server.identity.sightings import Face, SightingChange
from server.ids import new_id
from server.objects.objects import Objects
from server.pipeline.admission import (
    DOUBTFUL,
    FAKE_HINT,
    REFUSED,
    TURN_HINT,
    Alarm,
    Policy,
    alarm,
    awaits_proof,
    is_fake,
    is_refused,
    policy_of,
    reason_of,
    refused_event,
)
from server.pipeline.attend import Local, decision_on, enter, kiosk_event, last_at_door, sighting_event
from server.pipeline.correct import correct_sighting
from server.pipeline.evidence import Evidence, KeptEvidence
from server.pipeline.sighting_rows import as_people_are, write_row
from server.store import alerts, cameras, entries, kiosks, sightings
from server.store.audit import SYSTEM, Actor
from server.store.engine import Store
from server.store.runtime import RuntimeState
from server.store.tables import Camera, Entry, Person, Sighting
from server.store.writes import locked_in_order
from server.wire import rfc3339

UNKNOWN_HINT = "step_closer"
ALREADY_HINT = "already_recorded"

Around = Callable[[AsyncSession], AbstractAsyncContextManager[object]]
AroundMany = Callable[[AsyncSession], AbstractAsyncContextManager[Sequence[str]]]


class Log(Protocol):
    """Appends inside the caller's transaction."""

    async def append(self, session: AsyncSession, events: Sequence[NewEvent]) -> list[StoredEvent]: ...


class Grouping(Protocol):
    """Where an unknown goes that has closed."""

    async def keep(self, session: AsyncSession, row: Sighting, face: Face) -> str | None: ...


class Waker(Protocol):
    """Is told which topics have more."""

    def wake(self, topics: Sequence[str]) -> None: ...


@dataclass(frozen=True, slots=True)
class Recorded:
    """What one transaction has written."""

    events: list[StoredEvent]
    entries: list[Entry]


class Recorder:
    """Writes sightings, entries and their events."""

    def __init__(
        self,
        store: Store,
        log: Log,
        waker: Waker,
        objects: Objects,
        clock: Clock,
        *,
        runtime: RuntimeState,
        liveness: Policy = "off",
        on_lost_picture: Callable[[], None],
        grouping: Grouping | None = None,
    ) -> None:
        self._store = store
        self._log = log
        self._waker = waker
        self._objects = objects
        self._clock = clock
        self._runtime = runtime
        self._liveness = liveness
        self._on_lost_picture = on_lost_picture
        self._grouping = grouping

    async def keep(self, evidence: Mapping[str, Evidence]) -> dict[str, KeptEvidence]:
        """Stores the pictures of sightings, by whose ids they are."""
        return {
            sighting_id: KeptEvidence(taken.box, await self._keep(sighting_id, taken))
            for sighting_id, taken in evidence.items()
        }

    async def record(
        self, camera_id: str, changes: Sequence[SightingChange], evidence: Mapping[str, Evidence | KeptEvidence]
    ) -> Recorded:
        """All changes of one frame. `evidence` is by sighting id; what has none keeps the picture it had. Whoever may
        have to ask again stores the pictures before, once."""
        if not changes:
            return Recorded([], [])
        kept = {key: taken for key, taken in evidence.items() if isinstance(taken, KeptEvidence)}
        kept |= await self.keep({key: taken for key, taken in evidence.items() if isinstance(taken, Evidence)})
        async with self._store.transaction() as session:
            camera = await cameras.find(session, camera_id)
            if camera is None:  # deleted while this frame was on its way
                return Recorded([], [])
            changes = await as_people_are(session, changes)
            writer = _Writer(session, camera, self._local, policy_of(camera, self._liveness))
            for change in changes:
                row = await writer.write(change, kept.get(change.sighting.id))
                if self._grouping is not None and change.face is not None and row.person_id is None:
                    await self._grouping.keep(session, row, change.face)
            stored = await self._log.append(session, writer.events)
            for one in writer.alarms:
                stored += await alerts.raise_alert(
                    session, self._log, kind=one.kind, severity=one.severity, subject=f"{CAMERA}{camera_id}",
                    message=one.message, at=self._clock.now(), sighting_id=one.sighting.id,
                )  # fmt: skip
            await self._remove(writer.erased)  # before the commit: cut off here, it is done again
        self._tell(stored)
        return Recorded(stored, writer.entries)

    async def tell(self, events: Sequence[NewEvent]) -> list[StoredEvent]:
        """Events of which nothing else is stored, such as a camera that went offline."""
        async with self._store.transaction() as session:
            stored = await self._log.append(session, events)
        self._tell(stored)
        return stored

    async def has_kiosks(self, camera_id: str) -> bool:
        async with self._store.read() as session:
            return bool(await kiosks.greeting_at(session, camera_id))

    async def tell_kiosks(self, camera_id: str, data: dict[str, object], at: datetime) -> None:
        """What somebody before this camera is asked to do."""
        async with self._store.transaction() as session:
            shown = [
                kiosk_event(one.id, "kiosk.challenge", camera_id, data, at)
                for one in await kiosks.greeting_at(session, camera_id)
            ]
            stored = await self._log.append(session, shown)
        self._tell(stored)

    async def append(self, session: AsyncSession, events: Sequence[NewEvent]) -> list[StoredEvent]:
        """Events inside a transaction of the caller's, who calls `wake` with them after it."""
        return await self._log.append(session, events)

    def wake(self, events: Sequence[StoredEvent]) -> None:
        self._tell(events)

    async def correct(
        self, sighting_id: str, person_id: str | None, around: Around = nullcontext, *, by: Actor = SYSTEM
    ) -> Sighting:
        """An operator's word on who it was. Returns the changed row.

        `around` is entered in the transaction, to check what is there before and to note what is there then.
        """
        async with self._store.transaction() as session:
            async with around(session):
                row, events = await self._correct(session, sighting_id, person_id, by)
            stored = await self._log.append(session, events)
        self._tell(stored)
        return row

    async def correct_all(self, person_id: str, around: AroundMany, *, by: Actor = SYSTEM) -> list[Sighting]:
        """An operator's word on several at once, all or none. `around` says which, oldest first."""
        rows: list[Sighting] = []
        told: list[NewEvent] = []
        async with self._store.transaction() as session:
            await locked_in_order(session, Person, person_id)
            async with around(session) as sighting_ids:
                for sighting_id in sighting_ids:
                    row, events = await self._correct(session, sighting_id, person_id, by)
                    rows.append(row)
                    told += events
            stored = await self._log.append(session, told)
        self._tell(stored)
        return rows

    async def _correct(
        self, session: AsyncSession, sighting_id: str, person_id: str | None, by: Actor
    ) -> tuple[Sighting, list[NewEvent]]:
        return await correct_sighting(
            session,
            sighting_id,
            person_id,
            by=by,
            at=self._clock.now(),
            local=self._local,
        )

    @property
    def _local(self) -> Local:
        return Local(self._runtime.current.attendance, self._runtime.zone)

    async def close_left_open(self) -> int:
        """Sightings that a crash has left open end when they were last seen."""
        async with self._store.transaction() as session:
            left = await sightings.open_ones(session)
            told = []
            for row in left:
                row.state, row.ended_at = "closed", row.last_seen_at
                session.add(row)
                await session.flush()
                told.append(await sighting_event(session, row, "sighting.closed", self._clock.now()))
            stored = await self._log.append(session, told)
        self._tell(stored)
        return len(left)

    def _tell(self, stored: Sequence[StoredEvent]) -> None:
        if stored:
            self._waker.wake(sorted({event.topic for event in stored}))

    async def _remove(self, keys: Sequence[str]) -> None:
        try:
            if keys:
                await self._objects.delete(*keys)
        except (OSError, RollcallError) as error:
            structlog.get_logger(__name__).error("erased_not_removed", objects=keys, reason=str(error))

    async def _keep(self, sighting_id: str, taken: Evidence) -> tuple[str, str] | None:
        """Stores the two pictures. A full disk loses a picture, never the check-in."""
        now = self._clock.now()
        # A sighting that becomes known later keeps both moments: the key is of the moment, not of the sighting.
        stem = f"sightings/{now:%Y/%m/%d}/{sighting_id}-{new_id()[-12:]}"
        try:
            await self._objects.put(f"{stem}.jpg", taken.frame)
            await self._objects.put(f"{stem}-face.jpg", taken.face)
        except (OSError, RollcallError) as error:
            self._on_lost_picture()
            structlog.get_logger(__name__).error("snapshot_not_stored", sighting=sighting_id, reason=str(error))
            return None
        return f"{stem}.jpg", f"{stem}-face.jpg"


class _Writer:
    """The rows and events of one transaction, for one camera."""

    def __init__(self, session: AsyncSession, camera: Camera, local: Local, policy: Policy = "off") -> None:
        self._session = session
        self._camera = camera
        self._local = local
        self._policy = policy
        self.events: list[NewEvent] = []
        self.alarms: list[Alarm] = []
        self.entries: list[Entry] = []
        self.erased: list[str] = []

    async def write(self, change: SightingChange, kept: KeptEvidence | None) -> Sighting:
        written = await write_row(self._session, self._camera, change, kept)
        row = written.row
        self.erased += written.erased
        if change.kind == "extended" or not written.is_news:
            return row
        at = change.sighting.ended_at or change.sighting.last_seen_at
        person = await self._session.get(Person, row.person_id) if row.person_id else None
        if change.kind in ("judged", "closed") and person is not None:
            await self._judge(row, person, at, over=change.kind == "closed")
        if change.kind not in ("crossed", "judged"):  # of these, the entry or its refusal tells
            self.events.append(await sighting_event(self._session, row, f"sighting.{change.kind}", at, person))
        if change.kind in ("recognized", "crossed") and person is not None:
            await self._attend(row, person, at)
        elif change.kind == "unknown":
            await self._greet("kiosk.unknown", at, {"at": rfc3339(at), "hint": UNKNOWN_HINT})
        return row

    async def _judge(self, row: Sighting, person: Person, at: datetime, *, over: bool) -> None:
        """It is known, or at its end still not known, whether the face of a sighting lives."""
        made = await entries.of_sighting(self._session, row.id)
        if made and is_fake(row) and not over:
            self.alarms.append(alarm(DOUBTFUL, row, self._camera))
        elif not made and self._policy == "refuse" and not over:
            await self._attend(row, person, at)
        elif (
            not made and awaits_proof(self._policy, row) and row.refusal is None and await self._would(row, person, at)
        ):
            self._refuse(row, person, at)
            if is_fake(row):
                self.alarms.append(alarm(REFUSED, row, self._camera))

    async def _would(self, row: Sighting, person: Person, at: datetime) -> bool:
        """Whether the rules make an entry of it, if it lives."""
        decision = await decision_on(self._session, self._camera, row, person, at, self._local)
        return decision.direction is not None

    async def _hold_back(self, row: Sighting, person: Person, at: datetime) -> None:
        if not is_refused(row):
            await self._greet("kiosk.challenge", at, {"at": rfc3339(at), "hint": TURN_HINT})
        elif row.refusal is None:
            self._refuse(row, person, at)
            self.alarms.append(alarm(REFUSED, row, self._camera))
            if is_fake(row):  # who failed at the kiosk was told there what to do
                await self._greet("kiosk.unknown", at, {"at": rfc3339(at), "hint": FAKE_HINT})

    def _refuse(self, row: Sighting, person: Person, at: datetime) -> None:
        reason = row.refusal = reason_of(row)
        self._session.add(row)
        self.events.append(refused_event(row, person, self._camera, reason, at))

    async def _attend(self, row: Sighting, person: Person, at: datetime) -> None:
        if awaits_proof(self._policy, row) and await self._would(row, person, at):
            await self._hold_back(row, person, at)
            return
        entered = await enter(self._session, self._camera, row, person, at, self._local)
        entry = entered.entry
        if entry is not None:
            row.refusal = None  # it was refused before it turned
            self.entries.append(entry)
            self.events.append(entered.event(person, self._camera, at))
        if entry is None and entered.why is not Why.COOLDOWN:  # a camera that only watches, or nobody has passed
            return
        shown = entry or await last_at_door(self._session, self._camera, person)
        if shown is None:  # withdrawn meanwhile
            return
        await self._greet(
            "kiosk.greeting",
            at,
            {
                "name": person.full_name,
                "personId": person.id,
                "direction": shown.direction,
                "at": rfc3339(shown.at),
                "shift": entered.shift.as_json() | {"lateMinutes": entered.late_minutes} if entered.shift else None,
                "hint": None if entry is not None else ALREADY_HINT,
            },
        )

    async def _greet(self, kind: str, at: datetime, what: Mapping[str, object]) -> None:
        for kiosk in await kiosks.greeting_at(self._session, self._camera.id):
            shown = dict(what)
            if person_id := shown.pop("personId", None):
                shown["photoUrl"] = f"/api/v1/kiosks/{kiosk.id}/portraits/{person_id}.jpg"
            self.events.append(kiosk_event(kiosk.id, kind, self._camera.id, shown, at))
