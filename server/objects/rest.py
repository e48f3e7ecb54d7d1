"""Leaves one alone that does not answer, so that not everybody waits for it; then lets one of them try."""

from server.clock import Clock
from server.supervise import Backoff


class Rest:
    """Asked before each request and told of its end. Pauses grow from `first_s` to `cap_s` while nobody answers."""

    def __init__(self, clock: Clock, *, first_s: float, cap_s: float, try_s: float) -> None:
        self._clock = clock
        self._backoff = Backoff(first_s, cap_s)
        self._try_s = try_s
        self._until = clock.monotonic()
        self._silences = 0
        self._away = False

    def begin(self) -> int | None:
        """A number for `silent`, or None while it rests."""
        now = self._clock.monotonic()
        if now < self._until:
            return None
        if self._away:
            # This one tries. The others wait for what comes of it, and no longer than a try may take.
            self._until = now + self._try_s
        return self._silences

    def answered(self) -> None:
        """Whatever the answer was."""
        if self._away:
            self.end()

    def silent(self, begun: int) -> None:
        """No answer came. Of many that began together the first counts."""
        if begun == self._silences:
            self._silences += 1
            self._away = True
            self._until = self._clock.monotonic() + self._backoff.next()

    def end(self) -> None:
        """The next may ask at once."""
        self._away = False
        self._until = self._clock.monotonic()
        self._backoff.reset()
