"""The named peer: a plain aiortc server in the manner of aiortc's own webcam example, in a process of its own.

    python -m bench.parts.plain_webrtc rtsp://127.0.0.1:…/live

One MediaPlayer decodes the source, a MediaRelay hands its frames to every peer, and aiortc encodes H.264 for each.
POST an offer to /whep and get the answer; DELETE what `Location` says. `/` is an empty page for a browser.
"""

import asyncio
import json
import socket
import sys
from contextlib import suppress
from typing import Any

import uvicorn
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCRtpSender, RTCSessionDescription
from aiortc.contrib.media import MediaPlayer, MediaRelay
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from bench.parts.loopback import stay_on_loopback


class PlainServer:
    """As many peer connections as there are offers; nothing is shared between them but the decoded frames."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._player: Any = None  # aiortc is not followed by mypy
        self._relay = MediaRelay()
        self._peers: dict[str, RTCPeerConnection] = {}

    async def offer(self, request: Request) -> Response:
        offered = RTCSessionDescription((await request.body()).decode(), "offer")
        frames = await self._frames()
        peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        name = str(id(peer))
        self._peers[name] = peer

        @peer.on("connectionstatechange")  # type: ignore[untyped-decorator]  # aiortc is not followed
        async def changed() -> None:
            if peer.connectionState in ("failed", "closed"):
                await self._close(name)

        sender = peer.addTrack(self._relay.subscribe(frames))
        [transceiver] = [one for one in peer.getTransceivers() if one.sender == sender]
        codecs = RTCRtpSender.getCapabilities("video").codecs
        transceiver.setCodecPreferences([codec for codec in codecs if codec.mimeType == "video/H264"])
        await peer.setRemoteDescription(offered)
        await peer.setLocalDescription(await peer.createAnswer())
        headers = {"Location": f"/whep/{name}"}
        return Response(peer.localDescription.sdp, 201, headers, media_type="application/sdp")

    async def leave(self, request: Request) -> Response:
        await self._close(request.path_params["name"])
        return Response(status_code=204)

    async def page(self, _: Request) -> Response:
        return HTMLResponse("<!doctype html><title>plain</title>")

    async def close(self) -> None:
        for name in list(self._peers):
            await self._close(name)
        if self._player is not None and self._player.video is not None:
            await asyncio.to_thread(self._player.video.stop)

    async def _frames(self) -> MediaStreamTrack:
        """Opened for the first peer, as the example does."""
        if self._player is None:
            options = {"rtsp_transport": "tcp"}
            self._player = await asyncio.to_thread(MediaPlayer, self._source, options=options)
        return self._player.video

    async def _close(self, name: str) -> None:
        if (peer := self._peers.pop(name, None)) is not None:
            await peer.close()


async def serve(source: str) -> None:
    plain, listener = PlainServer(source), socket.create_server(("127.0.0.1", 0))
    routes = [
        Route("/", plain.page),
        Route("/whep", plain.offer, methods=["POST"]),
        Route("/whep/{name}", plain.leave, methods=["DELETE"]),
    ]
    server = uvicorn.Server(uvicorn.Config(Starlette(routes=routes), log_level="warning"))
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(server.serve([listener]))
        print(json.dumps({"url": f"http://127.0.0.1:{listener.getsockname()[1]}"}), flush=True)
        await asyncio.to_thread(sys.stdin.read)
        with suppress(TimeoutError):
            async with asyncio.timeout(5):
                await plain.close()
        server.should_exit = True


def main() -> None:
    stay_on_loopback()
    asyncio.run(serve(sys.argv[1]))


if __name__ == "__main__":
    main()
