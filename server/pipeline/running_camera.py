"""One camera that runs: its parts, and that each of them is there again when it fails; at its end it is written."""

import asyncio
from dataclasses import dataclass

import structlog

from server.media.areas import Areas
from server.media.camera_stream import CameraStream
from server.media.reasons import reason_text
from server.media.status import CameraState, StreamStatus
from server.pipeline.camera import CameraLoop
from server.pipeline.in_order import InOrder
from server.pipeline.live import Live
from server.pipeline.stills import Stills
from server.pipeline.zoning import Zoning
from server.store.tables import Camera
from server.store.views import CameraStatus
from server.supervise import Backoff, said, supervise

# A camera that stops is waited for as long as something is written, and no longer than that.
WITHIN_S, LONGEST_S = 5.0, 20.0
LONGEST_ALONE_S = 300.0  # when the process does not end: nobody else ends it then


@dataclass(eq=False)
class RunningCamera:
    """What belongs to a camera from its start to its stop."""

    camera: Camera
    stream: CameraStream
    sub: CameraStream | None
    loop: CameraLoop
    live: Live
    stills: Stills
    zoning: Zoning
    task: asyncio.Task[None] | None = None
    stops_alone: bool = False

    def rezone(self, areas: Areas) -> None:
        if areas != self.zoning.now:
            self.zoning.now = areas
            self.stills.forget()
            self.live.rezoned()

    async def look_after(self, in_order: InOrder) -> None:
        """Until cancelled, and then until it is written."""
        camera_id = self.camera.id
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(supervise(f"stream {camera_id}", self.stream.run, backoff=Backoff()))
                if self.sub is not None:
                    tasks.create_task(supervise(f"sub stream {camera_id}", self.sub.run, backoff=Backoff()))
                tasks.create_task(supervise(f"analysis {camera_id}", self.loop.run, backoff=Backoff()))
                tasks.create_task(self.live.run())
        finally:
            try:
                async with in_order.patiently(WITHIN_S, LONGEST_ALONE_S if self.stops_alone else LONGEST_S):
                    await self.loop.finish()
            except Exception as error:  # noqa: BLE001 - what one camera cannot write does not end the others
                structlog.get_logger(__name__).error("sightings_left_open", camera=camera_id, reason=said(error))


def analysed(stream: CameraStream, sub: CameraStream | None) -> CameraStream:
    """The smaller picture, where there is one and it comes; otherwise the picture that is shown."""
    lost = sub is None or sub.status.state in (CameraState.offline, CameraState.stalled)
    return stream if sub is None or lost else sub


def told(status: StreamStatus, latency_ms: float | None) -> CameraStatus:
    """What is said of a stream."""
    return CameraStatus(
        state=status.state.value,
        reason=status.reason,
        explanation=reason_text(status.reason) if status.reason else None,
        since=status.since,
        width=status.width,
        height=status.height,
        codec=status.codec,
        fps=round(status.fps, 1),
        bitrate_kbps=status.bitrate_kbps,
        latency_ms=round(latency_ms or 0.0, 1),
        dropped=status.dropped,
    )
