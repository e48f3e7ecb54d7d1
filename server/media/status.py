"""What is known about a camera's stream at this moment: its state with the reason, and how well it runs."""

from collections import deque
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

_WINDOW_S = 5.0


class CameraState(StrEnum):
    connecting = "connecting"
    online = "online"
    stalled = "stalled"
    offline = "offline"
    disabled = "disabled"


@dataclass(frozen=True, slots=True)
class StreamStatus:
    """`reason` is a code of `reasons.REASONS`; the rest is None until a picture has arrived."""

    state: CameraState
    reason: str | None
    since: datetime
    width: int | None = None
    height: int | None = None
    codec: str | None = None
    fps: float = 0.0
    latency_ms: float | None = None
    dropped: int = 0


class Meter:
    """Frames a second over a sliding window, and the smoothed time from arrival to decoded. Has no clock."""

    def __init__(self, window_s: float = _WINDOW_S) -> None:
        self._window_s = window_s
        self._arrivals: deque[float] = deque(maxlen=1200)
        self.latency_ms: float | None = None

    def arrived(self, at_s: float) -> None:
        """A packet of video arrived."""
        self._arrivals.append(at_s)

    def decoded(self, latency_s: float) -> None:
        """A frame is ready, so many seconds after its packet arrived."""
        latency_ms = latency_s * 1000.0
        self.latency_ms = latency_ms if self.latency_ms is None else self.latency_ms * 0.9 + latency_ms * 0.1

    def fps(self, now_s: float) -> float:
        """Arrivals a second in the window before `now_s`."""
        recent = [at for at in tuple(self._arrivals) if now_s - at <= self._window_s]
        if len(recent) < 2:
            return 0.0
        span_s = max(recent[-1] - recent[0], now_s - recent[0] - 1.0)
        return round((len(recent) - 1) / span_s, 2) if span_s > 0 else 0.0

    def reset(self) -> None:
        """The stream was opened again."""
        self._arrivals.clear()
        self.latency_ms = None
