"""Sighting changes become rows and events: one transaction each, and what is said is what was stored."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Protocol

import structlog
from sqlmodel.ext.asyncio.session import AsyncSession

from server.clock import Clock
from server.errors import RollcallError
from server.events.schema import NewEvent, StoredEvent
from server.identity.sightings import SightingChange, SightingState
from server.ids import new_id
from server.objects.objects import Objects
from server.pipeline.attend import enter, entry_event, sighting_event
from server.pipeline.correct import correct_sighting
from server.pipeline.evidence import Evidence
from server.store import cameras, entries, kiosks, sightings
from server.store.engine import Store
from server.store.tables import Camera, Entry, Person, Sighting
from server.wire import rfc3339

UNKNOWN_HINT = "step_closer"
ALREADY_HINT = "already_recorded"


class Log(Protocol):
    """Appends inside the caller's transaction."""

    async def append(self, session: AsyncSession, events: Sequence[NewEvent]) -> list[StoredEvent]: ...


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
        cooldown_s: int,
        zone: tzinfo,
        on_lost_picture: Callable[[], None],
    ) -> None:
        self._store = store
        self._log = log
        self._waker = waker
        self._objects = objects
        self._clock = clock
        self._cooldown_s = cooldown_s
        self._zone = zone
        self._on_lost_picture = on_lost_picture

    async def record(
        self, camera_id: str, changes: Sequence[SightingChange], evidence: Mapping[str, Evidence]
    ) -> Recorded:
        """All changes of one frame. `evidence` is by sighting id; what has none keeps the picture it had."""
        if not changes:
            return Recorded([], [])
        keys = {sighting_id: await self._keep(sighting_id, taken) for sighting_id, taken in evidence.items()}
        async with self._store.transaction() as session:
            camera = await cameras.find(session, camera_id)
            if camera is None:  # deleted while this frame was on its way
                return Recorded([], [])
            writer = _Writer(session, camera, self._cooldown_s, self._zone)
            for change in changes:
                await writer.write(change, evidence.get(change.sighting.id), keys.get(change.sighting.id))
            stored = await self._log.append(session, writer.events)
        self._tell(stored)
        return Recorded(stored, writer.entries)

    async def tell(self, events: Sequence[NewEvent]) -> list[StoredEvent]:
        """Events of which nothing else is stored, such as a camera that went offline."""
        async with self._store.transaction() as session:
            stored = await self._log.append(session, events)
        self._tell(stored)
        return stored

    async def append(self, session: AsyncSession, events: Sequence[NewEvent]) -> list[StoredEvent]:
        """Events inside a transaction of the caller's, who calls `wake` with them after it."""
        return await self._log.append(session, events)

    def wake(self, events: Sequence[StoredEvent]) -> None:
        self._tell(events)

    async def correct(self, sighting_id: str, person_id: str | None) -> Sighting:
        """An operator's word on who it was. Returns the changed row."""
        async with self._store.transaction() as session:
            row, events = await correct_sighting(
                session, sighting_id, person_id, at=self._clock.now(), cooldown_s=self._cooldown_s, zone=self._zone
            )
            stored = await self._log.append(session, events)
        self._tell(stored)
        return row

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

    def __init__(self, session: AsyncSession, camera: Camera, cooldown_s: int, zone: tzinfo) -> None:
        self._session = session
        self._camera = camera
        self._cooldown_s = cooldown_s
        self._zone = zone
        self.events: list[NewEvent] = []
        self.entries: list[Entry] = []

    async def write(self, change: SightingChange, taken: Evidence | None, keys: tuple[str, str] | None) -> None:
        row, is_news = await self._upsert(change, taken, keys)
        if change.kind == "extended" or not is_news:
            return
        at = change.sighting.ended_at or change.sighting.last_seen_at
        person = await self._session.get(Person, row.person_id) if row.person_id else None
        self.events.append(await sighting_event(self._session, row, f"sighting.{change.kind}", at, person))
        if change.kind == "recognized" and person is not None:
            await self._attend(row, person, at)
        elif change.kind == "unknown":
            await self._greet("kiosk.unknown", at, {"at": rfc3339(at), "hint": UNKNOWN_HINT})

    async def _upsert(
        self, change: SightingChange, taken: Evidence | None, keys: tuple[str, str] | None
    ) -> tuple[Sighting, bool]:
        """The row, and whether it says something new: what was cut off after its commit is written again."""
        seen = change.sighting
        row = await self._session.get(Sighting, seen.id)
        before = (row.person_id, row.state) if row is not None else None
        if row is None:
            row = Sighting(
                id=seen.id, camera_id=self._camera.id, state=seen.state, started_at=seen.started_at,
                last_seen_at=seen.last_seen_at,
            )  # fmt: skip
        # That it goes on, or ends, does not say anew who it was: an operator may have corrected it since this frame.
        # An unknown that ends in somebody else's sighting is the one that gets its name only then.
        says_who = before is None or change.kind in ("recognized", "unknown")
        named_at_its_end = change.kind == "closed" and row.person_id is None
        erased = seen.person_id is not None and await self._session.get(Person, seen.person_id) is None
        if (says_who or named_at_its_end) and not erased:
            row.person_id = seen.person_id
        row.state, row.last_seen_at, row.ended_at = seen.state, seen.last_seen_at, seen.ended_at
        row.similarity, row.margin, row.threshold = seen.similarity, _lead(seen), seen.threshold
        row.votes, row.pack = seen.votes, seen.pack
        if taken is not None and keys is not None:
            row.box = taken.box
            row.snapshot_key, row.face_key = keys
        self._session.add(row)
        await self._session.flush()
        return row, (row.person_id, row.state) != before

    async def _attend(self, row: Sighting, person: Person, at: datetime) -> None:
        entry = await enter(self._session, self._camera, row, person.id, at, self._cooldown_s, self._zone)
        if entry is not None:
            self.entries.append(entry)
            self.events.append(entry_event(entry, person, self._camera, at))
        shown = entry or await entries.last_of(self._session, person.id, camera_id=self._camera.id)
        if shown is None:  # a camera that only watches
            return
        await self._greet(
            "kiosk.greeting",
            at,
            {
                "name": person.full_name,
                "personId": person.id,
                "direction": shown.direction,
                "at": rfc3339(shown.at),
                "shift": None,
                "hint": None if entry is not None else ALREADY_HINT,
            },
        )

    async def _greet(self, kind: str, at: datetime, what: Mapping[str, object]) -> None:
        for kiosk in await kiosks.of_camera(self._session, self._camera.id):
            shown = dict(what) | {"kioskId": kiosk.id}
            if person_id := shown.pop("personId", None):
                shown["photoUrl"] = f"/api/v1/kiosks/{kiosk.id}/portraits/{person_id}.jpg"
            self.events.append(
                NewEvent(
                    topic=f"kiosks/{kiosk.id}", type=kind, source=f"cameras/{self._camera.id}", data=shown, time=at
                )
            )


def _lead(seen: SightingState) -> float | None:
    """The margin to the second best person; None where the gallery has no second (there it is similarity + 1)."""
    if seen.similarity is None or seen.margin is None or seen.margin >= seen.similarity + 0.99:
        return None
    return seen.margin
