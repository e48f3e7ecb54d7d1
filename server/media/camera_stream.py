"""CameraStream: what every camera offers, however its packets come: its readers, its facts and its state."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace

from server.clock import Clock
from server.media.frame import Frame
from server.media.mailbox import Mailbox
from server.media.outlets import Outlets
from server.media.packets import PacketQueue
from server.media.source import VideoFacts
from server.media.status import CameraState, Meter, StreamStatus
from server.media.timeline import Timeline


class CameraStream(ABC):
    """Readers may join before the camera runs, and stay over restarts. Each is bounded, and none holds up another."""

    def __init__(self, camera_id: str, *, clock: Clock, on_status: Callable[[StreamStatus], None] | None) -> None:
        self.camera_id = camera_id
        self._clock = clock
        self._on_status = on_status
        self._meter = Meter()
        self._timeline = Timeline(clock.monotonic())
        self._outlets = Outlets(camera_id, clock, self._meter)
        self._state = StreamStatus(CameraState.connecting, None, clock.now())
        self._shown = False

    @abstractmethod
    async def run(self) -> None:
        """Keeps the camera going until cancelled; afterwards the status is `disabled`, untold."""

    @property
    def status(self) -> StreamStatus:
        """As it is now; `state` and `reason` are what was last told to `on_status`."""
        online = self._state.state is CameraState.online
        facts = self._outlets.facts if self._shown else None
        return replace(
            self._state,
            width=facts.width if facts else None,
            height=facts.height if facts else None,
            codec=facts.codec if facts else None,
            fps=self._meter.fps(self._clock.monotonic()) if online else 0.0,
            bitrate_kbps=self._meter.bitrate_kbps(self._clock.monotonic()) if online else None,
            latency_ms=self._meter.latency_ms if online else None,
            dropped=self._dropped,
        )

    @property
    def facts(self) -> VideoFacts | None:
        """What is known of the video: of the current opening, or of the last one; None before the first."""
        return self._outlets.facts

    def frames(self) -> AbstractContextManager[Mailbox[Frame]]:
        """A decoded reader: the newest frame wins. Nothing is decoded while nobody has one."""
        return self._outlets.frames()

    def packets(self, limit: int = 256) -> AbstractContextManager[PacketQueue]:
        """An encoded reader: begins with the current GOP; when it is full it loses packets up to the next keyframe."""
        return self._outlets.packets(limit)

    def refill(self, queue: PacketQueue) -> None:
        """An encoded reader cannot go on: it gets the current GOP again, instead of what was queued for it."""
        self._outlets.refill(queue)

    def latest(self) -> Frame | None:
        """The newest decoded frame, if somebody reads frames."""
        return self._outlets.latest

    @property
    def _dropped(self) -> int:
        return self._outlets.dropped

    def _set(self, state: CameraState, reason: str | None) -> None:
        if (state, reason) == (self._state.state, self._state.reason) and state is not CameraState.connecting:
            return
        self._shown |= state is CameraState.online
        self._state = replace(self._state, state=state, reason=reason, since=self._clock.now())
        if self._on_status is not None:
            self._on_status(self.status)

    def _disabled(self) -> None:
        """The end of `run`, untold."""
        self._state = replace(self._state, state=CameraState.disabled, reason=None, since=self._clock.now())
