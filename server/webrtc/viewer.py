"""A viewer: a feed's packets out to one browser, and the camera's messages beside them."""

import asyncio
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from typing import Protocol

from aiortc import RTCDataChannel, RTCPeerConnection, RTCRtpSender
from aiortc.rtcrtpparameters import RTCRtpHeaderExtensionParameters

from server.errors import BadRequest
from server.media.mailbox import Closed
from server.media.packet import Packet, rtp_timestamp
from server.webrtc.offer import PLAYOUT_DELAY, extension_id, not_supported
from server.webrtc.pace import Pace
from server.webrtc.packetiser import Packetiser
from server.webrtc.sender import PacketSender
from server.webrtc.stamps import Stamps

LABEL = "tracks"
READY_WITHIN_S = 5.0
KEYFRAME_EVERY_S = 1.0
_CHANNEL_BYTES = 64 * 1024


class Feed(Protocol):
    """Where a viewer's packets come from. `take` raises Closed when there will be no more.

    `bit_rate` is the viewer's to set: what its network takes, in bits a second, None while that is everything.
    """

    bit_rate: Callable[[], int | None]

    async def take(self) -> Packet: ...

    def request_keyframe(self) -> None: ...


class Messages(Protocol):
    """What is said beside the picture: the newest message, each once."""

    async def take(self) -> bytes: ...


class Viewer:
    """The sending side of one connection."""

    def __init__(
        self,
        connection: RTCPeerConnection,
        packetiser: Packetiser,
        feed: AbstractContextManager[Feed],
        messages: AbstractContextManager[Messages] | None,
    ) -> None:
        self._packetiser = packetiser
        self._feed = feed
        self._messages = messages
        self._transceiver = connection.addTransceiver("video", direction="sendonly")
        self._sender = PacketSender.installed(self._transceiver)
        codecs = [
            codec
            for codec in RTCRtpSender.getCapabilities("video").codecs
            if codec.mimeType == "video/rtx"
            or (codec.mimeType == "video/H264" and codec.parameters.get("packetization-mode") == "1")
        ]
        # Left to itself aiortc answers with VP8, and then packs H.264 as if it were VP8.
        self._transceiver.setCodecPreferences(codecs)
        self._pace = Pace()
        self._stamps = Stamps()
        self._channel: RTCDataChannel | None = None
        self._opened = asyncio.Event()
        connection.on("datachannel", self._on_channel)

    @property
    def dropped(self) -> int:
        """Pictures that this viewer's network had no room for."""
        return self._pace.dropped

    def negotiated(self, offer: str, _closing: ExitStack) -> None:
        """Between offer and answer: what aiortc does not know of, and what must not be answered. Raises Invalid."""
        if not any(codec.mimeType == "video/H264" for codec in self._transceiver._codecs):  # noqa: SLF001
            raise not_supported("The offer cannot receive H.264 with packetization-mode=1.")
        if self._transceiver._offerDirection not in ("sendonly", "sendrecv"):  # noqa: SLF001
            raise BadRequest("The video section of the offer does not receive.", code="bad_sdp")
        number = extension_id(offer, PLAYOUT_DELAY)
        if number is not None:
            known = self._transceiver._headerExtensions  # noqa: SLF001
            known.append(RTCRtpHeaderExtensionParameters(id=number, uri=PLAYOUT_DELAY))

    async def talk(self) -> None:
        """Until the feed or the connection ends."""
        try:
            async with asyncio.timeout(READY_WITHIN_S):
                await self._sender.ready.wait()
        except TimeoutError:
            return
        with self._feed as feed:
            asked_s = float("-inf")

            def ask() -> None:
                nonlocal asked_s
                now_s = time.monotonic()
                if now_s - asked_s >= KEYFRAME_EVERY_S:
                    asked_s = now_s
                    feed.request_keyframe()

            feed.bit_rate = lambda: self._pace.bit_rate
            self._sender.on_keyframe_wanted = ask
            self._sender.on_report = lambda lost: self._pace.reported(lost, time.monotonic())
            async with asyncio.TaskGroup() as tasks:
                telling = tasks.create_task(self._tell())
                await self._show(feed)
                telling.cancel()

    async def _show(self, feed: Feed) -> None:
        while True:
            try:
                packet = await feed.take()
            except Closed:
                return
            now_s = time.monotonic()
            if not self._pace.admits(packet.size, packet.keyframe, now_s):
                continue
            at = rtp_timestamp(self._stamps.next(packet, now_s))
            try:
                await self._sender.send_picture(self._packetiser.payloads(packet), at)
            except ConnectionError:
                return

    async def _tell(self) -> None:
        if self._messages is None:
            return
        await self._opened.wait()
        channel = self._channel
        assert channel is not None
        with self._messages as messages:
            while channel.readyState == "open":
                message = await messages.take()
                # The next message has everything that this one has, and newer.
                if channel.readyState == "open" and channel.bufferedAmount < _CHANNEL_BYTES:
                    channel.send(message.decode())

    def _on_channel(self, channel: RTCDataChannel) -> None:
        if channel.label == LABEL and self._channel is None:
            self._channel = channel
            self._opened.set()
