"""How things stand: the cameras as they are now, and how many people are in."""

from collections.abc import Sequence

from server.clock import Clock
from server.pipeline.placement import Cameras
from server.pipeline.presence import still_in
from server.store import cameras, entries
from server.store.engine import Store
from server.store.paging import MAX_PAGE_SIZE, Page
from server.store.runtime import RuntimeState
from server.store.views import CameraPublic


class Standing:
    """Asked for again and again by who tells others."""

    def __init__(self, store: Store, running: Cameras, runtime: RuntimeState, clock: Clock) -> None:
        self._store = store
        self._running = running
        self._runtime = runtime
        self._clock = clock

    async def cameras(self) -> Sequence[CameraPublic]:
        """The first 200 by name."""
        async with self._store.read() as session:
            rows = (await cameras.page(session, Page(page_size=MAX_PAGE_SIZE))).rows
        return [self._running.view(row) for row in rows]

    async def present(self) -> int:
        """As `GET attendance/present` counts them."""
        now = self._clock.now()
        midnight = self._runtime.midnight(now)
        async with self._store.read() as session:
            still = await still_in(session, midnight, now, self._runtime.current.attendance, self._runtime.zone.key)
            return len(await entries.present_ids(session, midnight, still))
