"""A publisher: one browser's camera, its encoded pictures in."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from typing import Literal, Protocol

from aiortc import RTCPeerConnection, RTCRtpReceiver
from aiortc.rtcrtpparameters import RTCRtpCodecCapability

from server.errors import BadRequest
from server.webrtc.intake import Intake
from server.webrtc.offer import not_supported

Codec = Literal["h264", "vp8"]
_CODECS: dict[str, Codec] = {"video/H264": "h264", "video/VP8": "vp8"}


class Publication(Protocol):
    """Where a publisher's pictures go, until it is closed."""

    @property
    def closed(self) -> bool: ...

    def put(self, data: bytes, rtp_timestamp: int) -> None: ...


Publish = Callable[[Codec, Callable[[], None]], AbstractContextManager[Publication]]


class Publisher:
    """The receiving side of one connection. H.264 where the browser has it: it is passed on as it comes."""

    def __init__(self, connection: RTCPeerConnection, publish: Publish) -> None:
        self._publish = publish
        self._publication: Publication | None = None
        self._wanted = asyncio.Event()
        self._transceiver = connection.addTransceiver("video", direction="recvonly")
        self._receiver = self._transceiver.receiver
        Intake.installed(self._receiver, self._take)
        known = RTCRtpReceiver.getCapabilities("video")
        assert known is not None
        self._transceiver.setCodecPreferences([*_of(known.codecs, "video/H264"), *_of(known.codecs, "video/VP8")])

    def negotiated(self, _offer: str, closing: ExitStack) -> None:
        """Between offer and answer: one codec is chosen, and the place is taken.

        Raises Invalid, or what the camera says of a second publisher. `closing` gives the place back.
        """
        codecs = self._transceiver._codecs  # noqa: SLF001
        chosen = next((codec for codec in codecs if codec.mimeType in _CODECS), None)
        if chosen is None:
            raise not_supported("The offer can send neither H.264 nor VP8.")
        if self._transceiver._offerDirection not in ("recvonly", "sendrecv"):  # noqa: SLF001
            raise BadRequest("The video section of the offer does not send.", code="bad_sdp")
        # A browser that may choose changes its codec in the middle.
        codecs[:] = [codec for codec in codecs if codec is chosen or codec.parameters.get("apt") == chosen.payloadType]
        self._publication = closing.enter_context(self._publish(_CODECS[chosen.mimeType], self._wanted.set))

    async def talk(self) -> None:
        """Asks for keyframes until nothing is wanted any more; the pictures come by themselves."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            if self._publication is None or self._publication.closed:
                return
            for source in self._receiver.getSynchronizationSources():
                await self._receiver._send_rtcp_pli(source.source)  # noqa: SLF001

    def _take(self, data: bytes, rtp_timestamp: int) -> None:
        if self._publication is None:
            return
        if self._publication.closed:
            self._wanted.set()
        else:
            self._publication.put(data, rtp_timestamp)


def _of(codecs: list[RTCRtpCodecCapability], kind: str) -> list[RTCRtpCodecCapability]:
    return [
        codec for codec in codecs if codec.mimeType == kind and codec.parameters.get("packetization-mode", "1") == "1"
    ] + [codec for codec in codecs if codec.mimeType == "video/rtx"]
