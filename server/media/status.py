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
    bitrate_kbps: float | None = None
    latency_ms: float | None = None
    dropped: int = 0


class Meter:
    """Frames and bits a second over a sliding window, and the smoothed time from arrival to decoded. Has no clock."""

    def __init__(self, window_s: float = _WINDOW_S) -> None:
        self._window_s = window_s
        self._arrivals: deque[tuple[float, int]] = deque(maxlen=1200)
        self.latency_ms: float | None = None

    def arrived(self, at_s: float, size: int = 0) -> None:
        """A packet of video arrived, of so many bytes."""
        self._arrivals.append((at_s, size))

    def decoded(self, latency_s: float) -> None:
        """A frame is ready, so many seconds after its packet arrived."""
        latency_ms = latency_s * 1000.0
        self.latency_ms = latency_ms if self.latency_ms is None else self.latency_ms * 0.9 + latency_ms * 0.1

    def fps(self, now_s: float) -> float:
        """Arrivals a second in the window before `now_s`."""
        recent, span_s = self._recent(now_s)
        return round((len(recent) - 1) / span_s, 2) if span_s > 0 else 0.0

    def bitrate_kbps(self, now_s: float) -> float | None:
        """Thousands of bits a second in the window before `now_s`; None where nothing has come."""
        recent, span_s = self._recent(now_s)
        return round(sum(size for _, size in recent[1:]) * 8 / 1000 / span_s, 1) if span_s > 0 else None

    def _recent(self, now_s: float) -> tuple[list[tuple[float, int]], float]:
        """The arrivals in the window, and how many seconds lie between the first and the last."""
        recent = [one for one in tuple(self._arrivals) if now_s - one[0] <= self._window_s]
        if len(recent) < 2:
            return recent, 0.0
        return recent, max(recent[-1][0] - recent[0][0], now_s - recent[0][0] - 1.0)

    def reset(self) -> None:
        """The stream was opened again."""
        self._arrivals.clear()
        self.latency_ms = None
