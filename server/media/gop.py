"""The packets since the last keyframe, for whoever joins; dropped whole when they grow beyond the limits."""

from server.media.packet import Packet


class Gop:
    """The current group of pictures. Too long or too large means empty until the next keyframe, never a part."""

    def __init__(self, limit: int = 600, limit_bytes: int = 24 * 1024 * 1024) -> None:
        self._limit = limit
        self._limit_bytes = limit_bytes
        self._packets: list[Packet] = []
        self._bytes = 0

    def add(self, packet: Packet) -> None:
        """Start again at a keyframe; otherwise grow, if there is a keyframe to grow from."""
        if packet.keyframe:
            self.clear()
        elif not self._packets:
            return
        self._packets.append(packet)
        self._bytes += packet.size
        if len(self._packets) > self._limit or self._bytes > self._limit_bytes:
            self.clear()

    def clear(self) -> None:
        """Forget all, until the next keyframe."""
        self._packets = []
        self._bytes = 0

    def packets(self) -> tuple[Packet, ...]:
        """A keyframe and all that followed; nothing if no keyframe is held."""
        return tuple(self._packets)

    def __len__(self) -> int:
        return len(self._packets)
