"""A peer that stands for a browser: a real aiortc connection over loopback, with what it was sent written down."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import av
from aiortc import RTCConfiguration, RTCDataChannel, RTCPeerConnection, RTCSessionDescription, VideoStreamTrack
from aiortc.contrib.media import MediaStreamTrack
from aiortc.rtcrtpreceiver import RTCRtpReceiver
from aiortc.rtp import AnyRtcpPacket, RtcpSrPacket, RtpPacket

from server.webrtc.ice import add_loopback


class Browser:
    """Offers first, as a browser does. `rtp` has every packet of video that was not lost, `raw` the bytes of all."""

    def __init__(self) -> None:
        self.connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.rtp: list[RtpPacket] = []
        self.raw: list[bytes] = []
        self.reports: list[RtcpSrPacket] = []
        self.frames: list[av.VideoFrame] = []
        self.messages: list[str | bytes] = []
        self.channel: RTCDataChannel | None = None
        self.lose = 0.0
        self.losing: Callable[[RtpPacket], bool] = lambda packet: random.random() < self.lose
        self.closed = asyncio.Event()
        self._reading: asyncio.TaskGroup | None = None

    def watches(self, *, codecs: str | None = "video/H264", tracks: bool = False, sound: bool = False) -> None:
        """What is to be offered: video to receive, of one codec or of all (None)."""
        if sound:
            self.connection.addTransceiver("audio", direction="sendrecv")
        if tracks:
            self.channel = self.connection.createDataChannel("tracks")
            self.channel.on("message", self.messages.append)
        transceiver = self.connection.addTransceiver("video", direction="recvonly")
        if codecs is not None:
            transceiver.setCodecPreferences(
                [c for c in RTCRtpReceiver.getCapabilities("video").codecs if c.mimeType == codecs]
            )
        self._listen(transceiver.receiver)

    def publishes(self, track: MediaStreamTrack, *, codecs: tuple[str, ...], sound: bool = False) -> None:
        """Video to send, in the order in which the codecs are liked."""
        if sound:
            self.connection.addTransceiver("audio", direction="sendrecv")
        transceiver = self.connection.addTransceiver(track, direction="sendonly")
        known = RTCRtpReceiver.getCapabilities("video").codecs
        transceiver.setCodecPreferences([c for name in codecs for c in known if c.mimeType == name])

    async def offer(self) -> str:
        for transceiver in self.connection.getTransceivers():
            add_loopback(transceiver.receiver.transport.transport)
        if self.connection.sctp is not None:
            add_loopback(self.connection.sctp.transport.transport)
        await self.connection.setLocalDescription(await self.connection.createOffer())
        return str(self.connection.localDescription.sdp)

    async def accept(self, answer: str) -> None:
        await self.connection.setRemoteDescription(RTCSessionDescription(answer, "answer"))

    async def connected(self, within_s: float = 10.0) -> None:
        await until(lambda: self.connection.connectionState == "connected", within_s)

    async def read(self) -> None:
        """Takes the decoded frames as they come, until the connection is over."""
        (video,) = [t for t in self.connection.getTransceivers() if t.kind == "video"]
        with contextlib.suppress(Exception):
            while True:
                self.frames.append(await video.receiver.track.recv())

    async def ask_for_a_keyframe(self) -> None:
        (video,) = [t for t in self.connection.getTransceivers() if t.kind == "video"]
        await video.receiver._send_rtcp_pli(self.rtp[-1].ssrc)

    def vanish(self) -> None:
        """No goodbye: what it has to say is not heard any more, and it answers nothing."""
        for transport in self._transports():
            for protocol in transport._connection._protocols:
                protocol.transport.sendto = _nothing
                vars(protocol)["datagram_received"] = _nothing

    def miss_one(self) -> None:
        """The next packet of video does not come: below the keys, as on a network."""
        protocols = [one for transport in self._transports() for one in transport._connection._protocols]
        for protocol in protocols:
            came = protocol.datagram_received

            def come(data: bytes, address: Any, came: Any = came) -> None:
                if data[0] == 0x90:
                    for one in protocols:
                        del vars(one)["datagram_received"]
                else:
                    came(data, address)

            vars(protocol)["datagram_received"] = come

    async def close(self) -> None:
        await self.connection.close()

    def _transports(self) -> list[Any]:
        found = [t.receiver.transport.transport for t in self.connection.getTransceivers()]
        return list(dict.fromkeys(found))

    def _listen(self, receiver: RTCRtpReceiver) -> None:
        taken = receiver._handle_rtp_packet

        async def take(packet: RtpPacket, arrival_time_ms: int) -> None:
            if self.losing(packet):
                return
            self.rtp.append(packet)
            await taken(packet, arrival_time_ms=arrival_time_ms)

        vars(receiver)["_handle_rtp_packet"] = take
        reported = receiver._handle_rtcp_packet

        async def report(packet: AnyRtcpPacket) -> None:
            if isinstance(packet, RtcpSrPacket):
                self.reports.append(packet)
            await reported(packet)

        vars(receiver)["_handle_rtcp_packet"] = report
        dtls = receiver.transport
        came = dtls._handle_rtp_data

        async def come(data: bytes, arrival_time_ms: int) -> None:
            self.raw.append(data)
            await came(data, arrival_time_ms=arrival_time_ms)

        vars(dtls)["_handle_rtp_data"] = come


class Scene(VideoStreamTrack):  # type: ignore[misc]  # aiortc has no types
    """What a phone's camera sees: a grey picture, 30 a second."""

    async def recv(self) -> av.VideoFrame:
        pts, time_base = await self.next_timestamp()
        picture = av.VideoFrame(320, 240, "yuv420p")
        for plane in picture.planes:
            plane.update(bytes([100 + pts // 3000 % 100]) * plane.buffer_size)
        picture.pts, picture.time_base = pts, time_base
        return picture


@asynccontextmanager
async def browser() -> AsyncIterator[Browser]:
    """One that is closed in the end."""
    one = Browser()
    try:
        yield one
    finally:
        await one.close()


async def until(holds: Callable[[], object], within_s: float = 5.0) -> None:
    """Returns as soon as it holds; fails if that takes too long."""
    async with asyncio.timeout(within_s):
        while not holds():  # noqa: ASYNC110 - what is waited for is in another process' hands
            await asyncio.sleep(0.01)


def open_files() -> int:
    """Sockets are files."""
    return len(list(Path("/proc/self/fd").iterdir()))


def _nothing(*_arguments: object) -> None:
    pass
