"""What one camera has decided and the database has not taken yet: in order, bounded, tried until it is written."""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

import structlog

from server.clock import Clock
from server.identity.sightings import SightingChange
from server.pipeline.evidence import Evidence, KeptEvidence
from server.pipeline.in_order import InOrder
from server.pipeline.record import Recorded
from server.store.away import fails_for_all, is_in_the_way, is_the_requests
from server.supervise import Backoff

MOST = 1000  # for an hour of a busy door
PATIENCE_S = 1.0
PROGRESS_S, CAUGHT_UP_S = 3.0, 30.0
TRIES = 5  # of what fails by itself: it would be in the way of all that follows
STANDS_ASIDE = 30  # tries in a minute, of what fails though others may succeed: it no longer holds up other cameras


class Writing(Protocol):
    """Stores what a camera has decided."""

    async def keep(self, evidence: Mapping[str, Evidence]) -> dict[str, KeptEvidence]: ...

    async def record(
        self, camera_id: str, changes: Sequence[SightingChange], evidence: Mapping[str, KeptEvidence]
    ) -> Recorded: ...


@dataclass(frozen=True, slots=True, eq=False)
class _Batch:
    """What one frame has decided, and when, by the monotonic clock."""

    decided_s: float
    changes: Sequence[SightingChange]
    kept: Mapping[str, KeptEvidence]


class Backlog:
    """The camera waits for what is written at once, and goes on where that lasts longer: a database that is away for
    a while costs neither a check-in nor a frame. Only with `most` changes waiting does the camera wait too, and what
    is lost then is frames.
    """

    def __init__(
        self,
        camera_id: str,
        recorder: Writing,
        clock: Clock,
        on_recorded: Callable[[Sequence[SightingChange], Recorded], None],
        *,
        in_order: InOrder | None = None,
        most: int = MOST,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._camera_id = camera_id
        self._recorder = recorder
        self._clock = clock
        self._on_recorded = on_recorded
        self._most = most
        self._patience_s = patience_s
        self._in_order = in_order or InOrder()
        self._waiting: deque[_Batch] = deque()
        self._behind = False
        self._late = False  # it could not be written; where it takes long, or waits for a lock, nobody else does
        self._in_vain = 0  # tries of the first that waits, though others could have written
        self._turn = asyncio.Lock()
        self._wanted, self._room, self._failing_or_done = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._written = asyncio.Event()
        self._written.set()
        self._failing_or_done.set()
        self._log = structlog.get_logger(__name__)

    def __len__(self) -> int:
        return len(self._waiting)

    def goes_before(self, decided_s: float) -> bool:
        """Whether cameras that have decided something then let it write first."""
        late = self._late and bool(self._waiting) and self._in_vain < STANDS_ASIDE
        return late and self._waiting[0].decided_s < decided_s

    async def add(self, changes: Sequence[SightingChange], evidence: Mapping[str, Evidence]) -> None:
        """They wait in memory from its return on; cut off before, they do not. Pictures are stored here, once, and not
        at each try: they are too large to wait, too."""
        decided_s = self._clock.monotonic()
        async with self._turn:
            kept = await self._recorder.keep(evidence)
            if self._behind:  # that somebody is still there is said again by what comes later
                changes = [one for one in changes if one.kind != "extended"]
            if not changes:
                return
            while len(self._waiting) >= self._most:
                self._room.clear()
                await self._room.wait()
            self._waiting.append(_Batch(decided_s, changes, kept))
            self._written.clear()
            self._failing_or_done.clear()
            self._wanted.set()

    async def settled(self) -> None:
        """Waits until all is written, but not for long, and not at all while writing fails."""
        if self._behind:
            return
        try:
            async with asyncio.timeout(self._patience_s):
                await self._failing_or_done.wait()
        except TimeoutError:
            self._behind = bool(self._waiting)

    async def written(self) -> None:
        """Waits until nothing waits any more."""
        await self._written.wait()

    async def caught_up(self) -> None:
        """Waits until nothing waits any more, as long as something is written."""
        with suppress(TimeoutError):
            async with self._in_order.patiently(PROGRESS_S, CAUGHT_UP_S):
                await self.written()

    async def run(self) -> None:
        """The owner's task: until cancelled. What is being written then is written again by `drain`."""
        while True:
            if not self._waiting:  # some may be left from a run before
                await self._wanted.wait()
            self._wanted.clear()
            await self.drain()

    async def drain(self) -> None:
        """Writes all of it, oldest first. May be cancelled; not while `run` runs."""
        with self._in_order.taking_part(self):
            while self._waiting:
                batch = self._waiting[0]
                recorded = await self._insist(batch)
                self._waiting.popleft()
                self._in_vain = 0
                self._in_order.wrote()
                self._room.set()
                if recorded is not None:
                    self._on_recorded(batch.changes, recorded)
        self._behind = self._late = False
        self._failing_or_done.set()
        self._written.set()

    async def _insist(self, batch: _Batch) -> Recorded | None:
        """None for what the database takes never. While it is away, read-only or broken, it is asked without end."""
        backoff, failures, began_s = Backoff(first_s=0.2, cap_s=2.0), 0, self._clock.monotonic()
        said = False
        while True:
            await self._in_order.turn(self, batch.decided_s)
            try:
                recorded = await self._recorder.record(self._camera_id, batch.changes, batch.kept)
            except Exception as error:  # noqa: BLE001 - whatever it was, what follows must be recorded
                self._behind = True
                self._failing_or_done.set()
                reason = type(error).__name__
                failures += is_the_requests(error)
                self._late |= not is_in_the_way(error)
                self._in_vain += not fails_for_all(error)
                if self._in_vain == STANDS_ASIDE:
                    self._in_order.moved()
                if failures == TRIES:
                    self._log.error("not_recorded", camera=self._camera_id, changes=len(batch.changes), exc_info=error)
                    return None
                if not said:  # and not at each try
                    said = True
                    self._log.error("not_recorded_yet", camera=self._camera_id, reason=reason)
                await asyncio.sleep(backoff.next())
            else:
                if said:
                    late_s = round(self._clock.monotonic() - began_s, 1)
                    self._log.info("recorded_late", camera=self._camera_id, late_s=late_s, waiting=len(self) - 1)
                return recorded
