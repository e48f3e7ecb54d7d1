"""server/webrtc/sender.py: RTP as it leaves us, seen by a real receiver."""

import asyncio
import re
import struct
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aioice.turn import TurnTransport
from aiortc import clock
from aiortc.rtp import RtpPacket, unpack_header_extensions

from server.webrtc.offer import PLAYOUT_DELAY
from server.webrtc.sender import _waiting
from server.webrtc.viewer import Viewer
from tests.webrtc.browser import Browser, browser, until
from tests.webrtc.conftest import OpenStudio, Studio
from tests.webrtc.pictures import packets


async def connected(studio: Studio, viewer: Browser) -> None:
    answer = await studio.watch(await viewer.offer())
    await viewer.accept(answer.sdp)


def pictures_of(rtp: list[RtpPacket]) -> list[int]:
    """The timestamps, each once, in the order of arrival."""
    return list(dict.fromkeys(packet.timestamp for packet in rtp))


async def test_timestamps_are_the_pts(open_studio: OpenStudio) -> None:
    """Cut to 32 bits, over their wrap: a picture is named by its pts for everybody."""
    first = (1 << 32) - 20 * 3600
    async with open_studio(first_pts=first) as studio, browser() as viewer:
        viewer.watches()
        await connected(studio, viewer)
        await until(lambda: len(pictures_of(viewer.rtp)) > 40)
        live = pictures_of(viewer.rtp)[12:40]
        assert set(live) <= {pts & 0xFFFFFFFF for pts in studio.camera.sent}
        assert max(live) > 1 << 31 > min(live)


async def test_packets_say_where_they_belong(open_studio: OpenStudio) -> None:
    """One source, sequence numbers without a gap, a marker at the end of each picture, mid and time of sending."""
    async with open_studio() as studio, browser() as viewer:
        viewer.watches()
        await connected(studio, viewer)
        await until(lambda: len(pictures_of(viewer.rtp)) > 20)
        rtp = list(viewer.rtp)
        assert len({packet.ssrc for packet in rtp}) == 1
        assert [packet.sequence_number for packet in rtp] == [
            (rtp[0].sequence_number + index) & 0xFFFF for index in range(len(rtp))
        ]
        assert all(packet.extensions.mid == "0" for packet in rtp)
        assert all(packet.extensions.abs_send_time is not None for packet in rtp)
        for packet, following in zip(rtp, rtp[1:], strict=False):
            assert bool(packet.marker) == (packet.timestamp != following.timestamp)


async def test_what_is_lost_is_sent_again(open_studio: OpenStudio) -> None:
    """A viewer that loses every twentieth packet asks for them, and sees nearly every picture."""
    async with open_studio() as studio, browser() as viewer, asyncio.TaskGroup() as tasks:
        viewer.watches(codecs=None)
        await connected(studio, viewer)
        reading = tasks.create_task(viewer.read())
        await until(lambda: len(viewer.frames) > 5)
        viewer.lose = 0.05
        before = len(viewer.frames)
        await asyncio.sleep(3)
        assert len(viewer.frames) - before > 40
        reading.cancel()


async def test_what_is_asked_for_comes_on_the_stream_for_it(open_studio: OpenStudio) -> None:
    """Under its own number and source, with the number that was lost in front."""
    async with open_studio() as studio, browser() as viewer:
        viewer.watches(codecs=None)
        await connected(studio, viewer)
        await until(lambda: len(viewer.rtp) > 20)
        lost: list[RtpPacket] = []

        def lose_one(packet: RtpPacket) -> bool:
            if not lost and packet.ssrc == viewer.rtp[0].ssrc:
                lost.append(packet)
                return True
            return False

        viewer.losing = lose_one
        await until(lambda: any(packet.ssrc != viewer.rtp[0].ssrc for packet in viewer.rtp))
        (again,) = [packet for packet in viewer.rtp if packet.ssrc != viewer.rtp[0].ssrc]
        assert again.payload == struct.pack("!H", lost[0].sequence_number) + lost[0].payload
        assert (again.timestamp, again.marker) == (lost[0].timestamp, lost[0].marker)
        assert again.payload_type != lost[0].payload_type


async def test_without_such_a_stream_the_very_same_packet_comes(open_studio: OpenStudio) -> None:
    """Byte for byte, the time of sending too: two that differ under one number would betray the key."""
    async with open_studio() as studio, browser() as viewer:
        viewer.watches()
        await connected(studio, viewer)
        await until(lambda: len(viewer.rtp) > 20)
        viewer.miss_one()
        await until(lambda: late(viewer.rtp))
        (again,) = late(viewer.rtp)
        (session,) = studio.sessions._sessions.values()
        sent = cast(Viewer, session._peer)._sender._history[again.sequence_number % 1024]
        assert sent is not None
        (bytes_again,) = [data for data in viewer.raw if data[2:4] == struct.pack("!H", again.sequence_number)]
        assert bytes_again[12:] == sent.block + sent.payload


def late(rtp: list[RtpPacket]) -> list[RtpPacket]:
    return [
        packet for before, packet in zip(rtp, rtp[1:], strict=False) if packet.sequence_number < before.sequence_number
    ]


async def test_sent_again_only_once_in_a_moment(open_studio: OpenStudio) -> None:
    """A receiver asks for the same packet with each one that it misses after it; what is forgotten cannot be had."""
    async with open_studio() as studio, browser() as viewer:
        viewer.watches(codecs=None)
        await connected(studio, viewer)
        await until(lambda: len(viewer.rtp) > 20)
        first = viewer.rtp[5]
        (video,) = viewer.connection.getTransceivers()
        for _ in range(5):
            await video.receiver._send_rtcp_nack(first.ssrc, [first.sequence_number, first.sequence_number ^ 0x8000])
        await asyncio.sleep(0.2)
        again = [packet for packet in viewer.rtp if packet.ssrc != first.ssrc]
        assert 1 <= len(again) < 5
        assert all(packet.payload == struct.pack("!H", first.sequence_number) + first.payload for packet in again)


async def test_the_numbers_wrap(open_studio: OpenStudio) -> None:
    """After 65535 comes 0, and pictures go on."""
    async with open_studio(playing=False) as studio, browser() as viewer, asyncio.TaskGroup() as tasks:
        viewer.watches(codecs=None)
        answer = await studio.watch(await viewer.offer())
        (session,) = studio.sessions._sessions.values()
        cast(Viewer, session._peer)._sender._sequence = 65_500
        await viewer.accept(answer.sdp)
        await viewer.connected()
        playing = tasks.create_task(studio.camera.run())
        reading = tasks.create_task(viewer.read())
        await until(lambda: len(viewer.rtp) > 100 and len(viewer.frames) > 10)
        numbers = [packet.sequence_number for packet in viewer.rtp]
        assert numbers[:100] == [(65_500 + index) & 0xFFFF for index in range(100)]
        playing.cancel()
        reading.cancel()


def blocks(raw: list[bytes]) -> list[dict[int, bytes]]:
    """The header extensions of packets, by their numbers."""
    found = []
    for data in raw:
        profile, words = struct.unpack_from("!HH", data, 12)
        found.append(dict(unpack_header_extensions(profile, data[16 : 16 + 4 * words])))
    return found


async def test_header_extensions_byte_for_byte(open_studio: OpenStudio) -> None:
    """As they were offered: mid, the time of sending, and that a picture is to be shown at once."""
    async with open_studio() as studio, browser() as viewer:
        viewer.watches()
        offer = (await viewer.offer()).replace("a=mid:0\r\n", f"a=mid:0\r\na=extmap:5 {PLAYOUT_DELAY}\r\n")
        answer = await studio.watch(offer)
        assert f"a=extmap:5 {PLAYOUT_DELAY}" in answer.sdp
        await viewer.accept(answer.sdp)
        await until(lambda: len(viewer.raw) > 20)
        for found in blocks(viewer.raw):
            assert set(found) == {1, 3, 5}
            assert (found[1], found[5]) == (b"0", b"\x00\x00\x0a")
        sent = int.from_bytes(blocks(viewer.raw[-1:])[0][3], "big") / (1 << 18)
        now = (clock.current_ntp_time() >> 14 & 0xFFFFFF) / (1 << 18)
        assert (now - sent) % 64 < 1


@pytest.mark.parametrize(("number", "mid"), [(15, "0"), (5, "video-of-the-front-door")])
async def test_what_does_not_fit_into_a_header_is_left_out(open_studio: OpenStudio, number: int, mid: str) -> None:
    """Numbers above 14 and long names would need the other form of header."""
    async with open_studio() as studio, browser() as viewer:
        viewer.watches()
        offer = (await viewer.offer()).replace("a=mid:0\r\n", f"a=mid:0\r\na=extmap:{number} {PLAYOUT_DELAY}\r\n")
        named = re.sub(r"(a=mid:|BUNDLE )0", rf"\g<1>{mid}", offer)
        answer = await studio.watch(named)
        await viewer.accept(re.sub(rf"(a=mid:|BUNDLE ){mid}", r"\g<1>0", answer.sdp))
        await until(lambda: len(viewer.raw) > 5)
        assert set(blocks(viewer.raw)[0]) == ({1, 3} if number == 15 else {3, 5})


async def test_what_the_machine_cannot_send_does_not_pile_up(open_studio: OpenStudio) -> None:
    """It is lost as on a network, and pictures go on when there is room again."""
    async with open_studio() as studio, browser() as viewer:
        viewer.watches()
        await connected(studio, viewer)
        await until(lambda: len(viewer.rtp) > 20)
        (session,) = studio.sessions._sessions.values()
        socket = session._transport._connection._nominated[1].protocol.transport
        socket.get_write_buffer_size = lambda: 1 << 20
        await asyncio.sleep(0.1)
        count = len(viewer.rtp)
        await asyncio.sleep(0.2)
        assert len(viewer.rtp) == count
        del socket.get_write_buffer_size
        await until(lambda: len(viewer.rtp) > count + 20)


async def test_a_picture_without_units_is_not_sent(open_studio: OpenStudio) -> None:
    """Nothing goes out for it, and nothing ends."""
    async with open_studio(playing=False) as studio, browser() as viewer:
        viewer.watches()
        await connected(studio, viewer)
        await viewer.connected()
        await until(lambda: studio.camera.readers)
        empty = replace(packets([b"\1\2\3"])[0], keyframe=True)
        for queue in studio.camera._queues:
            queue.put_threadsafe(empty)
        studio.camera.publish(0, 0.0)
        await until(lambda: viewer.rtp)
        assert pictures_of(viewer.rtp) == studio.camera.sent


async def test_reports_fit_the_pictures(open_studio: OpenStudio) -> None:
    """A sender report names the time of a picture that was sent, and counts the packets and their bytes so far."""
    async with open_studio() as studio, browser() as viewer:
        viewer.watches()
        await connected(studio, viewer)
        await until(lambda: [one for one in viewer.reports if one.sender_info.packet_count])
        told = viewer.reports[-1].sender_info
        counted = viewer.rtp[: told.packet_count]
        assert counted[-1].timestamp == told.rtp_timestamp
        assert counted[-1].marker
        assert told.octet_count == sum(len(packet.payload) for packet in counted)
        assert abs((clock.current_ntp_time() - told.ntp_timestamp) / (1 << 32)) < 1


async def test_a_keyframe_is_asked_of_the_feed(open_studio: OpenStudio) -> None:
    """Once a second at most, and it is answered with the group, still strictly growing, from the cache."""
    async with open_studio() as studio, browser() as viewer:
        viewer.watches()
        await connected(studio, viewer)
        await until(lambda: len(pictures_of(viewer.rtp)) > 5)
        already = studio.camera.requests
        await asyncio.sleep(1.1)
        for _ in range(5):
            await viewer.ask_for_a_keyframe()
        await asyncio.sleep(0.5)
        assert studio.camera.requests == already + 1
        times = pictures_of(viewer.rtp)
        assert times == sorted(times)
        assert len(times) == len(set(times))


def test_what_waits_behind_a_relay_is_counted() -> None:
    """The relay has a task for each packet and a stream behind it: neither may grow without limit."""
    inner = SimpleNamespace(transport=SimpleNamespace(get_write_buffer_size=lambda: 600_000, is_closing=lambda: False))
    relay = TurnTransport(cast(Any, inner))
    assert _waiting(relay) == 600_000
    cast(Any, relay)._TurnTransport__send_tasks.update(range(10))
    assert _waiting(relay) == 615_000
    assert _waiting(inner.transport) == 600_000
