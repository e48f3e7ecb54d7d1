"""server/media/ring.py: whole groups, bounded by seconds and by bytes, and what had to go is counted."""

from datetime import UTC, datetime, timedelta

from server.media.packet import Packet
from server.media.ring import PacketRing
from tests.media.films import packet

BEGAN = datetime(2026, 1, 5, tzinfo=UTC)


def at(seconds: float, *, key: bool = False, size: int = 10) -> Packet:
    made = packet(round(seconds * 90_000), key=key, content=b"x" * size)
    return Packet(made.encoded, made.pts, made.dts, key, BEGAN + timedelta(seconds=seconds), seconds)


def fill(ring: PacketRing, seconds: int, *, every: int = 2, size: int = 10) -> None:
    """A packet a second, a keyframe every so many."""
    for second in range(seconds):
        ring.add(at(second, key=second % every == 0, size=size))


def times(packets: tuple[Packet, ...]) -> list[float]:
    return [one.captured_monotonic for one in packets]


def test_nothing_before_the_first_keyframe() -> None:
    ring = PacketRing()
    ring.add(at(0))
    assert (len(ring), ring.dropped) == (0, 0)
    assert ring.since(BEGAN) == ()


def test_the_oldest_group_goes_whole_once_the_rest_lasts() -> None:
    """What goes with age is not counted: it had its time."""
    ring = PacketRing(keep_s=4)
    fill(ring, 20)
    assert times(ring.since(BEGAN)) == [14, 15, 16, 17, 18, 19]
    assert ring.dropped == 0


def test_from_the_last_keyframe_before() -> None:
    """And from the oldest that is held where that is younger."""
    ring = PacketRing(keep_s=8)
    fill(ring, 10)
    assert times(ring.since(BEGAN + timedelta(seconds=5))) == [4, 5, 6, 7, 8, 9]
    assert times(ring.since(BEGAN + timedelta(seconds=6))) == [6, 7, 8, 9]
    assert times(ring.since(BEGAN - timedelta(seconds=6)))[0] == 0


def test_bytes_are_bounded() -> None:
    """Also by letting go what is young, which is counted."""
    ring = PacketRing(keep_s=100, limit_bytes=60)
    fill(ring, 10)
    assert times(ring.since(BEGAN)) == [4, 5, 6, 7, 8, 9]
    assert ring.dropped == 4


def test_a_group_that_is_too_large_is_no_group() -> None:
    """There is nothing then, until the next keyframe."""
    ring = PacketRing(limit_bytes=50)
    fill(ring, 7, every=100)
    assert (len(ring), ring.dropped) == (0, 6)
    ring.add(at(8, key=True))
    assert times(ring.since(BEGAN)) == [8]


def test_a_group_that_is_too_long_is_no_group() -> None:
    """A camera that sends a keyframe a minute does not fill the memory."""
    ring = PacketRing(longest_group_s=5)
    fill(ring, 9, every=100)
    assert (len(ring), ring.dropped) == (0, 7)


def test_cleared() -> None:
    ring = PacketRing()
    fill(ring, 4)
    ring.clear()
    ring.add(at(5))
    assert len(ring) == 0
    ring.add(at(6, key=True))
    assert len(ring) == 1
