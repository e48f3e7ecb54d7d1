"""Which cameras run here: starts, stops and restarts them, and tells of their changes of state."""

import asyncio
from collections import deque
from collections.abc import Callable
from contextvars import Context
from dataclasses import replace
from typing import Protocol
from weakref import WeakValueDictionary

from server.clock import Clock
from server.errors import Conflict, Unavailable
from server.events.schema import NewEvent
from server.media.areas import NO_AREAS, Areas, areas_of
from server.media.camera_stream import CameraStream
from server.media.pushed import PushedStream
from server.media.reasons import reason_text
from server.media.status import CameraState, StreamStatus
from server.pipeline.alarms import ALERT_AFTER_S, CameraAlarms
from server.pipeline.annotate import Annotator
from server.pipeline.camera import CameraLoop, Video
from server.pipeline.in_order import InOrder
from server.pipeline.live import Live
from server.pipeline.motion import Motion
from server.pipeline.record import Recorder
from server.pipeline.running_camera import RunningCamera, analysed, told
from server.pipeline.stills import Snapshot, Still, Stills
from server.pipeline.zoning import Zoning
from server.store import cameras as camera_rows
from server.store import zones
from server.store.engine import Store
from server.store.tables import Camera
from server.store.views import CameraPublic, CameraStatus
from server.supervise import soon, supervise
from server.telemetry import Metrics

FOLLOW_S = 2.0
ELSEWHERE = "elsewhere"


class Builder(Protocol):
    """Makes the parts of one camera; the composition root knows how."""

    def stream(self, camera: Camera, on_status: Callable[[StreamStatus], None]) -> CameraStream: ...

    def sub(self, camera: Camera) -> CameraStream | None: ...

    def loop(
        self, camera: Camera, video: Callable[[], Video], motion: Motion, zoning: Zoning, shown: CameraStream,
        in_order: InOrder,
    ) -> CameraLoop: ...  # fmt: skip


def started_with(camera: Camera) -> tuple[object, ...]:
    """What counts only from the next start of its stream on."""
    return (
        camera.source, camera.sealed_source, camera.sub_source, camera.sealed_sub_source, camera.kind, camera.role,
        camera.clips, camera.analysis, camera.analysis_hours, camera.liveness,
    )  # fmt: skip


class Cameras:
    """All cameras of this process. One task each; one that fails does not touch the others.

    Of several processes on one database only one runs the cameras, the others have `here` false. What those change
    counts within seconds.
    """

    def __init__(
        self,
        store: Store,
        recorder: Recorder,
        builder: Builder,
        metrics: Metrics,
        clock: Clock,
        *,
        here: bool = True,
        follow_s: float = FOLLOW_S,
        alert_after_s: float = ALERT_AFTER_S,
    ) -> None:
        self._store = store
        self._recorder = recorder
        self._builder = builder
        self._metrics = metrics
        self._clock = clock
        self._here = here
        self._follow_s = follow_s
        self._alert_after_s = alert_after_s
        self._running: dict[str, RunningCamera] = {}
        self._in_order = InOrder()
        # A stop takes as long as the camera's thread: what comes meanwhile for the same camera waits its turn.
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._tasks: asyncio.TaskGroup | None = None
        # States to tell of; the newest of a camera counts, so a full queue may lose its oldest.
        self._news: deque[tuple[str, StreamStatus]] = deque(maxlen=1024)
        self._has_news = asyncio.Event()
        self._told: dict[str, bool] = {}

    async def run(self) -> None:
        """Starts the enabled cameras and looks after all of them until cancelled."""
        async with self._store.read() as session:
            rows = await camera_rows.all_enabled(session)
            drawn = await zones.of_all(session)
        try:
            async with asyncio.TaskGroup() as tasks:
                self._tasks = tasks
                tasks.create_task(supervise("camera-news", self._tell, backoff=soon()))
                if self._here:
                    tasks.create_task(supervise("camera-rows", self._follow, backoff=soon()))
                    alarms = CameraAlarms(self._store, self._recorder, self, self._clock, after_s=self._alert_after_s)
                    tasks.create_task(supervise("camera-alarms", alarms.run, backoff=soon()))
                for row in rows:
                    self.start(row, areas_of(drawn.get(row.id, ())))
        finally:
            self._tasks = None

    def start(self, camera: Camera, areas: Areas = NO_AREAS) -> None:
        """Starts a camera that does not run yet, with the zones that it has."""
        if not self._here or camera.id in self._running or self._tasks is None:
            return
        stream = self._builder.stream(camera, lambda status: self._on_status(camera.id, status))
        motion, zoning = Motion(), Zoning(areas)
        live = Live(camera.id, stream, Annotator(motion, zoning), zoning)
        sub = self._builder.sub(camera)
        loop = self._builder.loop(camera, lambda: analysed(stream, sub), motion, zoning, stream, self._in_order)
        running = RunningCamera(camera, stream, sub, loop, live, Stills(stream, zoning), zoning)
        self._running[camera.id] = running
        # A context of its own: what a camera logs is not of the request that started it.
        running.task = self._tasks.create_task(running.look_after(self._in_order), context=Context())

    async def stop(self, camera_id: str) -> None:
        """Stops a camera and waits until its thread has ended."""
        async with self._turn(camera_id):
            await self._stop(camera_id)

    async def _stop(self, camera_id: str) -> None:
        running = self._running.pop(camera_id, None)
        if running is None or running.task is None:
            return
        running.stops_alone = True
        running.task.cancel()
        await asyncio.wait([running.task])
        if camera_id not in self._running:  # nobody has started it again meanwhile
            self._metrics.camera_online.labels(camera_id).set(0)
            self._told.pop(camera_id, None)

    async def settle(self, camera_id: str, *, afresh: bool = False) -> None:
        """Makes what runs equal to what is stored, whoever has changed it last; `afresh` also opens the stream anew."""
        async with self._turn(camera_id):
            async with self._store.read() as session:
                camera = await camera_rows.find(session, camera_id)
                areas = areas_of(await zones.of_camera(session, camera_id))
            if afresh or camera is None or not camera.enabled:
                await self._stop(camera_id)
            if camera is not None and camera.enabled:
                self.start(camera, areas)

    async def settle_all(self) -> None:
        """Every camera that runs begins anew."""
        for camera_id in list(self._running):
            await self.settle(camera_id, afresh=True)

    async def rezone(self, camera_id: str) -> None:
        """The zones of a camera were changed: what runs goes on with those that are stored now."""
        async with self._turn(camera_id), self._store.read() as session:
            areas = areas_of(await zones.of_camera(session, camera_id))
            if running := self._running.get(camera_id):
                running.rezone(areas)

    def _turn(self, camera_id: str) -> asyncio.Lock:
        return self._turns.setdefault(camera_id, asyncio.Lock())

    def status(self, camera: Camera) -> CameraStatus:
        """The state of its stream; disabled when it is switched off, connecting when it is about to be started."""
        running = self._running.get(camera.id)
        if running is None and camera.enabled and not self._here:
            return CameraStatus(
                state=CameraState.offline.value, reason=ELSEWHERE, explanation=reason_text(ELSEWHERE),
                since=camera.updated_at,
            )  # fmt: skip
        if running is None or not camera.enabled:
            state = CameraState.connecting if camera.enabled else CameraState.disabled
            return CameraStatus(state=state.value, since=camera.updated_at)
        status = running.stream.status
        if status.state is CameraState.online:
            status = replace(status, reason=running.loop.trouble)
        return told(status, analysed(running.stream, running.sub).status.latency_ms)

    def sub_status(self, camera_id: str) -> CameraStatus | None:
        """The state of its sub stream; None where there is none or the camera does not run."""
        running = self._running.get(camera_id)
        if running is None or running.sub is None:
            return None
        status = running.sub.status
        return told(status, status.latency_ms)

    def measure(self) -> None:
        """Brings the gauges up to date."""
        for camera_id, running in self._running.items():
            self._metrics.frames_dropped.labels(camera_id).set(running.stream.status.dropped)
            self._metrics.unrecorded.labels(camera_id).set(running.loop.unrecorded)
            self._metrics.viewers.labels(camera_id).set(running.live.viewers)
            self._metrics.encodings.labels(camera_id).set(running.live.encodings)

    def view(self, camera: Camera) -> CameraPublic:
        return CameraPublic.of(camera, self.status(camera))

    def survey(self) -> list[tuple[CameraStatus, int]]:
        """Of each that runs here, its status and who watches it."""
        return [(self.status(one.camera), one.live.viewers) for one in self._running.values()]

    def event(self, camera: Camera, kind: str) -> NewEvent:
        """What `cameras` is told: the camera with its status, as it is now."""
        return self._event_of(self.view(camera), kind)

    def _event_of(self, view: CameraPublic, kind: str) -> NewEvent:
        source, data = f"cameras/{view.id}", view.as_json()
        return NewEvent(topic="cameras", type=kind, source=source, data=data, time=self._clock.now())

    def analysed(self, camera_id: str) -> int:
        """Frames analysed since the camera was started."""
        running = self._running.get(camera_id)
        return running.loop.analysed if running else 0

    @property
    def here(self) -> bool:
        """Whether this process runs the cameras."""
        return self._here

    def live(self, camera_id: str) -> Live | None:
        """What its viewers get; None while it does not run."""
        running = self._running.get(camera_id)
        return running.live if running else None

    def online(self, camera_id: str) -> Live:
        """What its viewers get now; raises Unavailable (camera_offline)."""
        return self._online(camera_id).live

    def pushed(self, camera_id: str) -> PushedStream:
        """Where a publisher's video goes; raises Conflict for a camera of another kind, Unavailable when it is off."""
        running = self._started(camera_id)
        if not isinstance(running.stream, PushedStream):
            raise Conflict("Nobody can publish to this camera: it is not of the kind push.", code="not_a_push_camera")
        return running.stream

    def _started(self, camera_id: str) -> RunningCamera:
        running = self._running.get(camera_id)
        if running is None:
            raise Unavailable("The camera is not running.", code="camera_offline")
        return running

    def _online(self, camera_id: str) -> RunningCamera:
        running = self._started(camera_id)
        if running.stream.status.state is not CameraState.online:
            raise Unavailable("The camera is offline.", code="camera_offline")
        return running

    async def still(self, camera_id: str) -> Still:
        """The newest frame of the running stream. Raises Unavailable when offline."""
        return await self._online(camera_id).stills.take()

    async def snapshot(self, camera_id: str, width: int) -> Snapshot:
        """The newest frame as JPEG, from the running stream, no wider than `width`. Raises Unavailable when offline."""
        return await self._online(camera_id).stills.encoded(width)

    async def correct(self, camera_id: str, sighting_id: str, person_id: str | None) -> None:
        """An operator has said who a sighting is, and it is stored: if it is still open, its track has to know."""
        running = self._running.get(camera_id)
        if running is None:
            return
        changes = running.loop.resolver.correct(sighting_id, person_id)
        # The sighting itself is stored already; others may have ended in it.
        await running.loop.record([one for one in changes if one.sighting.id != sighting_id])

    async def forget_person(self, person_id: str) -> None:
        """Somebody was removed: their open sightings end. What was decided of them before is written on its return, if
        that can be in time."""
        loops = [running.loop for running in self._running.values()]
        for loop in loops:
            await loop.record(loop.resolver.forget_person(person_id))
        async with asyncio.TaskGroup() as tasks:
            for loop in loops:
                tasks.create_task(loop.caught_up())

    def gallery_changed(self) -> None:
        """Unknown faces get another look at once."""
        for running in self._running.values():
            running.loop.resolver.gallery_changed()

    async def _follow(self) -> None:
        """Keeps to the rows that other processes change. What is found twice in a row is no change on its way here."""
        before: set[str] = set()
        while True:
            await asyncio.sleep(self._follow_s)
            async with self._store.read() as session:
                rows = {row.id: row for row in await camera_rows.all_enabled(session)}
                areas = {camera_id: areas_of(found) for camera_id, found in (await zones.of_all(session)).items()}
            apart = {key for key in rows.keys() | self._running.keys() if self._differs(key, rows.get(key))}
            for camera_id in apart & before:
                async with self._turn(camera_id):
                    await self._stop(camera_id)
                    if camera_id in rows:
                        self.start(rows[camera_id], areas.get(camera_id, NO_AREAS))
            for camera_id, running in tuple(self._running.items()):
                if areas.get(camera_id, NO_AREAS) != running.zoning.now:
                    await self.rezone(camera_id)
            before = apart - before

    def _differs(self, camera_id: str, row: Camera | None) -> bool:
        running = self._running.get(camera_id)
        if running is None or row is None:
            return (running is None) != (row is None)
        known = running.camera
        return started_with(row) != started_with(known)

    def _on_status(self, camera_id: str, status: StreamStatus) -> None:
        online = status.state is CameraState.online
        self._metrics.camera_online.labels(camera_id).set(1 if online else 0)
        if status.state in (CameraState.connecting, CameraState.disabled) or self._told.get(camera_id) == online:
            return
        self._told[camera_id] = online
        self._news.append((camera_id, status))
        self._has_news.set()

    async def _tell(self) -> None:
        while True:
            if not self._news:  # some may be left from a time when they could not be told
                await self._has_news.wait()
            self._has_news.clear()
            while self._news:
                camera_id, status = self._news[0]
                if camera_id in self._running:
                    await self._tell_of(camera_id, status)
                self._news.popleft()

    async def _tell_of(self, camera_id: str, status: StreamStatus) -> None:
        """With the camera as it is stored: it may have been renamed while it ran, or be gone.

        The status is the one that is the news: a stream may have come back before it is told that it was gone.
        """
        async with self._store.read() as session:
            camera = await camera_rows.find(session, camera_id)
        if camera is None:
            return
        kind = "camera.online" if status.state is CameraState.online else "camera.offline"
        view = CameraPublic.of(camera, told(status, status.latency_ms))
        await self._recorder.tell([self._event_of(view, kind)])
