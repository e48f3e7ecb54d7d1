"""An RTSP camera that misbehaves: damages or loses what it sends, or becomes another picture in mid-stream."""

import random
from dataclasses import dataclass
from pathlib import Path

from tests.media.rtsp_server import RtspCamera, _fragments, _read


@dataclass
class OddCamera(RtspCamera):
    """Tells its parameter sets in its description, and again before each keyframe, as cameras do that change them.

    `damage` and `loss` are the chances that an RTP packet has a wrong byte, or is not sent.
    """

    damage: float = 0.0
    loss: float = 0.0

    def show(self, film: Path) -> None:
        """From where the current film would begin again, in the same session."""
        self._units, self._step_s = _read(film)

    def _packed(self, units: list[bytes]) -> list[bytes]:
        packets = [part for unit in units for part in _fragments(unit)]
        return [self._damaged(packet) for packet in packets if random.random() >= self.loss]

    def _damaged(self, packet: bytes) -> bytes:
        if random.random() >= self.damage:
            return packet
        wrong = bytearray(packet)
        wrong[random.randrange(len(wrong))] ^= 0x55
        return bytes(wrong)
