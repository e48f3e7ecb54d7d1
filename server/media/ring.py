"""PacketRing: the last seconds of a camera's encoded packets, whole GOPs, bounded by seconds and by bytes."""

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime

from server.media.packet import Packet

KEEP_S = 8.0
LONGEST_GROUP_S = 20.0
LIMIT_BYTES = 16 * 1024 * 1024


@dataclass(slots=True, eq=False)
class _Group:
    """A keyframe and what needs it."""

    packets: list[Packet] = field(default_factory=list)
    size: int = 0

    @property
    def began_s(self) -> float:
        return self.packets[0].captured_monotonic


class PacketRing:
    """Keeps at least `keep_s`, where the bytes allow it. The oldest group goes first, never a part of one.

    A group that alone is longer or larger than the limits goes too: then there is nothing until the next keyframe.
    `dropped` counts the packets that had to go before their time.
    """

    def __init__(
        self,
        keep_s: float = KEEP_S,
        limit_bytes: int = LIMIT_BYTES,
        longest_group_s: float = LONGEST_GROUP_S,
    ) -> None:
        self._keep_s = keep_s
        self._limit_bytes = limit_bytes
        self._longest_group_s = longest_group_s
        self._groups: deque[_Group] = deque()
        self._bytes = 0
        self.dropped = 0

    def add(self, packet: Packet) -> None:
        """The next packet; before the first keyframe there is nothing to add it to."""
        if packet.keyframe:
            self._groups.append(_Group())
        elif not self._groups:
            return
        newest = self._groups[-1]
        newest.packets.append(packet)
        newest.size += packet.size
        self._bytes += packet.size
        now_s = packet.captured_monotonic
        while len(self._groups) > 1 and now_s - self._groups[1].began_s >= self._keep_s:
            self._let_go()
        while self._groups and self._bytes > self._limit_bytes:
            self.dropped += self._let_go()
        if self._groups and now_s - self._groups[-1].began_s > self._longest_group_s:
            self.dropped += len(self)
            self.clear()

    def since(self, at: datetime) -> tuple[Packet, ...]:
        """From the last keyframe that came by then; from the oldest where none that old is held."""
        first = 0
        for index, group in enumerate(self._groups):
            if group.packets[0].captured_at <= at:
                first = index
        return tuple(packet for group in list(self._groups)[first:] for packet in group.packets)

    def clear(self) -> None:
        """What comes next does not follow what came."""
        self._groups.clear()
        self._bytes = 0

    def _let_go(self) -> int:
        oldest = self._groups.popleft()
        self._bytes -= oldest.size
        return len(oldest.packets)

    def __len__(self) -> int:
        return sum(len(group.packets) for group in self._groups)
