"""server/webrtc/stamps.py: live pictures keep their time, kept ones are pressed together before them."""

from dataclasses import replace

from server.media.packet import TICKS, Packet
from server.webrtc.stamps import Stamps
from tests.webrtc.pictures import TICKS_A_FRAME, packets


def line(count: int, *, at_s: float = 100.0, pts: int = 0) -> list[Packet]:
    return packets([b"x"] * count, at_s=at_s, first_pts=pts)


def test_live_pictures_keep_their_pts() -> None:
    """Exactly, so that everybody can name a picture by it."""
    stamps = Stamps()
    assert [stamps.next(one, one.captured_monotonic) for one in line(5, pts=7)] == [
        7 + n * TICKS_A_FRAME for n in range(5)
    ]


def test_kept_pictures_take_no_time() -> None:
    """Two seconds are pressed into a hundredth, strictly growing, and live pictures follow exactly."""
    stamps = Stamps()
    group, live = line(60)[:50], line(60)[50:]
    now_s = group[-1].captured_monotonic + 0.03
    kept = [stamps.next(replace(one, cached=True), now_s) for one in group]
    assert all(before < after for before, after in zip(kept, kept[1:], strict=False))
    assert kept[-1] - kept[0] < TICKS / 100
    assert kept[-1] < live[0].pts
    assert live[0].pts - kept[0] < TICKS / 4
    assert [stamps.next(one, one.captured_monotonic) for one in live] == [one.pts for one in live]


def test_kept_pictures_in_the_middle_come_after_what_was_sent() -> None:
    """A keyframe that was asked for: the group again, behind the last picture and before the next."""
    stamps = Stamps()
    group, live = line(21)[:20], line(21)[20]
    for one in group:
        stamps.next(one, one.captured_monotonic)
    kept = [stamps.next(replace(one, cached=True), group[-1].captured_monotonic + 0.01) for one in group]
    assert kept == [group[-1].pts + 1 + n for n in range(20)]
    assert stamps.next(live, live.captured_monotonic) == live.pts


def test_grows_where_a_camera_does_not() -> None:
    """Two pictures of one moment are still one after the other."""
    stamps = Stamps()
    first, second = line(1)[0], line(1)[0]
    assert [stamps.next(first, 100.0), stamps.next(second, 100.0)] == [0, 1]
