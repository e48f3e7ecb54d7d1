"""RTP timestamps of one viewer: a live picture has its pts, what was kept for who comes late is pressed together."""

from server.media.packet import TICKS, Packet

_BEFORE_NOW = TICKS // 10


class Stamps:
    """Grows with every picture, so that a browser never takes one for older than the last.

    A browser shows pictures as far apart as their timestamps are. The kept ones are to be decoded, not watched: with
    their own timestamps a viewer would stay as far behind as the group of pictures is long.
    """

    def __init__(self) -> None:
        self._last: int | None = None

    def next(self, packet: Packet, now_s: float) -> int:
        """In 1/90000 s, not yet cut to 32 bits. `now_s` is on the clock of `captured_monotonic`."""
        if packet.cached:
            live = packet.pts + round((now_s - packet.captured_monotonic) * TICKS)
            at = live - _BEFORE_NOW if self._last is None else self._last + 1
        else:
            at = packet.pts
        if self._last is not None:
            at = max(at, self._last + 1)
        self._last = at
        return at
