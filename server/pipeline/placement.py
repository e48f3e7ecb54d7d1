"""Which cameras run here: starts, stops and restarts them, and tells of their changes of state."""

import asyncio
from collections import deque
from collections.abc import Callable
from contextvars import Context
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from weakref import WeakValueDictionary

import structlog

from server.clock import Clock
from server.errors import Conflict, Unavailable
from server.events.schema import NewEvent
from server.media.camera_stream import CameraStream
from server.media.pushed import PushedStream
from server.media.reasons import reason_text
from server.media.status import CameraState, StreamStatus
from server.pipeline.annotate import Annotator
from server.pipeline.camera import CameraLoop
from server.pipeline.evidence import jpeg, scaled
from server.pipeline.live import Live
from server.pipeline.motion import Motion
from server.pipeline.record import Recorder
from server.store import cameras as camera_rows
from server.store.engine import Store
from server.store.tables import Camera
from server.store.views import CameraPublic, CameraStatus
from server.supervise import Backoff, supervise
from server.telemetry import Metrics


class Builder(Protocol):
    """Makes the parts of one camera; the composition root knows how."""

    def stream(self, camera: Camera, on_status: Callable[[StreamStatus], None]) -> CameraStream: ...

    def loop(self, camera: Camera, stream: CameraStream, motion: Motion) -> CameraLoop: ...


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A frame of the running stream as JPEG, no wider than `width`."""

    pts: int
    width: int
    captured_at: datetime
    jpeg: bytes


@dataclass(eq=False)
class _Running:
    camera: Camera
    stream: CameraStream
    loop: CameraLoop
    live: Live
    task: asyncio.Task[None] | None = None
    snapshots: dict[int, Snapshot] = field(default_factory=dict)  # by width: viewers of one frame encode it once
    encoding: asyncio.Lock = field(default_factory=asyncio.Lock)


class Cameras:
    """All cameras of this process. One task each; one that fails does not touch the others."""

    def __init__(self, store: Store, recorder: Recorder, builder: Builder, metrics: Metrics, clock: Clock) -> None:
        self._store = store
        self._recorder = recorder
        self._builder = builder
        self._metrics = metrics
        self._clock = clock
        self._running: dict[str, _Running] = {}
        # A stop takes as long as the camera's thread: what comes meanwhile for the same camera waits its turn.
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._tasks: asyncio.TaskGroup | None = None
        # States to tell of; the newest of a camera counts, so a full queue may lose its oldest.
        self._news: deque[tuple[str, bool]] = deque(maxlen=1024)
        self._has_news = asyncio.Event()
        self._told: dict[str, bool] = {}

    async def run(self) -> None:
        """Starts the enabled cameras and looks after all of them until cancelled."""
        async with self._store.read() as session:
            rows = await camera_rows.all_enabled(session)
        try:
            async with asyncio.TaskGroup() as tasks:
                self._tasks = tasks
                tasks.create_task(supervise("camera-news", self._tell, backoff=Backoff()))
                for row in rows:
                    self.start(row)
        finally:
            self._tasks = None

    def start(self, camera: Camera) -> None:
        """Starts a camera that does not run yet."""
        if camera.id in self._running or self._tasks is None:
            return
        stream = self._builder.stream(camera, lambda status: self._on_status(camera.id, status))
        motion = Motion()
        live = Live(camera.id, stream, Annotator(motion).draw)
        running = _Running(camera, stream, self._builder.loop(camera, stream, motion), live)
        self._running[camera.id] = running
        # A context of its own: what a camera logs is not of the request that started it.
        running.task = self._tasks.create_task(self._look_after(running), context=Context())

    async def stop(self, camera_id: str) -> None:
        """Stops a camera and waits until its thread has ended."""
        async with self._turn(camera_id):
            await self._stop(camera_id)

    async def _stop(self, camera_id: str) -> None:
        running = self._running.pop(camera_id, None)
        if running is None or running.task is None:
            return
        running.task.cancel()
        await asyncio.wait([running.task])
        if camera_id not in self._running:  # nobody has started it again meanwhile
            self._metrics.camera_online.labels(camera_id).set(0)
            self._told.pop(camera_id, None)

    async def restart(self, camera: Camera) -> None:
        async with self._turn(camera.id):
            await self._stop(camera.id)
            self.start(camera)

    def _turn(self, camera_id: str) -> asyncio.Lock:
        return self._turns.setdefault(camera_id, asyncio.Lock())

    def status(self, camera: Camera) -> CameraStatus:
        """The state of its stream; disabled when it does not run."""
        running = self._running.get(camera.id)
        if running is None:
            return CameraStatus(state=CameraState.disabled.value, since=camera.updated_at)
        status = running.stream.status
        return CameraStatus(
            state=status.state.value,
            reason=status.reason,
            explanation=reason_text(status.reason) if status.reason else None,
            since=status.since,
            width=status.width,
            height=status.height,
            codec=status.codec,
            fps=round(status.fps, 1),
            latency_ms=round(status.latency_ms or 0.0, 1),
            dropped=status.dropped,
        )

    def measure(self) -> None:
        """Brings the gauges up to date."""
        for camera_id, running in self._running.items():
            self._metrics.frames_dropped.labels(camera_id).set(running.stream.status.dropped)
            self._metrics.viewers.labels(camera_id).set(running.live.viewers)
            self._metrics.encodings.labels(camera_id).set(running.live.encodings)

    def view(self, camera: Camera) -> CameraPublic:
        return CameraPublic.of(camera, self.status(camera))

    def event(self, camera: Camera, kind: str) -> NewEvent:
        """What `cameras` is told: the camera with its status, as it is now."""
        source, data = f"cameras/{camera.id}", self.view(camera).as_json()
        return NewEvent(topic="cameras", type=kind, source=source, data=data, time=self._clock.now())

    def analysed(self, camera_id: str) -> int:
        """Frames analysed since the camera was started."""
        running = self._running.get(camera_id)
        return running.loop.analysed if running else 0

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

    def _started(self, camera_id: str) -> _Running:
        running = self._running.get(camera_id)
        if running is None:
            raise Unavailable("The camera is not running.", code="camera_offline")
        return running

    def _online(self, camera_id: str) -> _Running:
        running = self._started(camera_id)
        if running.stream.status.state is not CameraState.online:
            raise Unavailable("The camera is offline.", code="camera_offline")
        return running

    async def snapshot(self, camera_id: str, width: int) -> Snapshot:
        """The newest frame as JPEG, from the running stream, no wider than `width`. Raises Unavailable when offline."""
        running = self._online(camera_id)
        async with running.encoding:
            frame = running.stream.latest()
            if frame is None:
                raise Unavailable("The camera has not shown a picture yet.", code="camera_offline")
            kept = running.snapshots.get(width)
            if kept is None or kept.pts != frame.pts:
                running.snapshots = {key: one for key, one in running.snapshots.items() if one.pts == frame.pts}
                encoded = await asyncio.to_thread(lambda: jpeg(scaled(frame.to_bgr(), width), 80))
                running.snapshots[width] = kept = Snapshot(frame.pts, width, frame.captured_at, encoded)
        return kept

    async def correct(self, camera_id: str, sighting_id: str, person_id: str | None) -> None:
        """An operator has said who a sighting is, and it is stored: if it is still open, its track has to know."""
        running = self._running.get(camera_id)
        if running is None:
            return
        changes = running.loop.resolver.correct(sighting_id, person_id)
        # The sighting itself is stored already; others may have ended in it.
        await self._recorder.record(camera_id, [one for one in changes if one.sighting.id != sighting_id], {})

    async def forget_person(self, person_id: str) -> None:
        """Somebody was removed: their open sightings end."""
        for camera_id, running in list(self._running.items()):
            await self._recorder.record(camera_id, running.loop.resolver.forget_person(person_id), {})

    def gallery_changed(self) -> None:
        """Unknown faces get another look at once."""
        for running in self._running.values():
            running.loop.resolver.gallery_changed()

    async def _look_after(self, running: _Running) -> None:
        camera_id = running.camera.id
        log = structlog.get_logger(__name__)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(supervise(f"stream {camera_id}", running.stream.run, backoff=Backoff()))
                tasks.create_task(supervise(f"analysis {camera_id}", running.loop.run, backoff=Backoff()))
                tasks.create_task(running.live.run())
        finally:
            try:
                async with asyncio.timeout(5):
                    await running.loop.finish()
            except Exception as error:  # noqa: BLE001 - what one camera cannot write does not end the others
                log.error("sightings_left_open", camera=camera_id, reason=f"{type(error).__name__}: {error}")

    def _on_status(self, camera_id: str, status: StreamStatus) -> None:
        online = status.state is CameraState.online
        self._metrics.camera_online.labels(camera_id).set(1 if online else 0)
        if status.state in (CameraState.connecting, CameraState.disabled) or self._told.get(camera_id) == online:
            return
        self._told[camera_id] = online
        self._news.append((camera_id, online))
        self._has_news.set()

    async def _tell(self) -> None:
        while True:
            if not self._news:  # some may be left from a time when they could not be told
                await self._has_news.wait()
            self._has_news.clear()
            while self._news:
                camera_id, online = self._news[0]
                if camera_id in self._running:
                    await self._tell_of(camera_id, "camera.online" if online else "camera.offline")
                self._news.popleft()

    async def _tell_of(self, camera_id: str, kind: str) -> None:
        """With the camera as it is stored: it may have been renamed while it ran, or be gone."""
        async with self._store.read() as session:
            camera = await camera_rows.find(session, camera_id)
        if camera is None:
            return
        await self._recorder.tell([self.event(camera, kind)])
