"""server/media/publication.py: from the event loop to the camera's thread, bounded."""

import threading
import time

from server.clock import ManualClock
from server.media.publication import Publication

KEY, DELTA = b"\x00\x00\x00\x01\x65key", b"\x00\x00\x00\x01\x41delta"
NEVER = threading.Event()


def opened() -> tuple[Publication, ManualClock, list[float]]:
    clock, asked = ManualClock(), list[float]()
    return Publication("h264", lambda: asked.append(clock.monotonic()), clock), clock, asked


def taken(publication: Publication) -> list[int]:
    stamps = []
    while (pushed := publication.take(0, NEVER)) is not None:
        stamps.append(pushed.rtp_timestamp)
    return stamps


def test_begins_at_a_keyframe() -> None:
    """What comes before it is left out and no loss; the publisher is asked for one, once a second."""
    publication, clock, asked = opened()
    for at in range(12):
        publication.put(DELTA, at)
        clock.advance(0.25)
    publication.put(KEY, 12)
    publication.put(DELTA, 13)
    assert taken(publication) == [12, 13]
    assert publication.dropped == 0
    assert asked == [1000.0, 1001.0, 1002.0]


def test_arrival() -> None:
    """Each picture carries its own arrival, not the time at which the thread gets to it."""
    publication, clock, _ = opened()
    clock.advance(2)
    arrived_at = clock.now()
    publication.put(KEY, 7)
    clock.advance(2)
    pushed = publication.take(0, NEVER)
    assert pushed is not None
    assert (pushed.arrived_s, pushed.arrived_at, pushed.keyframe) == (1002.0, arrived_at, True)


def test_keyframes_grow_old() -> None:
    """Browsers send them on request only: after four seconds the next is asked for, until it is there."""
    publication, clock, asked = opened()
    publication.put(KEY, 0)
    for at in range(1, 24):
        clock.advance(0.25)
        publication.put(DELTA, at)
        taken(publication)
    assert asked == [1004.0, 1005.0]
    publication.put(KEY, 25)
    clock.advance(3.9)
    publication.put(DELTA, 26)
    assert len(asked) == 2


def test_a_slow_thread_loses_up_to_the_next_keyframe() -> None:
    """Never more than the limit is held; the loss is counted, and a keyframe asked for at once."""
    publication, _, asked = opened()
    publication.put(KEY, 0)
    for at in range(1, 200):
        publication.put(DELTA, at)
    assert publication.dropped == 110
    assert len(asked) == 1
    assert taken(publication) == list(range(90))
    publication.put(DELTA, 200)
    publication.put(KEY, 201)
    assert taken(publication) == [201]
    assert publication.dropped == 111


def test_still_full_at_a_keyframe() -> None:
    """A thread that is that far behind jumps to it; large pictures fill it as many do."""
    publication, _, _ = opened()
    for at in range(4):
        publication.put(KEY + bytes(5 * 1024 * 1024), at)
    assert taken(publication) == [2, 3]
    assert publication.dropped == 2


def test_stop_and_close_end_the_wait() -> None:
    """A stop ends a wait at once when it is woken, a close for good; what is put later is nothing."""
    publication, _, asked = opened()
    stop = threading.Event()
    began_s = time.monotonic()
    threading.Timer(0.02, stop.set).start()
    threading.Timer(0.05, publication.wake).start()
    assert publication.take(60, stop) is None
    threading.Timer(0.05, publication.close).start()
    assert publication.take(60, NEVER) is None
    assert time.monotonic() - began_s < 30
    publication.close()
    publication.put(KEY, 0)
    publication.put(b"", 0)
    publication.ask()
    assert (publication.closed, taken(publication), asked) == (True, [], [])


def test_read_anew() -> None:
    """Who begins to read again begins with a keyframe, which may be waiting already."""
    publication, _, _ = opened()
    publication.put(KEY, 0)
    publication.put(DELTA, 1)
    publication.restart()
    assert taken(publication) == [0, 1]
    publication.put(DELTA, 2)
    publication.restart()
    publication.put(DELTA, 3)
    assert taken(publication) == []
