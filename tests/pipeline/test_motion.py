"""Boxes between analysed frames: carried on as they moved, and gone when nobody tells of them any more."""

import pytest

from server.media.packet import TICKS
from server.pipeline.motion import Box, Motion

FIFTH = TICKS // 5


def track(track_id: int, *box: float) -> dict[str, object]:
    return {"trackId": track_id, "box": list(box), "state": "pending"}


def boxes(motion: Motion, pts: int) -> list[Box]:
    return [placed.box for placed in motion.at(pts)]


def test_an_analysed_frame_shows_what_was_found_in_it() -> None:
    """Exactly, whatever came before."""
    motion = Motion()
    motion.saw(0, [track(1, 0.1, 0.2, 0.1, 0.1)])
    motion.saw(FIFTH, [track(1, 0.15, 0.2, 0.1, 0.1)])
    assert boxes(motion, FIFTH) == [(0.15, 0.2, 0.1, 0.1)]


def test_a_later_frame_carries_the_movement_on() -> None:
    """As fast as before, growing as before, and for 0.4 s at the most."""
    motion = Motion()
    motion.saw(0, [track(1, 0.10, 0.2, 0.10, 0.1)])
    motion.saw(FIFTH, [track(1, 0.15, 0.2, 0.12, 0.1)])
    assert boxes(motion, 2 * FIFTH)[0] == pytest.approx((0.20, 0.2, 0.14, 0.1))
    assert boxes(motion, 3 * FIFTH)[0] == pytest.approx((0.25, 0.2, 0.16, 0.1))
    assert boxes(motion, 6 * FIFTH)[0] == boxes(motion, 3 * FIFTH)[0]


def test_a_box_never_turns_inside_out() -> None:
    """A face that shrinks fast ends at nothing."""
    motion = Motion()
    motion.saw(0, [track(1, 0.1, 0.1, 0.30, 0.30)])
    motion.saw(FIFTH, [track(1, 0.2, 0.2, 0.10, 0.10)])
    assert boxes(motion, 3 * FIFTH)[0][2:] == (0.0, 0.0)


def test_a_track_seen_once_stays_where_it_was() -> None:
    """Nothing is known of how it moves."""
    motion = Motion()
    motion.saw(0, [track(1, 0.1, 0.2, 0.1, 0.1)])
    assert boxes(motion, FIFTH) == [(0.1, 0.2, 0.1, 0.1)]


def test_what_is_not_told_of_any_more_is_gone() -> None:
    """A track that a newer frame does not have, and all of them 1.5 s after the last frame."""
    motion = Motion()
    motion.saw(0, [track(1, 0.1, 0.1, 0.1, 0.1), track(2, 0.5, 0.5, 0.1, 0.1)])
    motion.saw(FIFTH, [track(2, 0.5, 0.5, 0.1, 0.1)])
    assert [placed.track["trackId"] for placed in motion.at(FIFTH)] == [2]
    assert boxes(motion, FIFTH + round(1.6 * TICKS)) == []


def test_a_time_line_that_begins_again_forgets_how_it_moved() -> None:
    """A box of long ago says nothing about the movement of now."""
    motion = Motion()
    motion.saw(0, [track(1, 0.1, 0.1, 0.1, 0.1)])
    motion.saw(10 * TICKS, [track(1, 0.9, 0.1, 0.1, 0.1)])
    assert boxes(motion, 10 * TICKS + FIFTH) == [(0.9, 0.1, 0.1, 0.1)]
