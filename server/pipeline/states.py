"""What a topic's state is at this moment, for a subscriber who asks for it before the changes."""

from collections.abc import Sequence

from server.clock import Clock
from server.events.limits import Limited, Reach, reach_of
from server.pipeline.placement import Cameras
from server.pipeline.presence import still_in
from server.store import alerts, cameras, entries, sightings
from server.store.engine import Store
from server.store.paging import AtOnce
from server.store.runtime import RuntimeState
from server.store.sightings import SightingFilter
from server.store.views import EntryPublic, SightingPublic

MOST = AtOnce()  # `total` says where there are more


class TopicStates:
    """Each thing as the events of the topic tell it, under the same limits."""

    def __init__(self, store: Store, running: Cameras, runtime: RuntimeState, clock: Clock) -> None:
        self._store = store
        self._running = running
        self._runtime = runtime
        self._clock = clock

    async def __call__(self, topic: str, principal: Limited) -> dict[str, object] | None:
        """None for a topic that has no state of its own."""
        reach = reach_of(principal)
        match topic:
            case "cameras":
                return await self._cameras(reach)
            case "sightings":
                return await self._sightings(reach)
            case "attendance":
                return await self._present(reach)
            case "alerts":
                return await self._alerts(reach)
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


def _said(name: str, shown: Sequence[dict[str, object]], total: int) -> dict[str, object]:
    return {name: list(shown), "total": total}
