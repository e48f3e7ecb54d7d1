"""server/media/gop.py: the packets since the last keyframe."""

from server.media.gop import Gop
from tests.media.films import packet


def stamps(gop: Gop) -> list[int]:
    return [held.pts for held in gop.packets()]


def test_from_keyframe_to_keyframe() -> None:
    """Nothing is held before the first keyframe; each keyframe starts again."""
    gop = Gop()
    gop.add(packet(0))
    assert len(gop) == 0
    for at in range(1, 6):
        gop.add(packet(at, key=at in (1, 4)))
    assert stamps(gop) == [4, 5]
    gop.clear()
    assert stamps(gop) == []


def test_limits() -> None:
    """A group that is too long or too large is forgotten whole, until the next keyframe."""
    for gop in (Gop(limit=3), Gop(limit_bytes=35)):
        for at in range(5):
            gop.add(packet(at, key=at == 0))
        assert stamps(gop) == []
        gop.add(packet(5, key=True))
        assert stamps(gop) == [5]
