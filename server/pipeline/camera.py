"""The loop of one camera: a frame on its budget, its analysis, boxes for the screens, changes for the record."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

import structlog
from sqlalchemy.exc import SQLAlchemyError

from server.clock import Clock
from server.errors import TooMany
from server.identity.resolver import Resolver
from server.identity.sightings import SightingChange
from server.inference.loop import StaleFrame
from server.media.frame import Frame, Pixels
from server.media.mailbox import Mailbox
from server.media.packet import rtp_timestamp
from server.pipeline.analyse import Analyser, Analysis, SeenFace, track_messages
from server.pipeline.evidence import Evidence, take_evidence
from server.pipeline.motion import Motion
from server.pipeline.record import Recorded, Recorder
from server.pipeline.roster import Roster
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
    """Takes the newest frame, one at a time: order needs no lock, and a slow machine skips frames."""

    def __init__(
        self,
        camera_id: str,
        video: Video,
        analyser: Analyser,
        recorder: Recorder,
        roster: Roster,
        screens: Screens,
        metrics: Metrics,
        clock: Clock,
        budget: Budget,
        motion: Motion,
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
        self.analysed = 0
        # Decided but not yet known to be written; a camera that is stopped in between writes it while it ends.
        self._unwritten: Sequence[SightingChange] = ()

    @property
    def resolver(self) -> Resolver:
        return self._analyser.resolver

    async def run(self) -> None:
        """Until cancelled."""
        interval = 1.0 / self._budget.frames_per_second
        due = 0.0
        with self._video.frames() as mailbox:
            while True:
                try:
                    async with asyncio.timeout(1.0):
                        frame = await mailbox.take()
                except TimeoutError:
                    await self._record(self._analyser.resolver.tick(self._clock.now()), {})
                    continue
                # A little early is on time: frames come on the camera's own grid.
                if frame.captured_monotonic < due - 0.02:
                    continue
                due = max(due + interval, frame.captured_monotonic)
                await self.take(frame)

    async def take(self, frame: Frame) -> None:
        """Analyses one frame and records what it changes."""
        image = await asyncio.to_thread(frame.to_bgr)
        try:
            analysis = await self._analyser.analyse(image, frame.captured_at, frame.captured_monotonic)
        except (StaleFrame, TooMany):  # the device is behind; the next frame is newer
            return
        self._unwritten = analysis.changes
        self.analysed += 1
        self._metrics.frames.labels(self.camera_id).inc()
        self._show(frame, analysis)
        if analysis.changes:
            evidence = await asyncio.to_thread(self._evidence, image, analysis.faces, analysis.changes)
            await self._record(analysis.changes, evidence)
            if any(change.opened for change in analysis.changes):
                self._metrics.event_latency.observe(self._clock.monotonic() - frame.captured_monotonic)

    async def finish(self) -> None:
        """The camera stops: whoever is in the picture has been seen for the last time."""
        await self._record([*self._unwritten, *self._analyser.resolver.close_all(self._clock.now())], {})

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
