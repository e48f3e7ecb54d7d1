"""server/media/encoder.py: pictures in, H.264 for browsers out, none held back."""

import av
import numpy as np
import pytest

from server.media.browsers import obstacle
from server.media.decoder import Decoder
from server.media.encoder import Encoder, default_bit_rate
from server.media.frame import Frame
from server.media.packet import Packet
from server.media.source import VideoFacts
from server.media.units import units
from tests.media.films import frames, pictures


def encoded(encoder: Encoder, shown: list[Frame], keyframes: tuple[int, ...] = ()) -> list[Packet]:
    packets = []
    for at, frame in enumerate(shown):
        (packet,) = encoder.encode(frame.picture, frame, keyframe=at in keyframes)
        packets.append(packet)
    return packets


def test_each_picture_comes_out_at_once() -> None:
    """One packet for each picture, at once, with the times of the frame; it decodes to the same picture."""
    shown = frames(30)
    packets = encoded(Encoder(), shown)
    assert [(one.pts, one.dts, one.captured_monotonic, one.captured_at) for one in packets] == [
        (frame.pts, frame.pts, frame.captured_monotonic, frame.captured_at) for frame in shown
    ]
    assert [one.keyframe for one in packets] == [True] + [False] * 29
    assert not any(one.cached for one in packets)
    decoder = Decoder("c1", "h264", None)
    seen = [frame for packet in packets for frame in decoder.decode(packet)]
    assert [frame.pts for frame in seen] == [frame.pts for frame in shown]
    difference = seen[-1].to_bgr().astype(int) - shown[-1].to_bgr().astype(int)
    assert np.abs(difference).mean() < 4


def test_for_browsers() -> None:
    """Constrained baseline without B-frames; every keyframe brings its parameter sets, in Annex B form."""
    packets = encoded(Encoder(), frames(30), keyframes=(20,))
    facts = VideoFacts("h264", 0, 0, None, False, None, "h264", None)
    told = Decoder("c1", "h264", None).look(packets[0], facts)
    assert told is not None
    assert (told.profile, told.pixel_format, told.width, told.height) == ("Constrained Baseline", "yuv420p", 160, 96)
    assert obstacle(told) is None
    for packet in (packets[0], packets[20]):
        content = bytes(packet.encoded)
        assert content.startswith((b"\x00\x00\x00\x01", b"\x00\x00\x01"))
        kinds = [unit[0] & 31 for unit in units(content)]
        assert kinds[-1] == 5
        assert {7, 8} <= set(kinds)


def test_keyframes_by_time_and_on_request() -> None:
    """One every two seconds of the time line, whatever the rate; one more when it is asked for, not counted twice."""
    slow = [Frame("c1", f.picture, at * 18_000, f.time_base, f.captured_at, 0.0) for at, f in enumerate(frames(25))]
    packets = encoded(Encoder(), slow, keyframes=(4,))
    assert [at for at, packet in enumerate(packets) if packet.keyframe] == [0, 4, 14, 24]


@pytest.mark.parametrize("kind", [1, 2, 3])
def test_types_of_the_camera_do_not_count(kind: int) -> None:
    """A decoded picture brings the type that it had at the camera (here I, P or B); it is encoded by our plan."""
    encoder, keyframes = Encoder(), []
    for frame in frames(12):
        frame.picture.pict_type = kind
        keyframes += [packet.keyframe for packet in encoder.encode(frame.picture, frame)]
    assert keyframes == [True] + [False] * 11


@pytest.mark.parametrize("pixel_format", ["yuv420p", "bgr24", "yuvj420p", "yuv444p"])
@pytest.mark.parametrize("size", [(161, 97), (64, 65), (17, 33)])
def test_odd_sizes_and_other_formats(size: tuple[int, int], pixel_format: str) -> None:
    """A line or a column too many is left out; whatever the pixels come in, the picture is the same."""
    encoder, decoder = Encoder(bit_rate=3_000_000), Decoder("c1", "h264", None)
    seen: list[Frame] = []
    shown = frames(3, size, pixel_format=pixel_format)
    for packet in encoded(encoder, shown):
        seen += decoder.decode(packet)
    assert (seen[-1].width, seen[-1].height) == (size[0] & ~1, size[1] & ~1)
    original = shown[-1].to_bgr()[: seen[-1].height, : seen[-1].width].astype(int)
    assert np.abs(seen[-1].to_bgr() - original).mean() < 5


def test_the_size_may_change() -> None:
    """Another size opens the encoder again: it goes on with a keyframe of that size."""
    encoder = Encoder()
    packets = encoded(encoder, frames(3)) + encoded(encoder, frames(3, (320, 180), first=3))
    assert [packet.keyframe for packet in packets] == [True, False, False] * 2
    decoder = Decoder("c1", "h264", None)
    sizes = [(frame.width, frame.height) for packet in packets for frame in decoder.decode(packet)]
    assert sizes == [(160, 96)] * 3 + [(320, 180)] * 3


def test_what_is_not_newer_is_left_out() -> None:
    """The same frame twice is one packet; after a close it is a new beginning."""
    encoder, (frame,) = Encoder(), frames(1)
    assert len(encoder.encode(frame.picture, frame)) == 1
    assert encoder.encode(frame.picture, frame) == []
    encoder.close()
    encoder.close()
    (again,) = encoder.encode(frame.picture, frame)
    assert again.keyframe


def noise(count: int, size: tuple[int, int]) -> list[av.VideoFrame]:
    random = np.random.default_rng(4)
    whole = random.integers(0, 255, (size[1] // 4, size[0] // 4 + count, 3), np.uint8)
    return [
        av.VideoFrame.from_ndarray(
            np.ascontiguousarray(whole[:, at : at + size[0] // 4].repeat(4, 0).repeat(4, 1)), format="bgr24"
        )
        for at in range(count)
    ]


def test_bit_rate() -> None:
    """A still scene costs next to nothing; a wild one stays within its rate, and its keyframe is no burst."""
    size = (640, 360)
    most = default_bit_rate(*size, 25)
    assert most == pytest.approx(518_400)
    (still,) = pictures(1, size)
    calm = [Frame("c1", still, f.pts, f.time_base, f.captured_at, 0.0) for f in frames(50)]
    wild = [
        Frame("c1", p, f.pts, f.time_base, f.captured_at, 0.0) for p, f in zip(noise(50, size), frames(50), strict=True)
    ]
    assert sum(packet.size for packet in encoded(Encoder(), calm)) * 8 / 2 < most / 8
    packets = encoded(Encoder(), wild)
    assert sum(packet.size for packet in packets) * 8 / 2 < most * 1.6
    assert packets[0].size * 8 < most
    assert default_bit_rate(1280, 720, 25) == pytest.approx(2_073_600)
    assert default_bit_rate(160, 96, 25) == 400_000
    assert default_bit_rate(3840, 2160, 30) == 6_000_000


def test_the_bit_rate_follows_its_limit() -> None:
    """From the next keyframe on, down and up again, and never above what the size is worth."""
    size, encoder = (640, 360), Encoder()
    wild = [
        Frame("c1", p, f.pts, f.time_base, f.captured_at, 0.0) for p, f in zip(noise(50, size), frames(50), strict=True)
    ]

    def second(limit: int | None, first: int) -> int:
        """Bits of 25 pictures that begin with a keyframe."""
        encoder.limit = limit
        total = 0
        for at in range(25):
            frame = wild[(first + at) % 50]
            moved = Frame("c1", frame.picture, (first + at) * 3600, frame.time_base, frame.captured_at, 0.0)
            total += sum(packet.size for packet in encoder.encode(moved.picture, moved, keyframe=at == 0)) * 8
        return total

    rates = [second(limit, 25 * at) for at, limit in enumerate((None, 200_000, 10_000_000, 1))]
    assert rates[1] < 0.6 * rates[0]
    assert rates[2] == pytest.approx(rates[0], rel=0.3)
    assert rates[3] == pytest.approx(rates[1], rel=0.3)
