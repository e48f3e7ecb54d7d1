"""server/webrtc/ice.py: a way to the browser, on loopback too, and no server that nobody asked for."""

import asyncio
import logging
import random
import time
from typing import Any

import pytest
from aiortc import RTCPeerConnection

from server.webrtc.ice import IceServer, add_candidates, add_loopback, configuration, is_usable, transport_of
from server.webrtc.session import Session
from tests.webrtc.browser import browser, until
from tests.webrtc.conftest import OpenStudio, Studio


def test_no_server_unless_it_is_set() -> None:
    """aiortc's default is a public one."""
    assert configuration(()).iceServers == []
    (only,) = configuration([IceServer(("turn:192.0.2.1:3478",), "ann", "secret")]).iceServers
    assert (only.urls, only.username, only.credential) == (["turn:192.0.2.1:3478"], "ann", "secret")


async def test_loopback_is_among_the_candidates() -> None:
    """A machine without a network has no other address."""
    connection = RTCPeerConnection(configuration(()))
    connection.addTransceiver("video")
    add_loopback(transport_of(connection))
    await connection.setLocalDescription(await connection.createOffer())
    assert " 127.0.0.1 " in connection.localDescription.sdp
    await connection.close()


async def test_connects_on_loopback_alone(open_studio: OpenStudio, monkeypatch: pytest.MonkeyPatch) -> None:
    """With no other address on either side, a viewer connects."""
    monkeypatch.setattr("aioice.ice.get_host_addresses", lambda **_: [])
    async with open_studio() as studio, browser() as viewer:
        viewer.watches()
        answer = await studio.watch(await viewer.offer())
        lines = [line for line in answer.sdp.splitlines() if line.startswith("a=candidate")]
        assert lines
        assert all(line.split()[4] == "127.0.0.1" for line in lines)
        await viewer.accept(answer.sdp)
        await viewer.connected()


@pytest.mark.parametrize("url", ["stun:127.0.0.1:{port}", "turn:127.0.0.1:{port}", "turn:127.0.0.1:9"])
async def test_a_silent_server_does_not_hold_up_the_answer(open_studio: OpenStudio, url: str) -> None:
    """It is waited for two seconds at most; the answer then has the host candidates, and its socket is closed."""
    loop = asyncio.get_running_loop()
    silent, _ = await loop.create_datagram_endpoint(asyncio.DatagramProtocol, local_addr=("127.0.0.1", 0))
    server = IceServer((url.format(port=silent.get_extra_info("sockname")[1]),), "ann", "secret")
    async with open_studio(ice_servers=[server]) as studio, browser() as viewer:
        viewer.watches()
        offer = await viewer.offer()
        began_s = time.monotonic()
        answer = await studio.watch(offer)
        assert time.monotonic() - began_s < 4.5  # aiortc waits 5 s
        assert " 127.0.0.1 " in answer.sdp
        await viewer.accept(answer.sdp)
        await viewer.connected()
    silent.close()


@pytest.mark.parametrize(
    ("candidate", "usable"),
    [
        ("candidate:1 1 udp 2122260223 192.0.2.7 50000 typ host", True),
        ("candidate:1 1 UDP 2122260223 fd00::2 50000 typ host", True),
        ("candidate:1 1 tcp 2122260223 192.0.2.7 9 typ host tcptype active", False),
        ("candidate:1 1 udp 2122260223 a1.local 50000 typ host", False),
        ("candidate:1 1 udp 2122260223 a1.LOCAL 50000 typ host", False),
        ("candidate:1 1 udp 2122260223 door.example.com 50000 typ host", False),
        ("candidate:1 2 udp 2122260223 192.0.2.7 50000 typ host", False),
        ("candidate:1 1 udp 2122260223 192.0.2.7 0 typ host", False),
        ("candidate:1 1 udp 2122260223 192.0.2.7 65536 typ host", False),
        ("candidate:1 1 udp 2122260223 224.0.0.251 5353 typ host", False),
        ("candidate:1 1 udp 2122260223 0.0.0.0 50000 typ host", False),
        ("candidate:1 1 udp 2122260223 fe80::1 50000 typ host", False),
        ("candidate:1 1 udp 2122260223 fe80::1%eth0 50000 typ host", False),
    ],
)
def test_usable_candidates(candidate: str, usable: bool) -> None:
    """UDP, and an address that something can be sent to."""
    assert is_usable(candidate) is usable


async def test_trickled_candidates() -> None:
    """The usable ones of a fragment are added; the end that it tells is not, since a browser may still be found."""
    connection = RTCPeerConnection(configuration(()))
    connection.addTransceiver("video")
    transport = transport_of(connection)
    await add_candidates(
        transport,
        "a=ice-ufrag:abcd\r\nm=video 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\n"
        "a=candidate:1 1 udp 2122260223 192.0.2.7 50000 typ host generation 0 ufrag abcd network-cost 10\r\n"
        "a=candidate:2 1 udp 2122260223 name.local 50001 typ host\r\n"
        "a=end-of-candidates\r\n",
    )
    assert [(one.ip, one.port) for one in transport.getRemoteCandidates()] == [("192.0.2.7", 50000)]
    for broken in ("1 1 udp much 192.0.2.7 50000 typ host", "1 1 udp 5 192.0.2.7 x typ host", "1 1 udp"):
        with pytest.raises(ValueError, match=r"invalid literal|eight parts"):
            await add_candidates(transport, f"a=candidate:{broken}")
    await connection.close()


async def test_keeps_only_so_many_candidates() -> None:
    """Each of them is sent checks."""
    connection = RTCPeerConnection(configuration(()))
    connection.addTransceiver("video")
    transport = transport_of(connection)
    lines = [f"a=candidate:1 1 udp 1 192.0.2.7 {port} typ host" for port in range(1000, 1200)]
    await add_candidates(transport, "\r\n".join(lines))
    assert len(transport.getRemoteCandidates()) == 64
    await connection.close()


async def test_hears_whatever_comes(open_studio: OpenStudio) -> None:
    """While a viewer is there, it is never silent for long."""
    async with open_studio(playing=False) as studio, browser() as viewer:
        viewer.watches()
        await viewer.accept((await studio.watch(await viewer.offer())).sdp)
        await viewer.connected()
        ear = the_session(studio)._ear
        assert ear.silent_s < 1
        viewer.vanish()
        await asyncio.sleep(1.2)
        assert ear.silent_s > 1


JUNK = (
    b"",
    b"\0",
    bytes(8),
    b"\x80" + bytes(30),
    b"\x90\xe0" + bytes(3),
    b"\x16\xfe\xfd" + bytes(20),
    # A check whose attribute of four bytes has two, and one with a lifetime of nothing.
    bytes.fromhex("00010008 2112a442 000000000000000000000000 0024000200000000"),
    bytes.fromhex("00010004 2112a442 000000000000000000000000 000d0000"),
)


async def test_junk_from_anybody_does_no_harm(open_studio: OpenStudio, caplog: pytest.LogCaptureFixture) -> None:
    """An open port gets everything: the connection goes on, and nothing of it is an error."""
    loop = asyncio.get_running_loop()
    errors: list[dict[str, object]] = []
    loop.set_exception_handler(lambda _, context: errors.append(context))
    async with open_studio() as studio, browser() as viewer:
        viewer.watches()
        answer = await studio.watch(await viewer.offer())
        (line,) = [line.split() for line in answer.sdp.splitlines() if " 127.0.0.1 " in line and "candidate" in line]
        stranger, _ = await loop.create_datagram_endpoint(
            asyncio.DatagramProtocol, remote_addr=("127.0.0.1", int(line[5]))
        )
        chance = random.Random(4)
        junk = [*JUNK, *(chance.randbytes(chance.randrange(60)) for _ in range(50))]
        for datagram in junk:
            stranger.sendto(datagram)
        await viewer.accept(answer.sdp)
        await until(lambda: viewer.rtp)
        for datagram in junk:
            stranger.sendto(datagram)
        count = len(viewer.rtp)
        await until(lambda: len(viewer.rtp) > count + 20)
        stranger.close()
    assert errors == []
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_what_comes_before_its_time_is_not_kept_without_limit(open_studio: OpenStudio) -> None:
    """Until the path is found nobody takes what anybody sends."""
    async with open_studio(playing=False) as studio, browser() as viewer:
        viewer.watches()
        await studio.watch(await viewer.offer())
        inner: Any = the_session(studio)._transport._connection
        for _ in range(5000):
            inner._protocols[0].datagram_received(b"\x80" * 20, ("192.0.2.7", 5))
        assert inner._queue.qsize() == 4096


def the_session(studio: Studio) -> Session:
    (session,) = studio.sessions._sessions.values()
    return session
