"""Publication: what one publisher sends, on its way from the event loop to the camera's thread, bounded and counted."""

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from server.clock import Clock
from server.media.units import PushedCodec, is_keyframe

_LIMIT = 90
_LIMIT_BYTES = 12 * 1024 * 1024
_KEYFRAME_EVERY_S = 4.0
_ASK_EVERY_S = 1.0


@dataclass(frozen=True, slots=True)
class Pushed:
    """One encoded picture as it came, with its arrival."""

    encoded: bytes
    rtp_timestamp: int
    keyframe: bool
    arrived_at: datetime
    arrived_s: float


class Publication:
    """`put` and `ask` on the event loop, `take` on the camera's thread.

    When the thread is behind, what comes is lost up to the next keyframe, for which the publisher is asked.
    """

    def __init__(self, codec: PushedCodec, want_keyframe: Callable[[], None], clock: Clock) -> None:
        self.codec = codec
        self.dropped = 0
        self.closed = False
        self._want_keyframe = want_keyframe
        self._clock = clock
        self._ready = threading.Condition()
        self._queue: deque[Pushed] = deque()
        self._bytes = 0
        self._skipping = True
        self._keyframe_s: float | None = None
        self._asked_s = float("-inf")

    def put(self, data: bytes, rtp_timestamp: int) -> None:
        """One picture: H.264 as an access unit in Annex B form, or VP8. Never blocks; after the end it does nothing."""
        if self.closed or not data:
            return
        keyframe = is_keyframe(self.codec, data)
        now_s = self._clock.monotonic()
        if keyframe:
            self._keyframe_s = now_s
        with self._ready:
            full = len(self._queue) >= _LIMIT or self._bytes + len(data) > _LIMIT_BYTES
            if keyframe:
                if full:
                    self.dropped += len(self._queue)
                    self._forget()
                self._skipping = False
            elif full or self._skipping:
                # Before the first keyframe nothing was promised.
                self.dropped += self._keyframe_s is not None
                self._skipping = True
            if not self._skipping:
                self._queue.append(Pushed(data, rtp_timestamp, keyframe, self._clock.now(), now_s))
                self._bytes += len(data)
                self._ready.notify()
        # Browsers send keyframes only when they are asked; a short group lets the next viewer in quickly.
        if self._skipping or self._keyframe_s is None or now_s - self._keyframe_s >= _KEYFRAME_EVERY_S:
            self.ask()

    def ask(self) -> None:
        """Somebody needs a keyframe. The publisher is asked once a second at most."""
        now_s = self._clock.monotonic()
        if not self.closed and now_s - self._asked_s >= _ASK_EVERY_S:
            self._asked_s = now_s
            self._want_keyframe()

    def take(self, timeout_s: float, stop: threading.Event) -> Pushed | None:
        """The oldest picture. None after so long without any, at a stop (see `wake`) and at the end (see `closed`)."""
        with self._ready:
            self._ready.wait_for(lambda: self._queue or self.closed or stop.is_set(), timeout_s)
            if stop.is_set() or not self._queue:
                return None
            pushed = self._queue.popleft()
            self._bytes -= len(pushed.encoded)
            return pushed

    def wake(self) -> None:
        """Whoever waits looks at the stop again."""
        with self._ready:
            self._ready.notify_all()

    def restart(self) -> None:
        """What comes is read anew, so it has to begin with a keyframe."""
        with self._ready:
            if not (self._queue and self._queue[0].keyframe):
                self._forget()
                self._skipping = True

    def close(self) -> None:
        """Nothing more will come. May be called twice, from any thread."""
        with self._ready:
            self.closed = True
            self._forget()
            self._ready.notify_all()

    def _forget(self) -> None:
        self._queue.clear()
        self._bytes = 0
