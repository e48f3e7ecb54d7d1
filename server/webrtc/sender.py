"""PacketSender: one viewer's RTP stream of pictures that are encoded already."""

import asyncio
import struct
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from aiortc import RTCRtpSender, RTCRtpTransceiver, clock
from aiortc.rtcdtlstransport import State
from aiortc.rtcrtpparameters import RTCRtpCodecParameters, RTCRtpSendParameters
from aiortc.rtp import AnyRtcpPacket, RtcpRrPacket, RtcpSrPacket

from server.webrtc.offer import PLAYOUT_DELAY

_HISTORY = 1024
_AT_ONCE = 24
_PAUSE_S = 0.001
_IDLE_S = 0.005
_AGAIN_S = 0.01
_MOST_WAITING = 512 * 1024
_ABS_SEND_TIME = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
_MID = "urn:ietf:params:rtp-hdrext:sdes:mid"
# From 0 to 100 ms: Chromium shows each picture as soon as it is decoded, instead of smoothing over its jitter buffer.
_SHOW_AT_ONCE = (0 << 12 | 10).to_bytes(3, "big")
_HEADER = struct.Struct("!BBHII")


class _Sent(NamedTuple):
    sequence: int
    timestamp: int
    marker: bool
    block: bytes
    payload: bytes
    again_s: float = float("-inf")


class PacketSender(RTCRtpSender):  # type: ignore[misc]  # aiortc has no types
    """Sends what it is given, when it is given it. The timestamps are the caller's: no origin is added to them.

    aiortc's own loop pulls from a track and adds a random origin that nobody is told; of it only the transport, the
    reports and the negotiation are used.
    """

    def __init__(self, replaced: RTCRtpSender) -> None:
        super().__init__(replaced.kind, replaced.transport)
        self._stream_id = replaced._stream_id  # noqa: SLF001
        self.on_report: Callable[[float], None] = lambda fraction_lost: None
        self.on_keyframe_wanted: Callable[[], None] = lambda: None
        self.ready = asyncio.Event()
        self._inner: dict[str, Any] = self.__dict__
        self._sequence = struct.unpack("!H", self._ssrc.to_bytes(4, "big")[:2])[0] & 0x7FFF
        self._rtx_sequence = self._sequence
        self._payload_type = 0
        self._rtx_payload_type: int | None = None
        self._extensions: tuple[bytes, bytes] = (b"", b"")
        self._has_time = False
        self._history: list[_Sent | None] = [None] * _HISTORY
        self._burst = 0
        self._burst_s = 0.0

    @classmethod
    def installed(cls, transceiver: RTCRtpTransceiver) -> "PacketSender":
        """In place of the transceiver's own sender, before anything is negotiated."""
        sender = cls(transceiver.sender)
        vars(transceiver)["_RTCRtpTransceiver__sender"] = sender
        transceiver.receiver._set_rtcp_ssrc(sender._ssrc)  # noqa: SLF001
        return sender

    async def send(self, parameters: RTCRtpSendParameters) -> None:
        """Negotiated and connected: from here on pictures can go out."""
        codec = parameters.codecs[0]
        self._payload_type = codec.payloadType
        self._rtx_payload_type = next(
            (one.payloadType for one in parameters.codecs if one.parameters.get("apt") == codec.payloadType), None
        )
        self._lay_out(parameters)
        await super().send(parameters)
        self.ready.set()

    def _lay_out(self, parameters: RTCRtpSendParameters) -> None:
        """The header extensions, as one block with a place for the time of sending."""
        numbers = {one.uri: one.id for one in parameters.headerExtensions if 0 < one.id < 15}
        before = after = b""
        self._has_time = _ABS_SEND_TIME in numbers
        if self._has_time:
            before = bytes([numbers[_ABS_SEND_TIME] << 4 | 2])
        mid = (parameters.muxId or "").encode()
        if _MID in numbers and 0 < len(mid) <= 16:
            after += bytes([numbers[_MID] << 4 | len(mid) - 1]) + mid
        if PLAYOUT_DELAY in numbers:
            after += bytes([numbers[PLAYOUT_DELAY] << 4 | 2]) + _SHOW_AT_ONCE
        length = len(before) + 3 * self._has_time + len(after)
        after += bytes(-length % 4)
        self._extensions = (struct.pack("!HH", 0xBEDE, (length + 3) // 4) + before, after)

    async def send_picture(self, payloads: list[bytes], timestamp: int) -> None:
        """One picture. Raises ConnectionError when the connection is over."""
        if not payloads:
            return
        if time.monotonic() - self._burst_s > _IDLE_S:
            self._burst = 0
        now = clock.current_ntp_time()
        block = self._block(now)
        write = self._way()
        last = len(payloads) - 1
        for index, payload in enumerate(payloads):
            if self._burst >= _AT_ONCE:
                # A whole group of pictures at once is more than a socket's buffer takes.
                await asyncio.sleep(_PAUSE_S)
                self._burst = 0
                write = self._way()
            sequence = self._sequence
            self._sequence = (sequence + 1) & 0xFFFF
            marker = index == last
            self._history[sequence % _HISTORY] = _Sent(sequence, timestamp, marker, block, payload)
            write(
                _HEADER.pack(0x90, marker << 7 | self._payload_type, sequence, timestamp, self._ssrc) + block + payload
            )
            self._burst += 1
        self._burst_s = time.monotonic()
        inner = self._inner
        inner["_RTCRtpSender__ntp_timestamp"] = now
        inner["_RTCRtpSender__rtp_timestamp"] = timestamp
        inner["_RTCRtpSender__octet_count"] += sum(map(len, payloads))
        inner["_RTCRtpSender__packet_count"] += len(payloads)

    def _block(self, ntp_time: int) -> bytes:
        """The header extensions of a picture that is sent now."""
        before, after = self._extensions
        return before + (ntp_time >> 14 & 0xFFFFFF).to_bytes(3, "big") + after if self._has_time else before + after

    def _way(self) -> Callable[[bytes], None]:
        """Out, for as long as nothing is awaited: without aiortc's three coroutines a packet, a third of its cost."""
        dtls: Any = self.transport
        pair = dtls.transport._connection._nominated.get(1)  # noqa: SLF001
        if dtls._state is not State.CONNECTED or pair is None:  # noqa: SLF001
            raise ConnectionError
        socket = pair.protocol.transport
        if _waiting(socket) > _MOST_WAITING:
            # What the machine cannot send is lost, as on a network; the viewer asks for it again.
            return lambda packet: None
        protect, sendto, address = dtls._tx_srtp.protect, socket.sendto, pair.remote_addr  # noqa: SLF001
        return lambda packet: sendto(protect(packet), address)

    # What aiortc calls.

    async def _run_rtp(self, codec: RTCRtpCodecParameters) -> None:
        """Nothing to pull: the owner of this sender brings the pictures."""
        self._inner["_RTCRtpSender__rtp_started"].set()
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            self._inner["_RTCRtpSender__rtp_exited"].set()

    async def _retransmit(self, sequence_number: int) -> None:
        at = sequence_number % _HISTORY
        sent, now_s = self._history[at], time.monotonic()
        # A receiver asks for the same packet again with each one that it misses after it.
        if sent is None or sent.sequence != sequence_number or now_s - sent.again_s < _AGAIN_S:
            return
        self._history[at] = sent._replace(again_s=now_s)
        if self._rtx_payload_type is None:
            # Byte for byte what it was: two packets of one number that differ would betray the key of AES-GCM.
            kind, number, ssrc, block, payload = self._payload_type, sent.sequence, self._ssrc, sent.block, sent.payload
        else:
            kind, number, ssrc = self._rtx_payload_type, self._rtx_sequence, self._rtx_ssrc
            self._rtx_sequence = (number + 1) & 0xFFFF
            block, payload = self._block(clock.current_ntp_time()), struct.pack("!H", sent.sequence) + sent.payload
        self._way()(_HEADER.pack(0x90, sent.marker << 7 | kind, number, sent.timestamp, ssrc) + block + payload)

    async def _handle_rtcp_packet(self, packet: AnyRtcpPacket) -> None:
        await super()._handle_rtcp_packet(packet)
        if isinstance(packet, (RtcpRrPacket, RtcpSrPacket)):
            for report in packet.reports:
                if report.ssrc == self._ssrc:
                    self.on_report(report.fraction_lost / 256)

    def _send_keyframe(self) -> None:
        self.on_keyframe_wanted()


def _waiting(socket: Any) -> int:
    """How many bytes this machine has not sent yet. A TURN relay has a task for each packet and a socket behind it."""
    relay = getattr(socket, "_TurnTransport__inner_protocol", None)
    if relay is None:
        return int(socket.get_write_buffer_size())
    return int(relay.transport.get_write_buffer_size()) + 1500 * len(socket._TurnTransport__send_tasks)  # noqa: SLF001
