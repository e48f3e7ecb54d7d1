"""How much one viewer is sent: all of it, until its reports tell of loss. Pure: bytes and times in, yes or no."""

_MUCH_LOST = 0.10
_LITTLE_LOST = 0.02
_GROWTH = 1.08
_LEAST = 8_000.0
_BURST_S = 0.5
_WINDOW_S = 1.0


class Pace:
    """A picture that does not fit is dropped with all that need it, up to the next keyframe. Nothing waits."""

    def __init__(self) -> None:
        self.dropped = 0
        self._lost_before = False
        self._rate: float | None = None  # bytes a second; None while nothing is lost
        self._room = 0.0
        self._room_s = 0.0
        self._skipping = False
        self._wanted = 0.0  # bytes a second, smoothed over about a second
        self._wanted_s: float | None = None

    @property
    def limited(self) -> bool:
        """Whether the viewer's network takes less than the camera gives."""
        return self._rate is not None

    @property
    def bit_rate(self) -> int | None:
        """What the viewer's network takes, in bits a second; None while it takes everything."""
        return None if self._rate is None else round(self._rate * 8)

    def reported(self, fraction_lost: float, now_s: float) -> None:
        """A receiver report: which part of what was sent since the last one has not arrived, 0 to 1."""
        much, before = fraction_lost > _MUCH_LOST, self._lost_before
        self._lost_before = much
        if much:
            if self._rate is None:
                if not before:
                    # Once happens to every network, and to who is sent a whole group of pictures at the beginning.
                    return
                self._rate, self._room, self._room_s = self._wanted, 0.0, now_s
            self._rate = max(_LEAST, self._rate * (1 - 0.5 * fraction_lost))
        elif fraction_lost < _LITTLE_LOST and self._rate is not None:
            self._rate *= _GROWTH
            if self._rate > 1.5 * self._wanted:
                self._rate = None

    def admits(self, size: int, keyframe: bool, now_s: float) -> bool:
        """Whether a picture of so many bytes is sent. One that is not is counted."""
        self._measure(size, now_s)
        if keyframe:
            self._skipping = False
        if self._rate is not None and not self._skipping:
            self._room = min(self._room + self._rate * (now_s - self._room_s), self._rate * _BURST_S)
            self._room_s = now_s
            # In debt nothing goes out; who has any room left may overdraw, or a large keyframe would never fit.
            if self._room <= 0:
                self._skipping = True
            else:
                self._room -= size
        self.dropped += self._skipping
        return not self._skipping

    def _measure(self, size: int, now_s: float) -> None:
        if self._wanted_s is not None:
            self._wanted *= max(0.0, 1 - (now_s - self._wanted_s) / _WINDOW_S)
        self._wanted += size / _WINDOW_S
        self._wanted_s = now_s
