"""server/media/outlets.py: what the camera's thread brings is given to each reader."""

import asyncio
from dataclasses import replace

from server.clock import SystemClock
from server.media.outlets import Outlets
from server.media.packet import Packet
from server.media.source import VideoFacts
from server.media.status import Meter
from tests.media.conftest import MakeFilm
from tests.media.test_decoder import read


def opened(make_film: MakeFilm, count: int) -> tuple[Outlets, Meter, VideoFacts, list[Packet]]:
    facts, packets = read(make_film("film.mp4", gop=5), count)
    meter = Meter()
    outlets = Outlets("c1", SystemClock(), meter)
    outlets.opened(facts)
    return outlets, meter, facts, packets


async def test_frame_readers_join_within_a_group(make_film: MakeFilm) -> None:
    """Who joins between keyframes gets the picture of the next packet, decoded from the last keyframe on."""
    outlets, meter, _, packets = opened(make_film, 9)
    for packet in packets[:8]:
        outlets.publish(packet)
    assert meter.latency_ms is None
    with outlets.frames() as mailbox:
        outlets.publish(packets[8])
        frame = await mailbox.take()
        assert frame.pts == packets[8].pts
        assert mailbox.dropped == 0
        assert outlets.latest is frame
        with outlets.frames() as second:
            assert await second.take() is frame
    assert outlets.latest is None
    assert meter.latency_ms is not None


async def test_a_new_opening_forgets_the_group(make_film: MakeFilm) -> None:
    """Packets of another opening are not mixed with those of this one; readers stay, and wait for its keyframe."""
    outlets, _, facts, packets = opened(make_film, 8)
    with outlets.packets(8) as queue, outlets.frames() as mailbox:
        for packet in packets[:3]:
            outlets.publish(packet)
        outlets.closed()
        outlets.opened(facts)
        with outlets.packets(8) as late:
            assert len(late) == 0
        outlets.publish(packets[3])
        outlets.publish(packets[5])
        async with asyncio.timeout(1):
            assert [(await queue.take()).pts for _ in range(4)] == [packets[at].pts for at in (0, 1, 2, 5)]
            assert (await mailbox.take()).pts == packets[5].pts


async def test_joiners_and_refills_are_cached(make_film: MakeFilm) -> None:
    """The group that a joiner begins with, and the one that a refill brings, is marked; what comes then is not."""
    outlets, _, _, packets = opened(make_film, 8)
    assert not outlets.holds_group
    for packet in packets[:7]:
        outlets.publish(packet)
    assert outlets.holds_group
    with outlets.packets(8) as queue:
        outlets.publish(packets[7])
        assert [(await queue.take()).cached for _ in range(3)] == [True, True, False]
        assert outlets.refill(queue)
        assert [(await queue.take()).cached for _ in range(3)] == [True, True, True]


async def test_frames_out_of_order_are_noticed(make_film: MakeFilm) -> None:
    """B-frames are told as soon as they are seen, whatever the header says; one step back is none."""
    facts, packets = read(make_film("film.mp4", b_frames=2, gop=12), 12)
    outlets = Outlets("c1", SystemClock(), Meter())
    outlets.opened(replace(facts, has_b_frames=False))
    noticed = []
    for packet in packets:
        outlets.publish(packet)
        noticed.append(outlets.facts is not None and outlets.facts.has_b_frames)
    assert not noticed[0]
    assert noticed[8]
    facts, packets = read(make_film("plain.mp4"), 8)
    outlets.opened(facts)
    for packet in packets[:5] + packets[3:]:
        outlets.publish(packet)
    assert outlets.facts is not None


async def test_another_picture_of_the_same_input(make_film: MakeFilm) -> None:
    """Facts may change while a camera runs; what is held stays."""
    outlets, _, facts, packets = opened(make_film, 3)
    outlets.publish(packets[0])
    outlets.changed(replace(facts, width=320))
    assert outlets.facts is not None
    assert outlets.facts.width == 320
    assert outlets.holds_group


async def test_losses_are_kept_when_a_reader_leaves(make_film: MakeFilm) -> None:
    """What readers lost stays counted after they have gone."""
    outlets, _, _, packets = opened(make_film, 8)
    with outlets.frames(), outlets.packets(2):
        for packet in packets:
            outlets.publish(packet)
        lost = outlets.dropped
        assert lost > 8
    assert outlets.dropped == lost


async def test_the_size_follows_the_picture(make_film: MakeFilm) -> None:
    """A camera that changes its size within one opening says so, as soon as a picture of the new size is decoded."""
    outlets, _, _, packets = opened(make_film, 3)
    _, larger = read(make_film("larger.mp4", gop=5, size=(320, 192)), 3)
    step = packets[2].pts - packets[0].pts + 3600
    with outlets.frames():
        outlets.publish(packets[0])
        assert outlets.facts is not None
        assert (outlets.facts.width, outlets.facts.height) == (160, 96)
        for packet in larger:
            outlets.publish(replace(packet, pts=packet.pts + step, dts=packet.dts + step))
        assert (outlets.facts.width, outlets.facts.height) == (320, 192)
