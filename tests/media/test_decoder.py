"""server/media/decoder.py: packets in, frames out, from a keyframe on."""

from pathlib import Path

import av
import pytest

from server.clock import SystemClock
from server.errors import SourceFailed
from server.media.decoder import Decoder
from server.media.packet import TIME_BASE, Packet
from server.media.source import Source, SourceSpec, VideoFacts
from server.media.timeline import Timeline
from tests.media.conftest import MakeFilm
from tests.media.films import packet

SHARED = Path(__file__).parents[2].parent / "shared" / "data" / "video" / "one-by-one-person-detection.mp4"


def read(film: Path, count: int) -> tuple[VideoFacts, list[Packet]]:
    clock = SystemClock()
    source = Source(SourceSpec("c1", "file", str(film)), clock=clock, timeline=Timeline(clock.monotonic()))
    facts = source.open()
    try:
        return facts, [packet for packet, _ in zip(source.packets(), range(count), strict=False)]
    finally:
        source.close()


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("plain.mp4", {}),
        ("reordered.mp4", {"b_frames": 2}),
        ("pictures.avi", {"codec": "mjpeg"}),
        ("film.mkv", {"codec": "mpeg4"}),
        ("film.ts", {}),
        ("raw.avi", {"codec": "rawvideo"}),
    ],
)
def test_frames_carry_their_arrival(make_film: MakeFilm, name: str, options: dict[str, object]) -> None:
    """Frames come in the order in which they are shown, each with the arrival of its own packet."""
    facts, packets = read(make_film(name, **options), 12)
    decoder = Decoder.of("c1", facts)
    frames = [frame for packet in packets for frame in decoder.decode(packet)]
    assert len(frames) >= 9
    assert [frame.pts for frame in frames] == sorted(packet.pts for packet in packets)[: len(frames)]
    arrivals = {packet.pts: packet.captured_monotonic for packet in packets}
    assert all(frame.captured_monotonic == arrivals[frame.pts] for frame in frames)
    assert {frame.time_base for frame in frames} == {TIME_BASE}
    assert frames[0].to_bgr().shape == (96, 160, 3)


def test_waits_for_a_keyframe(make_film: MakeFilm) -> None:
    """What comes before the first keyframe gives nothing, and no error."""
    facts, packets = read(make_film("plain.mp4", gop=5), 8)
    decoder = Decoder("c1", facts.decoder, facts.extradata)
    pictures = [len(decoder.decode(packet)) for packet in packets[2:]]
    assert pictures[:3] == [0, 0, 0]
    assert sum(pictures) >= 2


def test_damaged_packets_are_skipped(make_film: MakeFilm) -> None:
    """A packet of rubbish is counted, and the decoder goes on with the next."""
    facts, packets = read(make_film("plain.mp4", gop=2), 6)
    decoder = Decoder("c1", facts.decoder, facts.extradata)
    rubbish = packet(1, content=b"\x00\x00\x00\x01\x65" + b"\xff" * 50)
    frames = []
    for each in (packets[0], rubbish, *packets[2:]):
        frames += decoder.decode(each)
    assert decoder.corrupt == 1
    assert len(frames) >= 3


def test_unknown_codec() -> None:
    """A codec that this FFmpeg cannot decode has its reason."""
    with pytest.raises(SourceFailed) as failure:
        Decoder("c1", "no-such-codec", None)
    assert failure.value.code == "unknown_codec"


@pytest.mark.skipif(not SHARED.is_file(), reason="needs the recorded film beside the repository")
def test_a_recorded_film_with_b_frames() -> None:
    """A film of High profile with B-frames gives its frames in order, at its own rate."""
    facts, packets = read(SHARED, 12)
    assert facts.has_b_frames
    decoder = Decoder("c1", facts.decoder, facts.extradata)
    frames = [frame for packet in packets for frame in decoder.decode(packet)]
    assert {after.pts - before.pts for before, after in zip(frames, frames[1:], strict=False)} == {9000}
    assert isinstance(frames[0].picture, av.VideoFrame)
