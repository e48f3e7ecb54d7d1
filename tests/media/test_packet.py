"""server/media/packet.py: an encoded packet on the camera's time line."""

from server.media.packet import TICKS, TIME_BASE
from tests.media.films import packet


def test_counts_in_the_common_base() -> None:
    """All packets count in 1/90000 of a second, as RTP does, and know their size."""
    assert TIME_BASE * TICKS == 1
    assert packet(5).time_base == TIME_BASE
    assert packet(5).size == 10
