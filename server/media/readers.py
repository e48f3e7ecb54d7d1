"""PacketReaders: everybody who takes the packets of one camera or encoder; each begins with the current GOP."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from server.media.gop import Gop
from server.media.packet import Packet
from server.media.packets import PacketQueue, put_into


class PacketReaders:
    """Readers come and go on the event loop; packets come from any one thread. Nobody waits for anybody."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._queues: list[PacketQueue] = []
        self._gop = Gop()
        self._gone_dropped = 0

    @contextmanager
    def joined(self, limit: int, *, with_group: bool = True) -> Iterator[PacketQueue]:
        """A reader for as long as the block lasts: first what the GOP holds, marked as cached, then all that comes."""
        with self._lock:
            queue = PacketQueue(limit, self._cached() if with_group else ())
            self._queues.append(queue)
        try:
            yield queue
        finally:
            with self._lock:
                self._queues.remove(queue)
                self._gone_dropped += queue.dropped
            queue.close()

    def refill(self, queue: PacketQueue) -> bool:
        """Starts a reader again with the current GOP; false, and nothing is changed, where none is held."""
        with self._lock:
            first = self._cached()
            if first:
                queue.refill(first)
            return bool(first)

    def publish(self, packet: Packet) -> None:
        """Hand one packet to everybody."""
        with self._lock:
            self._gop.add(packet)
            put_into(self._queues, packet)

    def opened(self) -> None:
        """What comes next does not follow what came: the GOP is forgotten, and every reader waits for a keyframe."""
        with self._lock:
            self._gop.clear()
            for queue in self._queues:
                queue.skip()

    def close(self) -> None:
        """Ends the wait of every reader; they are still to leave their blocks."""
        with self._lock:
            self._gop.clear()
            for queue in self._queues:
                queue.close()

    def group(self) -> tuple[Packet, ...]:
        """The current GOP, as it came."""
        with self._lock:
            return self._gop.packets()

    @property
    def dropped(self) -> int:
        """What readers lost, those who have left included."""
        with self._lock:
            return self._gone_dropped + sum(queue.dropped for queue in self._queues)

    def __len__(self) -> int:
        return len(self._queues)

    def _cached(self) -> tuple[Packet, ...]:
        return tuple(replace(packet, cached=True) for packet in self._gop.packets())
