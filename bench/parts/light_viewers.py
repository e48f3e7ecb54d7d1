"""Viewers in a process of their own that receive, decrypt and count frames but never decode: many fit on a core.

    python -m bench.parts.light_viewers

Obeys lines on standard input and answers each with a line of JSON:

    watch COUNT URL [TOKEN]   so many more viewers of this WHEP address; answers when each has a whole frame
    count                     for each viewer, in the order in which they came: whole frames and lost packets so far
    leave COUNT               the last ones go
"""

import asyncio
import json
import re
import struct
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

import httpx
from aiortc import RTCConfiguration, RTCPeerConnection, RTCRtpReceiver, RTCSessionDescription
from aiortc.rtcrtpreceiver import StreamStatistics

from bench.parts.loopback import stay_on_loopback

FIRST_FRAME_S = 20.0
CLOCK_HZ = 90_000


@dataclass(slots=True)
class Arrived:
    """As much of an RTP packet as the receiver's own statistics look at."""

    sequence_number: int = 0
    timestamp: int = 0


@dataclass(eq=False)
class LightViewer:
    """One peer connection. A frame counts when its last packet comes and none is missing since the one before."""

    url: str
    token: str | None
    frames: int = 0
    lost: int = 0
    began: asyncio.Event = field(default_factory=asyncio.Event)
    _peer: Any = None
    _location: str | None = None
    _payload_type: int = -1
    _expected: int | None = None
    _whole: bool = False
    _header: Arrived = field(default_factory=Arrived)
    _statistics: dict[int, Any] = field(default_factory=dict)

    async def join(self, http: httpx.AsyncClient) -> None:
        peer = self._peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        transceiver = peer.addTransceiver("video", direction="recvonly")
        codecs = RTCRtpReceiver.getCapabilities("video").codecs
        transceiver.setCodecPreferences([codec for codec in codecs if codec.mimeType in ("video/H264", "video/rtx")])
        # The receiver goes on reporting what came, since a server rightly closes on a viewer who says nothing.
        self._statistics = vars(transceiver.receiver)["_RTCRtpReceiver__remote_streams"]
        vars(transceiver.receiver.transport)["_handle_rtp_data"] = self._take
        await peer.setLocalDescription(await peer.createOffer())
        headers = {"Content-Type": "application/sdp"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        answer = await http.post(self.url, content=peer.localDescription.sdp, headers=headers)
        if answer.status_code != 201:
            raise RuntimeError(f"{self.url}: {answer.status_code} {answer.text[:300]}")
        self._location = str(answer.url.join(answer.headers["Location"]))
        found = re.search(r"a=rtpmap:(\d+) H264/90000", answer.text)
        if found is None:
            raise RuntimeError(f"{self.url}: the answer has no H.264")
        self._payload_type = int(found[1])
        await peer.setRemoteDescription(RTCSessionDescription(answer.text, "answer"))
        async with asyncio.timeout(FIRST_FRAME_S):
            await self.began.wait()

    async def _take(self, data: bytes, arrival_time_ms: int) -> None:
        second, sequence, stamp, source = struct.unpack_from("!xBHII", data)
        if second & 0x7F != self._payload_type:
            return
        header = self._header
        header.sequence_number, header.timestamp = sequence, stamp
        if source not in self._statistics:
            self._statistics[source] = StreamStatistics(CLOCK_HZ)
        self._statistics[source].add(header)
        if sequence != self._expected and self._expected is not None:
            missing = (sequence - self._expected) & 0xFFFF
            if missing > 0x8000:
                return
            self.lost += missing
            self._whole = False
        self._expected = (sequence + 1) & 0xFFFF
        if second & 0x80:
            if self._whole:
                self.frames += 1
                self.began.set()
            self._whole = True

    async def leave(self, http: httpx.AsyncClient) -> None:
        if self._location is not None:
            headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
            await http.delete(self._location, headers=headers)
        if self._peer is not None:
            await self._peer.close()


class Crowd:
    """All viewers of this process."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http
        self._viewers: list[LightViewer] = []

    async def obey(self, what: str, *rest: str) -> dict[str, object]:
        if what == "watch":
            return await self.watch(int(rest[0]), rest[1], rest[2] if len(rest) > 2 else None)
        if what == "leave":
            return await self.leave(int(rest[0]))
        return self.count()

    async def watch(self, count: int, url: str, token: str | None) -> dict[str, object]:
        # One after another: what each is sent to catch up would overrun the sockets of a process that is busy.
        for _ in range(count):
            self._viewers.append(LightViewer(url, token))
            await self._viewers[-1].join(self._http)
        return {"viewers": len(self._viewers)}

    def count(self) -> dict[str, object]:
        frames, lost = [one.frames for one in self._viewers], [one.lost for one in self._viewers]
        return {"at": monotonic(), "frames": frames, "lost": lost}

    async def leave_all(self) -> None:
        await self.leave(len(self._viewers))

    async def leave(self, count: int) -> dict[str, object]:
        staying = len(self._viewers) - count
        leaving, self._viewers = self._viewers[staying:], self._viewers[:staying]
        for viewer in leaving:
            await viewer.leave(self._http)
        return {"viewers": len(self._viewers)}


async def obey_lines() -> None:
    async with httpx.AsyncClient(timeout=30) as http:
        crowd = Crowd(http)
        print(json.dumps({"viewers": 0}), flush=True)
        while line := await asyncio.to_thread(sys.stdin.readline):
            try:
                answer = await crowd.obey(*line.split())
            except (RuntimeError, TimeoutError, httpx.HTTPError) as error:
                answer = {"error": repr(error)}
            print(json.dumps(answer), flush=True)
        with suppress(httpx.HTTPError):
            await crowd.leave_all()


def main() -> None:
    stay_on_loopback()
    asyncio.run(obey_lines())


if __name__ == "__main__":
    main()
