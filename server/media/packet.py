"""An encoded packet on the camera's own time line, with the time at which it arrived."""

from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

import av

TICKS = 90_000
TIME_BASE = Fraction(1, TICKS)


@dataclass(frozen=True, slots=True, eq=False)
class Packet:
    """One encoded picture. H.264 and HEVC are in Annex B form, with the parameter sets before every keyframe.

    `pts` and `dts` count in `TIME_BASE` on the line that `Frame.pts` is on too. Many readers share `encoded`: it is
    read, never changed. `cached` packets are of the past: they only let a late reader decode what follows them.
    """

    encoded: "av.Packet[av.VideoStream]"
    pts: int
    dts: int
    keyframe: bool
    captured_at: datetime
    captured_monotonic: float
    cached: bool = False

    @property
    def time_base(self) -> Fraction:
        return TIME_BASE

    @property
    def size(self) -> int:
        return self.encoded.size


def rtp_timestamp(pts: int) -> int:
    """What a viewer sees of a picture's time: 32 bits of its pts. Our senders begin at 0, so it is the same for all."""
    return pts & 0xFFFFFFFF
