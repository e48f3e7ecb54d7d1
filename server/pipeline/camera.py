"""The loop of one camera: a frame on its budget, its analysis, boxes for the screens, changes for the record."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC
from typing import Protocol

import structlog
from sqlalchemy.exc import SQLAlchemyError

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
from server.pipeline.challenges import Challenges
from server.pipeline.clips import CameraClips
from server.pipeline.evidence import Evidence, take_evidence
from server.pipeline.motion import Motion
from server.pipeline.record import Recorded, Recorder
from server.pipeline.roster import Roster
from server.pipeline.when import When
from server.pipeline.zoning import Zoning
from server.supervise import Backoff
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
        # Decided but not yet known to be written; a camera that is stopped in between writes it while it ends.
        self._unwritten: Sequence[SightingChange] = ()

    @property
    def resolver(self) -> Resolver:
        return self._analyser.resolver

    @property
    def trouble(self) -> Trouble | None:
        """What is wrong with the picture, though it comes: it is frozen, or black."""
        return self._watch.trouble(self._clock.monotonic())

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            if self._clips is not None:
                tasks.create_task(self._clips.run())
            tasks.create_task(self._analyse())

    async def _analyse(self) -> None:
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
        if analysis.faces:
            self._when.saw_faces(frame.captured_monotonic)
        self._unwritten = analysis.changes
        self.analysed += 1
        self._metrics.frames.labels(self.camera_id).inc()
        self._show(frame, analysis)
        if analysis.changes:
            evidence = await asyncio.to_thread(self._evidence, image, analysis.faces, analysis.changes)
            await self._record(analysis.changes, evidence)
            if any(change.opened for change in analysis.changes):
                self._metrics.event_latency.observe(self._clock.monotonic() - frame.captured_monotonic)
        if self._challenges is not None:
            await self._challenges.saw(analysis.faces, frame.captured_at, frame.captured_monotonic)

    def _look(self, frame: Frame, areas: Areas) -> tuple[Pixels | None, LumaThumb]:
        """The picture to analyse, if it is worth it: what masks hide is not in it. Runs on a thread."""
        thumb = thumbnail(frame)
        wanted = self._when.wants(areas.stilled(thumb.pixels), frame.captured_monotonic)
        return areas.painted(frame.to_bgr()) if wanted else None, thumb

    async def finish(self) -> None:
        """The camera stops: whoever is in the picture has been seen for the last time."""
        try:
            await self._record([*self._unwritten, *self._analyser.resolver.close_all(self._clock.now())], {})
        finally:
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

    async def _record(self, changes: Sequence[SightingChange], evidence: Mapping[str, Evidence]) -> None:
        if not changes:
            return
        self._unwritten = changes
        recorded = await self._keep_trying(changes, evidence)
        self._unwritten = ()
        if self._clips is not None:
            self._clips.saw(changes)
        for change in changes:
            if change.opened:
                self._metrics.sightings.labels(change.kind).inc()
        for entry in recorded.entries:
            self._metrics.entries.labels(entry.direction).inc()
            structlog.get_logger(__name__).info(
                "entry_recorded", camera=self.camera_id, person=entry.person_id, direction=entry.direction
            )

    async def _keep_trying(self, changes: Sequence[SightingChange], evidence: Mapping[str, Evidence]) -> Recorded:
        """A database that is away for a while costs frames, never a check-in: this camera waits until it is written."""
        backoff = Backoff(first_s=0.2, cap_s=5.0)
        while True:
            try:
                return await self._recorder.record(self.camera_id, changes, evidence)
            except (SQLAlchemyError, OSError) as error:
                wait_s = backoff.next()
                structlog.get_logger(__name__).error(
                    "not_recorded_yet", camera=self.camera_id, reason=type(error).__name__, again_in_s=round(wait_s, 1)
                )
                await asyncio.sleep(wait_s)
