"""A camera in a process of its own: RTSP on loopback, and each frame leaves at the moment that its clock shows.

    python -m bench.parts.clock_camera FILM.mp4

Says its address, the wall-clock time at which frame 0 left (so a reader of the picture knows how old it is) and how
many frames the film has before it begins again. Every client gets the same frames at the same time.
"""

import json
import socket
import struct
import sys
import time
from pathlib import Path

from server.clock import SystemClock
from tests.media.rtsp_server import RtspCamera, _fragments

LATE_S = 1.0
CLOCK_HZ = 90_000


class ClockCamera(RtspCamera):
    """The camera of the tests, but with one clock for all of its clients. A client that falls behind loses frames."""

    def __post_init__(self) -> None:
        super().__post_init__()
        # Parameter sets only in the description, as many cameras have it.
        self._payloads = [
            [part for unit in units if unit[0] & 31 < 6 for part in _fragments(unit)] for units in self._units
        ]
        self._keyframes = [any(unit[0] & 31 == 5 for unit in units) for units in self._units]
        self._origin_s = time.monotonic()
        self.origin_ms = SystemClock().now().timestamp() * 1000

    @property
    def frames(self) -> int:
        return len(self._units)

    def _next_keyframe(self) -> int:
        number = int((time.monotonic() - self._origin_s) / self._step_s) + 1
        while not self._keyframes[number % self.frames]:
            number += 1
        return number

    def _play(self, client: socket.socket) -> None:
        sequence, number = 0, self._next_keyframe()
        try:
            while client.fileno() >= 0:
                early_s = self._origin_s + number * self._step_s - time.monotonic()
                if early_s < -LATE_S:
                    number = self._next_keyframe()
                    continue
                time.sleep(max(0.0, early_s))
                stamp = round(number * self._step_s * CLOCK_HZ) & 0xFFFFFFFF
                payloads = self._payloads[number % self.frames]
                packets = []
                for index, payload in enumerate(payloads):
                    marker = 0x80 if index == len(payloads) - 1 else 0
                    head = struct.pack("!BBHII", 0x80, 96 | marker, sequence & 0xFFFF, stamp, 7)
                    packets.append(b"$\x00" + struct.pack("!H", len(head) + len(payload)) + head + payload)
                    sequence += 1
                client.sendall(b"".join(packets))
                number += 1
        except OSError:
            return


def main() -> None:
    with ClockCamera(Path(sys.argv[1])) as camera:
        said = {"url": camera.url, "origin_ms": camera.origin_ms, "frames": camera.frames}
        print(json.dumps(said), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
