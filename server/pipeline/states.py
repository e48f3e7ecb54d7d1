"""What a topic's state is at this moment, for a subscriber who asks for it before the changes."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from server.clock import Clock
from server.events.encoding import event_body
from server.events.gate import Principal, reach_on
from server.events.limits import Reach, visible
from server.events.log import Position
from server.events.schema import StoredEvent
from server.events.topics import KIOSK, find_topic
from server.pipeline.placement import Cameras
from server.pipeline.presence import still_in
from server.store import alerts, cameras, entries, jobs, sightings
from server.store.engine import Store
from server.store.paging import AtOnce
from server.store.runtime import RuntimeState
from server.store.sightings import SightingFilter
from server.store.views import EntryPublic, SightingPublic

MOST = AtOnce()  # `total` says where there are more
SHOWN_FOR = timedelta(seconds=10)  # what a screen is told and has no deadline: later it is of somebody who has gone on
LOOKED_AT = 500  # of what a screen was told, the newest


class Log(Protocol):
    """What is read of the events themselves."""

    async def head(self, topic: str) -> Position: ...

    async def read(self, topic: str, after: int, limit: int) -> list[StoredEvent]: ...


class TopicStates:
    """Each thing as the events of the topic tell it, under the same limits."""

    def __init__(self, store: Store, log: Log, running: Cameras, runtime: RuntimeState, clock: Clock) -> None:
        self._store = store
        self._log = log
        self._running = running
        self._runtime = runtime
        self._clock = clock

    async def __call__(self, topic: str, principal: Principal) -> dict[str, object] | None:
        """None for a topic that has no state of its own."""
        found = find_topic(topic)
        if found is None:
            return None
        reach = reach_on(principal, found)
        match found.kind.address:
            case "cameras":
                return await self._cameras(reach)
            case "sightings":
                return await self._sightings(reach)
            case "attendance":
                return await self._present(reach)
            case "alerts":
                return await self._alerts(reach)
            case "jobs":
                return await self._jobs(reach)
            case KIOSK.address:
                return await self._shown(topic, reach)
        return None

    async def _cameras(self, reach: Reach) -> dict[str, object]:
        async with self._store.read() as session:
            found = await cameras.page(session, MOST, reach=reach)
        return _said("cameras", [self._running.view(row).as_json() for row in found.rows], found.total)

    async def _sightings(self, reach: Reach) -> dict[str, object]:
        """Those that are open."""
        async with self._store.read() as session:
            found = await sightings.page(session, MOST, SightingFilter(state="open"), reach)
        shown = [SightingPublic.of(row.sighting, row.person, row.camera_name).as_json() for row in found.rows]
        return _said("sightings", shown, found.total)

    async def _present(self, reach: Reach) -> dict[str, object]:
        """The check-ins of who is in."""
        now = self._clock.now()
        midnight = self._runtime.midnight(now)
        async with self._store.read() as session:
            still = await still_in(session, midnight, now, self._runtime.current.attendance, self._runtime.zone.key)
            found = await entries.present(session, midnight, still, MOST, reach)
        shown = [EntryPublic.of(row.entry, row.person, row.camera_name).as_json() for row in found.rows]
        return _said("present", shown, found.total)

    async def _alerts(self, reach: Reach) -> dict[str, object]:
        """Those that are not over."""
        now = self._clock.now()
        async with self._store.read() as session:
            found = await alerts.page(session, MOST, state="open", reach=reach)
            shown = [(await alerts.event_of(session, row, "alert.raised", now)).data for row in found.rows]
        return _said("alerts", shown, found.total)

    async def _jobs(self, reach: Reach) -> dict[str, object]:
        """Those that wait or run."""
        now = self._clock.now()
        async with self._store.read() as session:
            found = await jobs.page(session, MOST, asked_by=reach.asker, only_open=True)
        return _said("jobs", [jobs.job_event(row, jobs.PROGRESS, now).data for row in found.rows], found.total)

    async def _shown(self, topic: str, reach: Reach) -> dict[str, object]:
        """What the kiosk was told last, as the event of it, while that still counts."""
        now = self._clock.now()
        head = await self._log.head(topic)
        told = [
            event
            for event in await self._log.read(topic, max(0, head.offset - LOOKED_AT), LOOKED_AT)
            if event.time >= now - SHOWN_FOR and visible(reach, topic, event.source, event.data)
        ]
        counts = [event for event in told[-1:] if now < counts_until(event.time, event.data)]
        return _said("shown", [event_body(event) for event in counts], len(counts))


def counts_until(told_at: datetime, data: Mapping[str, object]) -> datetime:
    """Until when a screen shows what it was told: until its deadline, else for some seconds."""
    deadline = data.get("deadline")
    return datetime.fromisoformat(deadline) if isinstance(deadline, str) else told_at + SHOWN_FOR


def _said(name: str, shown: Sequence[dict[str, object]], total: int) -> dict[str, object]:
    return {name: list(shown), "total": total}
