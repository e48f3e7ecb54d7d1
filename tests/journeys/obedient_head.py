"""A camera on loopback before which a head does what it is asked: MJPEG whose next picture depends on the last word."""

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

import cv2
import numpy as np

from tests.journeys.films import Pixels, jpeg, turned

SIZE = (640, 480)
EVERY_S = 0.1
STEPS = 8  # pictures from rest to where it was asked to be
DEGREES, NEAR = 46.0, 1.55


class ObedientHead:
    """A portrait as a head: at rest, turned to either side, or near. It moves there, stays for a while and comes back.

    `nose` is its tip in the portrait, `eyes_px` the distance of the eyes there.
    """

    STAYS_S = 3.0

    def __init__(self, picture: Pixels, nose: tuple[int, int], eyes_px: int) -> None:
        shares = [step / STEPS for step in range(STEPS + 1)]
        self._moves = {
            "turn_left": [self._jpeg(picture, nose, eyes_px, DEGREES * share, 1.0) for share in shares],
            "turn_right": [self._jpeg(picture, nose, eyes_px, -DEGREES * share, 1.0) for share in shares],
            "come_closer": [self._jpeg(picture, nose, eyes_px, 0.0, 1 + (NEAR - 1) * share) for share in shares],
        }
        self._lock = threading.Lock()
        self._now, self._place, self._wanted, self._until = "turn_left", 0, "", 0.0
        self._server: ThreadingHTTPServer | None = None

    @staticmethod
    def _jpeg(picture: Pixels, nose: tuple[int, int], eyes_px: int, degrees: float, near: float) -> bytes:
        scale = SIZE[1] / picture.shape[0] * near
        move = np.array([[scale, 0, SIZE[0] / 2 - scale * nose[0]], [0, scale, SIZE[1] * 0.4 - scale * nose[1]]])
        bent = turned(picture, nose, eyes_px, degrees)
        return jpeg(np.asarray(cv2.warpAffine(bent, move, SIZE, borderValue=(176, 172, 168)), np.uint8), 90)

    def do(self, what: str) -> None:
        """`turn_left`, `turn_right` or `come_closer`; by way of looking ahead. Anything else is not understood."""
        if what in self._moves:
            with self._lock:
                self._wanted = what

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.server_port}/head"

    def __enter__(self) -> Self:
        head = self

        class Answer(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=picture")
                self.end_headers()
                try:
                    while head._server is not None:
                        picture = head._next()
                        part = f"--picture\r\nContent-Type: image/jpeg\r\nContent-Length: {len(picture)}\r\n\r\n"
                        self.wfile.write(part.encode() + picture + b"\r\n")
                        time.sleep(EVERY_S)
                except OSError:  # the camera is closed
                    self.close_connection = True

            def log_message(self, *_words: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.shutdown()
            server.server_close()

    def _next(self) -> bytes:
        """One picture on: back to rest first where something else is wanted, then there, and to rest again."""
        with self._lock:
            if self._wanted and self._place == 0:
                self._now, self._wanted, self._until = self._wanted, "", time.monotonic() + self.STAYS_S
            staying = not self._wanted and time.monotonic() < self._until
            self._place = min(STEPS, self._place + 1) if staying else max(0, self._place - 1)
            return self._moves[self._now][self._place]
