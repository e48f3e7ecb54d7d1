"""Faces keep their id while they move, are missed and pass each other; ids die with their track."""

import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from server.vision.detections import Detections
from server.vision.tracker import Tracker, TrackerLimits, TrackerUpdate

Face = tuple[float, float, float]  # middle x, middle y, width
ENTRIES = st.lists(st.tuples(st.floats(0, 1280), st.floats(0, 720), st.floats(20, 300)), max_size=5)


def seen(*faces: Face, confidence: float = 0.9) -> Detections:
    boxes = np.array([(x - w / 2, y - 0.6 * w, x + w / 2, y + 0.6 * w) for x, y, w in faces], np.float32)
    landmarks = np.zeros((len(faces), 5, 2), np.float32)
    return Detections(boxes.reshape(-1, 4), landmarks, np.full(len(faces), confidence, np.float32))


def ids(update: TrackerUpdate) -> list[int]:
    return [track.id for track in update.tracks]


def test_a_face_that_stays_has_one_id_and_is_soon_confirmed() -> None:
    """Confirmed at the second hit."""
    tracker = Tracker()
    updates = [tracker.update(seen((300, 200, 80)), at) for at in (0.0, 0.2, 0.4)]
    assert [ids(update) for update in updates] == [[1], [1], [1]]
    assert [update.tracks[0].confirmed for update in updates] == [False, True, True]
    assert updates[-1].tracks[0].hits == 3
    assert (updates[-1].tracks[0].started_s, updates[-1].tracks[0].seen_s) == (0.0, 0.4)


def test_a_quick_walk_at_five_uneven_pictures_a_second() -> None:
    """A face that moves by more than its width between pictures keeps its id."""
    tracker = Tracker()
    times = [0.0, 0.17, 0.41, 0.55, 0.82, 1.0, 1.23]
    updates = [tracker.update(seen((100 + 350 * at, 300, 60)), at) for at in times]
    assert {track_id for update in updates for track_id in ids(update)} == {1}


def test_a_face_that_comes_nearer_keeps_its_id() -> None:
    """Its size may grow steadily."""
    tracker = Tracker()
    updates = [tracker.update(seen((640, 360, 40 * 1.25**n)), n * 0.2) for n in range(8)]
    assert {track_id for update in updates for track_id in ids(update)} == {1}


def test_a_few_missed_detections_do_not_end_a_track() -> None:
    """Meanwhile it is expected where it was going; then it is the same."""
    tracker = Tracker()
    for n in range(5):
        tracker.update(seen((200 + 40 * n, 300, 80)), n * 0.2)
    missing = tracker.update(Detections.none(), 1.0)
    assert missing.tracks[0].missed == 1
    assert missing.tracks[0].box[0] > 320
    assert tracker.update(Detections.none(), 1.2).tracks[0].missed == 2
    back = tracker.update(seen((200 + 40 * 7, 300, 80)), 1.4)
    assert (ids(back), back.tracks[0].missed, back.ended) == ([1], 0, [])


def test_a_face_that_is_gone_ends_and_its_id_never_returns() -> None:
    """The same face later is another track."""
    tracker = Tracker()
    tracker.update(seen((300, 200, 80)), 0.0)
    tracker.update(seen((300, 200, 80)), 0.2)
    assert tracker.update(Detections.none(), 1.0).ended == []
    assert tracker.update(Detections.none(), 2.0).ended == [1]
    assert ids(tracker.update(seen((300, 200, 80)), 2.2)) == [2]


def test_after_a_long_gap_nothing_is_taken_for_what_was_there() -> None:
    """A camera that stood still for ten seconds shows other people in the same place."""
    tracker = Tracker()
    tracker.update(seen((300, 200, 80)), 0.0)
    tracker.update(seen((300, 200, 80)), 0.2)
    after = tracker.update(seen((300, 200, 80)), 10.0)
    assert (ids(after), after.ended) == ([2], [1])


def test_an_unconfirmed_track_ends_sooner() -> None:
    """One false detection is not waited for."""
    tracker = Tracker(TrackerLimits(lost_after_s=1.0))
    tracker.update(seen((300, 200, 80)), 0.0)
    assert tracker.update(Detections.none(), 0.6).ended == [1]


def test_a_weak_detection_goes_on_but_does_not_begin() -> None:
    """A shadow is no face; a face that turns into the shadow still is one."""
    tracker = Tracker()
    assert ids(tracker.update(seen((300, 200, 80), confidence=0.4), 0.0)) == []
    tracker.update(seen((300, 200, 80)), 0.2)
    assert tracker.update(seen((300, 200, 80), confidence=0.4), 0.4).tracks[0].hits == 2


def test_two_people_who_pass_each_other_keep_their_ids() -> None:
    """The pace tells them apart, at ten pictures a second."""
    tracker = Tracker()
    for n in range(11):
        at = n * 0.1
        tracker.update(seen((300 + 600 * at, 300, 80), (900 - 600 * at, 330, 80)), at)
    last = tracker.update(seen((300 + 660, 300, 80), (900 - 660, 330, 80)), 1.1)
    by_id = {track.id: track for track in last.tracks}
    assert sorted(by_id) == [1, 2]
    assert by_id[1].box[0] > by_id[2].box[0]


def test_a_far_face_of_another_size_is_another_track() -> None:
    """Neither place nor size may jump."""
    tracker = Tracker()
    tracker.update(seen((300, 200, 80)), 0.0)
    assert ids(tracker.update(seen((900, 600, 80)), 0.2)) == [1, 2]
    assert 3 in ids(tracker.update(seen((300, 200, 300)), 0.4))


def test_the_order_of_detections_does_not_matter() -> None:
    """The same two faces, listed the other way round."""
    tracker = Tracker()
    tracker.update(seen((300, 200, 80), (800, 200, 90)), 0.0)
    turned = tracker.update(seen((800, 205, 90), (300, 205, 80)), 0.2)
    assert {track.id: round(float(track.box[2] - track.box[0])) for track in turned.tracks} == {1: 80, 2: 90}


@settings(max_examples=60)
@given(st.lists(st.tuples(st.sampled_from([0.04, 0.2, 0.7, 3.0]), ENTRIES), max_size=15))
def test_ids_are_unique_and_every_track_ends_once(pictures: list[tuple[float, list[Face]]]) -> None:
    """Whatever comes: no id twice at a time, none again after its end, and all have ended when nothing comes."""
    tracker = Tracker()
    known: set[int] = set()
    ended: list[int] = []
    at = 0.0
    for gap, faces in [*pictures, (30.0, [])]:
        at += gap
        update = tracker.update(seen(*faces), at)
        now = ids(update)
        assert len(now) == len(set(now))
        assert not set(now) & set(ended) - set(update.ended)
        assert not set(now) & set(update.ended)
        ended += update.ended
        known |= set(now)
        assert sum(track.seen_s == at for track in update.tracks) <= len(faces)
        assert all(np.isfinite(track.box).all() for track in update.tracks)
    assert sorted(ended) == sorted(known)


@given(st.integers(1, 6))
def test_each_detection_feeds_one_track(count: int) -> None:
    """As many tracks as faces that stand apart."""
    tracker = Tracker()
    faces = [(100.0 + 200 * n, 300.0, 80.0) for n in range(count)]
    for at in (0.0, 0.2, 0.4):
        update = tracker.update(seen(*faces), at)
    assert len(update.tracks) == count
    assert all(a.id != b.id for a, b in itertools.combinations(update.tracks, 2))
