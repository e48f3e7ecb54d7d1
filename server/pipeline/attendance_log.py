"""The event log whose events of attendance say what they lead to: whether the person is in, and since which entry."""

from collections.abc import Sequence
from dataclasses import replace

from sqlmodel.ext.asyncio.session import AsyncSession

from server.clock import Clock
from server.events.schema import NewEvent, StoredEvent
from server.pipeline.presence import is_still_in
from server.store import entries
from server.store.engine import Store
from server.store.event_log import TableLog
from server.store.runtime import RuntimeState
from server.store.tables import Camera, Person
from server.store.views import EntryPublic
from server.store.writes import locked

TOPIC, REFUSED = "attendance", "attendance.refused"


class AttendanceLog(TableLog):
    """Adds `present` to what an entry tells: its reader then knows who is in, whatever was corrected or came late.

    It is looked up when the event is written, with the row of the person held: of two entries at the same moment the
    later event knows both.
    """

    def __init__(self, store: Store, runtime: RuntimeState, clock: Clock) -> None:
        super().__init__(store)
        self._runtime = runtime
        self._clock = clock

    async def append(self, session: AsyncSession, events: Sequence[NewEvent]) -> list[StoredEvent]:
        about = {whose for event in events if (whose := _person_in(event)) is not None}
        if not about:
            return await super().append(session, events)
        await session.flush()
        present = {person_id: await self._present(session, person_id) for person_id in sorted(about)}
        told = [
            event
            if (whose := _person_in(event)) is None
            else replace(event, data=event.data | {"present": present[whose]})
            for event in events
        ]
        return await super().append(session, told)

    async def _present(self, session: AsyncSession, person_id: str) -> dict[str, object] | None:
        """The check-in by which somebody is in, as a snapshot of the topic has it; None where they are not."""
        person = await locked(session, Person, person_id)
        if person is None:
            return None
        now = self._clock.now()
        midnight = self._runtime.midnight(now)
        newest = await entries.last_of(session, person_id, since=midnight - entries.NIGHT)
        if newest is None or newest.direction != "in":
            return None
        settings, zone = self._runtime.current.attendance, self._runtime.zone.key
        if newest.at < midnight and not await is_still_in(session, newest, person, now, settings, zone):
            return None
        camera = await session.get(Camera, newest.camera_id) if newest.camera_id else None
        return EntryPublic.of(newest, person, camera.name if camera else None).as_json()


def _person_in(event: NewEvent) -> str | None:
    if event.topic != TOPIC or event.type == REFUSED:
        return None
    whose = event.data.get("personId")
    return whose if isinstance(whose, str) else None
