"""Alerts about cameras: one that is away, or shows nothing, for longer than the grace; cleared when it is back."""

import asyncio
from datetime import timedelta
from typing import Protocol

from server.clock import Clock
from server.events.limits import CAMERA
from server.events.schema import NewEvent
from server.media.status import CameraState
from server.pipeline.record import Recorder
from server.store import alerts
from server.store import cameras as camera_rows
from server.store.engine import Store
from server.store.tables import Camera
from server.store.views import CameraStatus

ALERT_AFTER_S = 60.0
CHECK_EVERY_S = 2.0
OFFLINE = "camera_offline"
KINDS = {
    OFFLINE: "has been offline",
    "camera_frozen": "shows a frozen picture",
    "camera_black": "shows a black picture",
}


class Watched(Protocol):
    """The cameras, as far as somebody looks at how they are."""

    def status(self, camera: Camera) -> CameraStatus: ...

    def event(self, camera: Camera, kind: str) -> NewEvent: ...


class CameraAlarms:
    """Looks at every camera every two seconds. Of several processes, only the one that runs the cameras has it."""

    def __init__(
        self, store: Store, recorder: Recorder, cameras: Watched, clock: Clock, *, after_s: float = ALERT_AFTER_S
    ) -> None:
        self._store = store
        self._recorder = recorder
        self._cameras = cameras
        self._clock = clock
        self._after_s = after_s
        self._since_s: dict[tuple[str, str], float] = {}  # when something began to be wrong
        # What is told at this moment; what is not in it may still be open from before a restart.
        self._told: dict[tuple[str, str], bool] = {}
        self._trouble: dict[str, str | None] = {}  # of cameras that are online

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(CHECK_EVERY_S)
            await self.check()

    async def check(self) -> None:
        """Looks once."""
        async with self._store.read() as session:
            rows = {row.id: row for row in await camera_rows.all_of_them(session)}
        for row in rows.values():
            status = self._cameras.status(row)
            await self._tell_of_picture(row, status)
            for kind in KINDS:
                await self._look(row, kind, status)
        for camera_id, kind in [key for key, told in self._told.items() if key[0] not in rows]:
            await self._clear(camera_id, kind)
            del self._told[(camera_id, kind)]

    async def _tell_of_picture(self, row: Camera, status: CameraStatus) -> None:
        """That a picture is frozen or black, or not any more, is news like a camera that goes away."""
        trouble = status.reason if status.state == CameraState.online else None
        if self._trouble.get(row.id) != trouble:
            self._trouble[row.id] = trouble
            await self._recorder.tell([self._cameras.event(row, "camera.changed")])

    async def _look(self, row: Camera, kind: str, status: CameraStatus) -> None:
        key, now_s = (row.id, kind), self._clock.monotonic()
        if not _wrong(kind, status):
            self._since_s.pop(key, None)
            if self._told.get(key) is not False:
                await self._clear(row.id, kind)
                self._told[key] = False
            return
        since_s = self._since_s.setdefault(key, now_s)
        if now_s - since_s >= self._after_s and not self._told.get(key):
            await self._raise(row, kind, status, now_s - since_s)
            self._told[key] = True

    async def _raise(self, row: Camera, kind: str, status: CameraStatus, for_s: float) -> None:
        since = self._clock.now() - timedelta(seconds=for_s)
        message = f"{row.name} {KINDS[kind]} since {since:%H:%M:%S} UTC. {status.explanation or ''}".strip()
        async with self._store.transaction() as session:
            events = await alerts.raise_alert(
                session, self._recorder, kind=kind, severity="warning", subject=f"{CAMERA}{row.id}", message=message,
                at=self._clock.now(),
            )  # fmt: skip
        self._recorder.wake(events)

    async def _clear(self, camera_id: str, kind: str) -> None:
        async with self._store.transaction() as session:
            events = await alerts.clear_alert(session, self._recorder, kind, f"{CAMERA}{camera_id}", self._clock.now())
        self._recorder.wake(events)


def _wrong(kind: str, status: CameraStatus) -> bool:
    """A camera that is switched off is not away."""
    if kind == OFFLINE:
        return status.state in (CameraState.offline, CameraState.stalled, CameraState.connecting)
    return status.state == CameraState.online and status.reason == kind.removeprefix("camera_")
