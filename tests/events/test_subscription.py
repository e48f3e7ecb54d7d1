"""One subscription: its place, its chain, and what happens to slow readers."""

from hypothesis import given
from hypothesis import strategies as st

from server.events.encoding import Encoded, encode_body
from server.events.feed import Feed, FeedLimits
from server.events.limits import EVERYTHING, Reach, visible
from server.events.log import Position
from server.events.pages import Page
from server.events.schema import Filter, StoredEvent
from server.events.subscription import Step, Subscription
from tests.events.scenes import AT, Pipe, stored_event


class Watch:
    """A subscription with its pipe, and what it asked of its connection."""

    def __init__(self, wanted: Filter | None = None, reach: Reach = EVERYTHING) -> None:
        self.pipe = Pipe()
        self.behind = 0
        self.slow = 0
        self.subscription = Subscription(
            1, "alerts", wanted, self.pipe, reach=reach, on_behind=self.on_behind, on_slow=self.on_slow
        )

    def on_behind(self) -> None:
        self.behind += 1

    def on_slow(self) -> None:
        self.slow += 1


def feed_of(count: int, limits: FeedLimits | None = None) -> Feed:
    feed = Feed("alerts", Position("e", 0), limits or FeedLimits())
    feed.append([stored_event(number) for number in range(1, count + 1)])
    return feed


def add(feed: Feed, first: int, last: int, camera: str = "c1") -> None:
    feed.append([stored_event(number, camera=camera) for number in range(first, last + 1)])
    for follower in feed.followers:
        follower.advance()


def test_nothing_goes_out_before_it_is_released() -> None:
    """What happens meanwhile follows, without gap and without double."""
    watch, feed = Watch(), feed_of(5)
    watch.subscription.follow(feed, 3)
    add(feed, 6, 7)
    assert watch.pipe.payloads == []
    watch.subscription.release()
    add(feed, 8, 8)
    assert watch.pipe.offsets == [4, 5, 6, 7, 8]
    assert watch.subscription.step is Step.LIVE


def test_a_client_that_takes_nothing_keeps_its_place() -> None:
    """Nothing is written while it is not ready; afterwards it goes on where it was."""
    watch, feed = Watch(), feed_of(0)
    watch.subscription.follow(feed, 0)
    watch.subscription.release()
    watch.pipe.ready = False
    add(feed, 1, 10)
    assert watch.pipe.payloads == []
    watch.pipe.ready = True
    watch.subscription.advance()
    assert watch.pipe.offsets == list(range(1, 11))
    assert watch.slow == 0


def test_a_live_client_that_falls_too_far_behind_is_slow() -> None:
    """One that is catching up is not: it began there."""
    late, live, feed = Watch(), Watch(), feed_of(1, FeedLimits(behind=5))
    live.subscription.follow(feed, 1)
    live.subscription.release()
    live.pipe.ready = late.pipe.ready = False
    late.subscription.follow(feed, 0)
    late.subscription.release()
    add(feed, 2, 6)
    assert (live.slow, late.slow) == (0, 0)
    add(feed, 7, 7)
    assert (live.slow, late.slow) == (1, 0)


def test_further_back_than_memory_the_log_is_read() -> None:
    """It asks for it, takes pages of it, and then goes on from memory."""
    watch, feed = Watch(), feed_of(100, FeedLimits(keep=10))
    watch.subscription.follow(feed, 0)
    assert not watch.subscription.needs_log
    watch.subscription.release()
    assert watch.behind == 1
    assert watch.subscription.needs_log
    while watch.subscription.needs_log:
        after = watch.subscription.cursor
        assert watch.subscription.replay(Page([stored_event(number) for number in range(after + 1, after + 31)]))
    watch.subscription.advance()
    assert watch.pipe.offsets == list(range(1, 101))
    assert not watch.subscription.replay(Page([stored_event(102)]))
    assert not watch.subscription.replay(Page([]))


def test_after_the_end_nothing_is_said() -> None:
    """And the feed does not know it any more."""
    watch, feed = Watch(), feed_of(1)
    watch.subscription.follow(feed, 0)
    watch.subscription.end()
    watch.subscription.release()
    watch.subscription.advance()
    assert watch.pipe.payloads == []
    assert not feed.followers


def test_of_volatile_events_the_latest_wins() -> None:
    """A slow reader skips, and skips are counted; a filter holds here too."""
    watch = Watch(Filter(camera_id="c1"))
    watch.subscription.show(Encoded(b'"held"', "tracks.updated", {"cameraId": "c1"}, "t", 0))
    watch.subscription.release()
    watch.pipe.ready = False
    for name in (b'"old"', b'"older"', b'"new"'):
        watch.subscription.show(Encoded(name, "tracks.updated", {"cameraId": "c1"}, "t", 0))
    watch.subscription.show(Encoded(b'"other"', "tracks.updated", {"cameraId": "c2"}, "t", 0))
    watch.pipe.ready = True
    watch.subscription.advance()
    watch.subscription.advance()
    assert [message["event"] for message in watch.pipe.messages] == ["held", "new"]
    assert watch.subscription.skipped == 2


@given(
    cameras=st.lists(st.sampled_from(["c1", "c2"]), max_size=40),
    start=st.integers(0, 40),
    steps=st.lists(st.tuples(st.integers(1, 9), st.booleans()), max_size=12),
    wanted=st.sampled_from(
        [None, Filter(camera_id="c1"), Filter(person_id="p1"), Filter(camera_id="c2", person_id="p0")]
    ),
)
def test_the_chain_shows_that_nothing_is_missing(
    cameras: list[str], start: int, steps: list[tuple[int, bool]], wanted: Filter | None
) -> None:
    """Whatever the filter and however the client stalls: all that match, once, in order, each naming the one before."""
    events = [stored_event(number, camera=camera) for number, camera in enumerate(cameras, 1)]
    start = min(start, len(events))
    feed = Feed("alerts", Position("e", 0), FeedLimits(batch_bytes=400))
    feed.append(events[:start])
    watch = Watch(wanted)
    watch.subscription.follow(feed, start)
    watch.subscription.release()
    at = start
    for count, ready in steps:
        watch.pipe.ready = ready
        feed.append(events[at : at + count])
        at = min(at + count, len(events))
        watch.subscription.advance()
    watch.pipe.ready = True
    watch.subscription.advance()
    due = [event.offset for event in events[start:at] if Encoded.of(event).matches(wanted)]
    assert watch.pipe.offsets == due
    assert [message["previous"] for message in watch.pipe.messages] == [start, *due[:-1]][: len(due)]


def test_who_is_limited_to_departments_sees_boxes_without_names() -> None:
    """The others see the names; those without them share one encoding."""
    data: dict[str, object] = {"cameraId": "c1", "tracks": [{"trackId": 1, "personId": "p1", "name": "Ada"}]}
    body = encode_body("x", "tracks.updated", AT, "cameras/c1", data)
    event = Encoded(body, "tracks.updated", data, "cameras/c1/tracks", 0)
    night = Reach(departments=frozenset({"night"}))
    watches = [Watch(), Watch(reach=night), Watch(reach=Reach(departments=frozenset()))]
    for watch in watches:
        watch.subscription.release()
        watch.subscription.show(event)
    full, limited, other = (watch.pipe for watch in watches)
    assert b"Ada" in full.payloads[0]
    assert limited.payloads[0] is other.payloads[0]
    assert limited.messages[0]["event"] == full.messages[0]["event"] | {  # type: ignore[operator]
        "data": {"cameraId": "c1", "tracks": [{"trackId": 1, "personId": None, "name": None}]}
    }


def seen(offset: int, camera: str, department: str | None) -> StoredEvent:
    person = {"id": "p1", "departmentId": department} if department else None
    data: dict[str, object] = {"cameraId": camera, "personId": "p1" if person else None, "person": person}
    return StoredEvent("sightings", offset, f"id-{offset}", "sighting.closed", AT, f"cameras/{camera}", data)


@given(
    happened=st.lists(
        st.tuples(st.sampled_from(["c1", "c2"]), st.sampled_from(["night", "day", None])), min_size=1, max_size=30
    ),
    reach=st.sampled_from([Reach(frozenset({"c1"}), None), Reach(None, frozenset({"day"})), Reach(frozenset(), None)]),
    wanted=st.sampled_from(
        [None, Filter(camera_id="c1"), Filter(person_id="p1"), Filter(department_id="night"), Filter(type="no.such")]
    ),
    from_log=st.booleans(),
)
def test_the_chain_is_whole_within_limits(
    happened: list[tuple[str, str | None]], reach: Reach, wanted: Filter | None, from_log: bool
) -> None:
    """A limited reader hears all that is within reach, and `previous` names what it has heard before, from log too."""
    events = [seen(number, *what) for number, what in enumerate(happened, 1)]
    feed = Feed("sightings", Position("e", 0), FeedLimits(batch_bytes=400, keep=1 if from_log else 1024))
    feed.append(events)
    watch, unlimited = Watch(wanted, reach), Watch(wanted)
    for one in (watch, unlimited):
        one.subscription.follow(feed, 0)
        one.subscription.release()
        while one.subscription.needs_log:
            assert one.subscription.replay(Page(events[one.subscription.cursor // 7 * 7 :][:7]))
        one.subscription.advance()
    due = [
        event.offset
        for event in events
        if Encoded.of(event).matches(wanted) and visible(reach, event.topic, event.source, event.data)
    ]
    assert watch.pipe.offsets == due
    assert [message["previous"] for message in watch.pipe.messages] == [0, *due[:-1]][: len(due)]
    assert unlimited.pipe.offsets == [event.offset for event in events if Encoded.of(event).matches(wanted)]
