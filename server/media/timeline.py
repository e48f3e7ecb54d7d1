"""One continuous time line for a camera: over loops, reconnects, jumps, and packets without any timestamp."""

from fractions import Fraction

from server.media.packet import TICKS, TIME_BASE

_JUMP = 5 * TICKS
_REORDER = 1 * TICKS
_STEP = TICKS // 25


class Timeline:
    """Gives each packet its place. Never goes backwards, and jumps ahead only as far as real time has passed."""

    def __init__(self, origin_s: float) -> None:
        self._origin_s = origin_s
        self._offset: int | None = None
        self._follow = False
        self._last: int | None = None
        self._arrived_s: float | None = None
        self._step = _STEP

    def reopened(self, rate: float | None = None) -> None:
        """The next packet is the first of a new opening: it is placed at its time of arrival."""
        self._offset, self._follow = None, False
        if rate is not None and 1.0 <= rate <= 240.0:
            self._step = round(TICKS / rate)

    def looped(self) -> None:
        """The next packet starts the file again: it is placed one frame after the last."""
        self._offset, self._follow = None, True

    def place(
        self, pts: int | None, dts: int | None, time_base: Fraction | None, arrived_s: float, *, live: bool
    ) -> tuple[int, int]:
        """(pts, dts) in TIME_BASE. `live` packets arrive when they are due; those of a file may arrive in a bunch."""
        arrived = round((arrived_s - self._origin_s) * TICKS)
        waited_s = 0.0 if self._arrived_s is None else arrived_s - self._arrived_s
        elapsed = round(waited_s * TICKS) if live else 0
        self._arrived_s = arrived_s
        base = time_base or TIME_BASE
        shown = None if pts is None else round(pts * base / TIME_BASE)
        decoded = shown if dts is None else round(dts * base / TIME_BASE)
        if decoded is None:
            self._offset = None
            placed = self._put(arrived if live or self._last is None else self._last + self._step)
            return placed, placed
        if self._offset is None:
            self._offset = self._anchor(arrived) - decoded
        elif self._last is not None:
            ahead = decoded + self._offset - self._last
            earliest = -_REORDER if dts is None else 1
            if ahead < earliest or ahead > elapsed + _JUMP:
                self._offset = self._last + max(self._step, min(elapsed, 3600 * TICKS)) - decoded
            elif 0 < ahead <= TICKS:
                self._step = ahead
        offset = self._offset
        placed = self._put(decoded + offset)
        return (placed if shown is None else shown + offset), placed

    def _anchor(self, arrived: int) -> int:
        if self._last is None:
            return arrived
        following = self._last + self._step
        return following if self._follow else max(following, arrived)

    def _put(self, at: int) -> int:
        self._last = at if self._last is None else max(at, self._last + 1)
        return self._last
