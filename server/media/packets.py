"""PacketQueue: encoded packets for one viewer; when it is full it loses packets up to the next keyframe, counted."""

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Sequence

from server.media.mailbox import Closed
from server.media.packet import Packet


class PacketQueue:
    """Filled from the camera's thread, emptied by one task. What is taken can be decoded: no gap but at a keyframe.

    A viewer so slow that there is still no room when the next keyframe comes loses what is queued and jumps to it.
    """

    def __init__(
        self, limit: int = 256, first: Sequence[Packet] = (), loop: asyncio.AbstractEventLoop | None = None
    ) -> None:
        self._loop = loop or asyncio.get_running_loop()
        self._least = limit
        self._limit = max(limit, len(first) + limit // 2)
        self._lock = threading.Lock()
        self._queue: deque[Packet] = deque()
        self._started = False
        self._skipping = True
        self._waking = False
        self._closed = False
        self._arrival = asyncio.Event()
        self.dropped = 0
        for packet in first:
            self._append(packet)

    def put_threadsafe(self, packet: Packet) -> None:
        """Put from any thread; after close() it does nothing."""
        put_into((self,), packet)

    def _offer(self, packet: Packet) -> bool:
        """Whether its reader is to be woken."""
        with self._lock:
            if self._closed:
                return False
            self._append(packet)
            woken, self._waking = self._waking, True
            return not woken

    def refill(self, first: Sequence[Packet]) -> None:
        """Replaces what is queued by these, from a keyframe on; what they do not repeat is lost, and counted."""
        if not first:
            return
        with self._lock:
            if self._closed:
                return
            self.dropped += sum(packet.dts < first[0].dts for packet in self._queue)
            self._queue.clear()
            self._limit = max(self._least, len(first) + self._least // 2)
            for packet in first:
                self._append(packet)
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._arrival.set)

    def skip(self) -> None:
        """What comes next does not follow: nothing of it is taken before the next keyframe."""
        with self._lock:
            self._skipping = True

    def _append(self, packet: Packet) -> None:
        full = len(self._queue) >= self._limit
        if packet.keyframe:
            if full:
                self.dropped += len(self._queue)
                self._queue.clear()
            self._started, self._skipping = True, False
        elif full or self._skipping:
            # Before the first keyframe nothing was promised, so nothing is counted.
            self.dropped += self._started
            self._skipping = True
            return
        self._queue.append(packet)

    async def take(self) -> Packet:
        """The oldest packet, once there is one. May be cancelled without losing anything; raises Closed."""
        while True:
            with self._lock:
                if self._queue:
                    return self._queue.popleft()
                if self._closed:
                    raise Closed
                self._arrival.clear()
            await self._arrival.wait()

    def close(self) -> None:
        """Ends the wait of the reader. May be called twice, from any thread."""
        with self._lock:
            self._closed = True
            self._queue.clear()
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._arrival.set)

    def __len__(self) -> int:
        return len(self._queue)

    def _arrived(self) -> None:
        with self._lock:
            self._waking = False
        self._arrival.set()


def put_into(queues: Sequence[PacketQueue], packet: Packet) -> None:
    """Put into all of them, of one event loop, from any thread: with one wake-up, as each costs a system call."""
    waiting = [queue for queue in queues if queue._offer(packet)]  # noqa: SLF001
    if not waiting:
        return

    def wake() -> None:
        for queue in waiting:
            queue._arrived()  # noqa: SLF001

    # The loop may be closed already when a thread brings its last packet.
    with contextlib.suppress(RuntimeError):
        waiting[0]._loop.call_soon_threadsafe(wake)  # noqa: SLF001
