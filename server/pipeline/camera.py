"""The loop of one camera: a frame on its budget, its analysis, boxes for the screens, changes for the record."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC
from typing import Protocol

import structlog

from server.clock import Clock
from server.errors import TooMany
from server.identity.resolver import Resolver
from server.identity.sightings import SightingChange
from server.inference.loop import StaleFrame
from server.media.areas import Areas
from server.media.frame import Frame, Pixels
from server.media.mailbox import Mailbox
from server.media.packet import rtp_timestamp
from server.media.watch import LumaThumb, PictureWatch, Trouble, thumbnail
from server.pipeline.analyse import Analyser, Analysis, SeenFace, track_messages
from server.pipeline.backlog import Backlog
from server.pipeline.challenges import Challenges
from server.pipeline.clips import CameraClips
from server.pipeline.evidence import Evidence, take_evidence
from server.pipeline.in_order import InOrder
from server.pipeline.motion import Motion
from server.pipeline.record import Recorded, Recorder
from server.pipeline.roster import Roster
from server.pipeline.when import When
from server.pipeline.zoning import Zoning
from server.supervise import uncancelled
from server.telemetry import Metrics
from server.wire import rfc3339


class Screens(Protocol):
    """Latest wins; nothing is stored."""

    def publish_volatile(self, topic: str, event_type: str, source: str, data: dict[str, object]) -> None: ...


class Video(Protocol):
    """The camera's stream, as far as its analysis needs it."""

    def frames(self) -> AbstractContextManager[Mailbox[Frame]]: ...


@dataclass(frozen=True, slots=True)
class Budget:
    """What the analysis of one camera may cost."""

    frames_per_second: float
    snapshot_quality: int


class CameraLoop:
    """Takes the newest frame, one at a time: order needs no lock, and a slow machine skips frames.

    `video` says what is analysed at this moment: a camera with a sub stream has two.
    """

    def __init__(
        self,
        camera_id: str,
        video: Callable[[], Video],
        analyser: Analyser,
        recorder: Recorder,
        roster: Roster,
        screens: Screens,
        metrics: Metrics,
        clock: Clock,
        budget: Budget,
        motion: Motion,
        zoning: Zoning,
        clips: CameraClips | None = None,
        when: When | None = None,
        challenges: Challenges | None = None,
        in_order: InOrder | None = None,
    ) -> None:
        self.camera_id = camera_id
        self._video = video
        self._analyser = analyser
        self._recorder = recorder
        self._roster = roster
        self._screens = screens
        self._metrics = metrics
        self._clock = clock
        self._budget = budget
        self._motion = motion
        self._zoning = zoning
        self._clips = clips
        self._challenges = challenges
        self._when = when or When("always", (), lambda: UTC)
        self.analysed = 0
        self._due = 0.0
        self._watch = PictureWatch()
        self._backlog = Backlog(camera_id, recorder, clock, self._recorded, in_order=in_order)
        # Decided and not in the backlog yet; a camera that is stopped in between writes it while it ends,
        # and one whose analysis fails when it starts again.
        self._unwritten: Sequence[SightingChange] = ()

    @property
    def resolver(self) -> Resolver:
        return self._analyser.resolver

    @property
    def unrecorded(self) -> int:
        """Frames whose findings wait for the database."""
        return len(self._backlog)

    @property
    def trouble(self) -> Trouble | None:
        """What is wrong with the picture, though it comes: it is frozen, or black."""
        return self._watch.trouble(self._clock.monotonic())

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            if self._clips is not None:
                tasks.create_task(uncancelled(self._clips.run(self._backlog.written)))
            tasks.create_task(uncancelled(self._backlog.run()))
            tasks.create_task(uncancelled(self._analyse()))

    async def _analyse(self) -> None:
        await self._keep_unwritten(self._unwritten, {})  # of a run that ended in between
        while True:
            video = self._video()
            if not self._when.open(self._clock.now()):
                await self._pass_time()
                await asyncio.sleep(1.0)
                continue
            with video.frames() as mailbox:
                while self._video() is video and self._when.open(self._clock.now()):
                    await self._next(mailbox)

    async def _pass_time(self) -> None:
        """Nothing is looked at: whoever has been away for long enough is gone."""
        await self._record(self._analyser.resolver.tick(self._clock.now()), {})

    async def _next(self, mailbox: Mailbox[Frame]) -> None:
        try:
            async with asyncio.timeout(1.0):
                frame = await mailbox.take()
        except TimeoutError:
            await self._pass_time()
            return
        # A little early is on time: frames come on the camera's own grid.
        if frame.captured_monotonic < self._due - 0.02:
            if frame.picture.key_frame:  # what a frozen picture is told by
                self._watch.saw(await asyncio.to_thread(thumbnail, frame), frame.captured_monotonic)
            return
        self._due = max(self._due + 1.0 / self._budget.frames_per_second, frame.captured_monotonic)
        await self.take(frame)

    async def take(self, frame: Frame) -> None:
        """Analyses one frame and records what it changes."""
        areas = self._zoning.now
        image, thumb = await asyncio.to_thread(self._look, frame, areas)
        self._watch.saw(thumb, frame.captured_monotonic)
        if image is None:
            await self._pass_time()
            return
        if self._challenges is not None:
            await self._challenges.look(frame.captured_monotonic)
        try:
            analysis = await self._analyser.analyse(image, frame.captured_at, frame.captured_monotonic, areas)
        except (StaleFrame, TooMany):  # the device is behind; the next frame is newer
            return
        except BaseException:
            self._unwritten = self._analyser.decided
            raise
        if analysis.faces:
            self._when.saw_faces(frame.captured_monotonic)
        self._unwritten = analysis.changes
        self.analysed += 1
        self._metrics.frames.labels(self.camera_id).inc()
        self._show(frame, analysis)
        if analysis.changes:
            evidence = await asyncio.to_thread(self._evidence, image, analysis.faces, analysis.changes)
            await self._record(analysis.changes, evidence)
        if self._challenges is not None:
            await self._challenges.saw(analysis.faces, frame.captured_at, frame.captured_monotonic)

    def _look(self, frame: Frame, areas: Areas) -> tuple[Pixels | None, LumaThumb]:
        """The picture to analyse, if it is worth it: what masks hide is not in it. Runs on a thread."""
        thumb = thumbnail(frame)
        wanted = self._when.wants(areas.stilled(thumb.pixels), frame.captured_monotonic)
        return areas.painted(frame.to_bgr()) if wanted else None, thumb

    async def finish(self) -> None:
        """The camera stops: whoever is in the picture has been seen for the last time."""
        self._unwritten = last = [*self._unwritten, *self._analyser.resolver.close_all(self._clock.now())]
        try:
            await self._backlog.drain()
            await self._keep_unwritten(last, {})
            await self._backlog.drain()
        finally:
            if lost := self.unrecorded + bool(self._unwritten):
                structlog.get_logger(__name__).error("never_recorded", camera=self.camera_id, frames=lost)
            if self._clips is not None:
                await self._clips.finish()

    def _show(self, frame: Frame, analysis: Analysis) -> None:
        tracks = track_messages(analysis.faces, frame.width, frame.height, self._roster)
        self._motion.saw(frame.pts, tracks)
        self._screens.publish_volatile(
            f"cameras/{self.camera_id}/tracks",
            "tracks.updated",
            f"cameras/{self.camera_id}",
            {
                "cameraId": self.camera_id,
                "frame": {
                    "pts": frame.pts,
                    "rtpTimestamp": rtp_timestamp(frame.pts),
                    "capturedAt": rfc3339(frame.captured_at),
                    "width": frame.width,
                    "height": frame.height,
                },
                "tracks": tracks,
            },
        )

    def _evidence(
        self, image: Pixels, faces: Sequence[SeenFace], changes: Sequence[SightingChange]
    ) -> dict[str, Evidence]:
        """Pictures for the sightings that this very frame has opened or decided."""
        tracks = {face.track.id: face.track for face in faces}
        return {
            change.sighting.id: take_evidence(
                image, tracks[change.sighting.track_id].box, self._budget.snapshot_quality
            )
            for change in changes
            if change.kind in ("recognized", "unknown") and change.sighting.track_id in tracks
        }

    async def record(self, changes: Sequence[SightingChange]) -> None:
        """What somebody else has decided of sightings here, in its turn after what the camera has decided."""
        await self._backlog.add(changes, {})
        await self._backlog.settled()

    async def caught_up(self) -> None:
        """Waits until what has been decided is written, as long as it becomes less."""
        await self._backlog.caught_up()

    async def _record(self, changes: Sequence[SightingChange], evidence: Mapping[str, Evidence]) -> None:
        if not changes:
            return
        self._unwritten = changes
        # At once, and not when it is written: packets of this moment are in memory for seconds only.
        if self._clips is not None:
            self._clips.saw(changes)
        await self._keep_unwritten(changes, evidence)
        await self._backlog.settled()

    async def _keep_unwritten(self, changes: Sequence[SightingChange], evidence: Mapping[str, Evidence]) -> None:
        await self._backlog.add(changes, evidence)
        self._unwritten = ()

    def _recorded(self, changes: Sequence[SightingChange], recorded: Recorded) -> None:
        opened = [change for change in changes if change.opened]
        for change in opened:
            self._metrics.sightings.labels(change.kind).inc()
        if opened:  # they were last seen in the frame that has opened them
            took = self._clock.now() - opened[0].sighting.last_seen_at
            self._metrics.event_latency.observe(max(0.0, took.total_seconds()))
        for entry in recorded.entries:
            self._metrics.entries.labels(entry.direction).inc()
            structlog.get_logger(__name__).info(
                "entry_recorded", camera=self.camera_id, person=entry.person_id, direction=entry.direction
            )
