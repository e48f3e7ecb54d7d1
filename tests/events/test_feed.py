"""The tail of a topic in memory."""

import pytest

from server.events.feed import Feed, FeedLimits, Gap
from server.events.limits import Reach
from server.events.log import Position
from server.events.schema import Filter
from tests.events.scenes import stored_event


def feed_of(count: int, limits: FeedLimits | None = None, *, after: int = 0, padding: str = "") -> Feed:
    feed = Feed("alerts", Position("e", after), limits or FeedLimits())
    feed.append([stored_event(number, padding=padding) for number in range(after + 1, after + count + 1)])
    return feed


def test_what_is_known_is_passed_over_and_a_hole_is_refused() -> None:
    """Two readers of the log may bring the same events; nobody may bring later ones before earlier ones."""
    feed = feed_of(3)
    feed.append([stored_event(2), stored_event(3), stored_event(4)])
    assert (feed.first, feed.head) == (1, 4)
    with pytest.raises(Gap):
        feed.append([stored_event(6)])
    assert feed.head == 4


def test_memory_is_bounded_by_number_and_bytes() -> None:
    """The oldest go; what is left is whole up to the head."""
    feed = feed_of(100, FeedLimits(keep=10))
    assert feed.head == 100
    assert 10 <= feed.head - feed.first + 1 <= 20
    heavy = feed_of(100, FeedLimits(keep_bytes=10_000), padding="x" * 1000)
    assert heavy.head - heavy.first + 1 <= 20
    batch, upto, _ = heavy.batch(1, None, heavy.first - 1, heavy.first - 1)
    assert batch is not None
    assert upto == 100


def test_what_was_rewritten_is_forgotten() -> None:
    """Nothing is handed out any more that was read before; it goes on at the head."""
    feed = feed_of(3)
    assert feed.batch(1, None, 1, 1)[0] is not None
    feed.forget()
    assert (feed.first, feed.head) == (4, 3)
    assert not feed.too_far_behind(1)
    feed.append([stored_event(4)])
    batch, upto, _ = feed.batch(1, None, 3, 3)
    assert batch is not None
    assert (upto, len(batch.payloads), feed.first) == (4, 1, 4)


def test_those_who_are_to_get_the_same_share_it() -> None:
    """The same batch for the same id, filter and place; another one for anybody else; a new one after an append."""
    feed = feed_of(3)
    first, upto, last = feed.batch(1, None, 1, 1)
    assert first is not None
    assert (upto, last, len(first.payloads)) == (3, 3, 2)
    assert feed.batch(1, None, 1, 1)[0] is first
    assert feed.batch(2, None, 1, 1)[0] is not first
    feed.append([stored_event(4)])
    again = feed.batch(1, None, 1, 1)[0]
    assert again is not None
    assert len(again.payloads) == 3


def test_those_with_the_same_limits_share_it_too() -> None:
    """And nobody gets what was made for somebody who may hear more."""
    feed, nothing = feed_of(3), Reach(cameras=frozenset())
    assert feed.batch(1, None, 1, 1)[0] is not None
    assert feed.batch(1, None, 1, 1, nothing) == (None, 3, 1)
    assert feed.batch(1, None, 1, 1, Reach()) is feed.batch(1, None, 1, 1)


def test_a_filter_that_matches_nothing_still_moves_on() -> None:
    """No message, but the place is the head's; `last` stays where it was."""
    assert feed_of(3).batch(1, Filter(camera_id="c2"), 0, 0) == (None, 3, 0)


def test_batches_are_bounded() -> None:
    """Bytes end a batch; the next one goes on from there."""
    feed = feed_of(10, FeedLimits(batch_bytes=1000), padding="x" * 600)
    batch, upto, last = feed.batch(1, None, 0, 0)
    assert batch is not None
    assert (upto, last, len(batch.payloads)) == (2, 2, 2)


def test_who_is_too_far_behind() -> None:
    """By number or by bytes, also where memory does not reach back to him."""
    feed = feed_of(50, FeedLimits(behind=20, keep=5))
    assert feed.too_far_behind(29)
    assert not feed.too_far_behind(30)
    heavy = feed_of(10, FeedLimits(behind_bytes=5000), padding="x" * 1000)
    assert heavy.too_far_behind(0)
    assert heavy.too_far_behind(4)
    assert not heavy.too_far_behind(7)
    assert not Feed("alerts", Position("e", 9), FeedLimits()).too_far_behind(9)
