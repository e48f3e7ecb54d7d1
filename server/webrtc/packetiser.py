"""H.264 pictures as RTP payloads, cut once for all viewers."""

from collections import OrderedDict

import av
from aiortc.codecs.h264 import H264Encoder

from server.media.packet import Packet

_KEPT = 256

Payloads = list[bytes]


class Packetiser:
    """Remembers the last pictures: each viewer of a camera asks for the same ones within milliseconds."""

    def __init__(self) -> None:
        # With the packet itself, so that its id is not given to another one meanwhile.
        self._kept: OrderedDict[int, tuple[av.Packet[av.VideoStream], Payloads]] = OrderedDict()

    def payloads(self, packet: Packet) -> Payloads:
        """In the order in which they are sent; the last one ends the picture. Empty for a picture without any unit."""
        key = id(packet.encoded)
        found = self._kept.get(key)
        if found is not None:
            return found[1]
        units = H264Encoder._split_bitstream(bytes(packet.encoded))  # noqa: SLF001
        payloads: Payloads = H264Encoder._packetize(unit for unit in units if unit)  # noqa: SLF001
        self._kept[key] = (packet.encoded, payloads)
        if len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return payloads
