"""The one rule of who hears what, as a table."""

import pytest

from server.events.limits import (
    EVERYTHING,
    Reach,
    about,
    may_follow,
    out_of_reach,
    reach_of,
    reduced,
    visible,
    without_names,
)
from server.events.schema import Filter
from server.events.topics import TOPIC_KINDS, find_topic
from tests.events.scenes import Somebody

DOOR = Reach(cameras=frozenset({"door"}))
NIGHT = Reach(departments=frozenset({"night"}))
BOTH = Reach(frozenset({"door"}), frozenset({"night"}))
NOTHING = Reach(frozenset(), frozenset())
REACHES = (DOOR, NIGHT, BOTH, NOTHING)

ADA = {"id": "ada", "fullName": "Ada", "departmentId": "night"}
BOB = {"id": "bob", "fullName": "Bob", "departmentId": "day"}
CLEO = {"id": "cleo", "fullName": "Cleo", "departmentId": None}
OLD = {"id": "ada", "fullName": "Ada"}  # as stored before departments were told

# topic, source, data, and who of DOOR, NIGHT, BOTH and NOTHING hears it.
TABLE = [
    ("cameras", "", {"id": "door"}, (True, True, True, False)),
    ("cameras", "", {"id": "yard"}, (False, True, False, False)),
    ("sightings", "", {"cameraId": "door", "personId": None, "person": None}, (True, True, True, False)),
    ("sightings", "", {"cameraId": "yard", "personId": None, "person": None}, (False, True, False, False)),
    ("sightings", "", {"cameraId": None, "personId": None, "person": None}, (False, True, False, False)),
    ("sightings", "", {"cameraId": "door", "personId": "ada", "person": ADA}, (True, True, True, False)),
    ("sightings", "", {"cameraId": "yard", "personId": "ada", "person": ADA}, (False, True, False, False)),
    ("sightings", "", {"cameraId": "door", "personId": "bob", "person": BOB}, (True, False, False, False)),
    ("sightings", "", {"cameraId": "door", "personId": "cleo", "person": CLEO}, (True, False, False, False)),
    ("sightings", "", {"cameraId": "door", "personId": "ada", "person": OLD}, (True, False, False, False)),
    ("sightings", "", {"cameraId": "door", "personId": "ada"}, (True, False, False, False)),
    ("attendance", "", {"cameraId": "door", "origin": "camera", "person": ADA}, (True, True, True, False)),
    ("attendance", "", {"cameraId": "yard", "origin": "camera", "person": ADA}, (False, True, False, False)),
    ("attendance", "", {"cameraId": "door", "origin": "camera", "person": BOB}, (True, False, False, False)),
    ("attendance", "", {"cameraId": None, "origin": "manual", "person": ADA}, (True, True, True, False)),
    ("attendance", "", {"cameraId": None, "origin": "manual", "person": BOB}, (True, False, False, False)),
    ("attendance", "", {"cameraId": None, "origin": "camera", "person": ADA}, (False, True, False, False)),
    ("attendance", "", {"reason": "badge_unknown", "kioskId": "k"}, (False, True, False, False)),
    ("attendance", "", {"reason": "spoof", "cameraId": "door"}, (True, True, True, False)),
    ("alerts", "", {"subject": "cameras/door"}, (True, True, True, False)),
    ("alerts", "", {"subject": "cameras/yard"}, (False, True, False, False)),
    ("alerts", "", {"subject": "users/ada"}, (False, False, False, False)),
    ("alerts", "", {"subject": "people/ada/days/2026-03-08", "departmentId": "night"}, (True, True, True, False)),
    ("alerts", "", {"subject": "people/bob/days/2026-03-08", "departmentId": "day"}, (True, False, False, False)),
    ("alerts", "", {"subject": "people/ada/days/2026-03-08"}, (True, False, False, False)),
    ("alerts", "", {"subject": None}, (False, False, False, False)),
    ("kiosks/k", "cameras/door", {"kioskId": "k", "name": "Ada"}, (True, False, False, False)),
    ("kiosks/k", "cameras/door", {"kioskId": "k", "hint": "step_closer"}, (True, True, True, False)),
    ("kiosks/k", "cameras/yard", {"kioskId": "k", "hint": "step_closer"}, (False, True, False, False)),
    ("cameras/door/tracks", "", {"cameraId": "door", "tracks": []}, (True, True, True, False)),
    ("cameras/yard/tracks", "", {"cameraId": "yard", "tracks": []}, (False, True, False, False)),
    ("jobs", "", {"id": "j", "kind": "retention"}, (True, True, True, True)),
    ("system/stats", "", {}, (True, True, True, True)),
    ("something/new", "", {"cameraId": "door"}, (False, False, False, False)),
]


@pytest.mark.parametrize(("topic", "source", "data", "heard"), TABLE)
def test_who_hears_what(topic: str, source: str, data: dict[str, object], heard: tuple[bool, ...]) -> None:
    """By the camera, by the person's department, by both; who is not limited hears everything."""
    assert tuple(visible(reach, topic, source, data) for reach in REACHES) == heard
    assert visible(EVERYTHING, topic, source, data)


def test_every_topic_is_in_the_table() -> None:
    """A new one is for nobody who is limited until somebody has thought about it."""
    told = {found.kind.address for topic, *_ in TABLE if (found := find_topic(topic)) is not None}
    assert told == {kind.address for kind in TOPIC_KINDS}


def test_what_of_a_filter_is_out_of_reach() -> None:
    """Named, so that whoever asks knows what to leave out."""
    wanted = Filter(camera_id="yard", department_id="day", person_id="ada")
    assert [out_of_reach(reach, wanted) for reach in (EVERYTHING, DOOR, NIGHT)] == [None, "cameraId", "departmentId"]
    assert out_of_reach(NOTHING, Filter(person_id="ada")) is None
    assert out_of_reach(NOTHING, None) is None


def test_by_which_entry_somebody_is_in_is_told_within_reach() -> None:
    """Where that entry is out of reach, they are not in as far as the reader is told; all the rest stays."""
    present = {"cameraId": "yard", "origin": "camera", "personId": "ada", "person": ADA}
    data = {"cameraId": "door", "person": ADA, "present": present}
    assert reduced(DOOR, "attendance", data) == data | {"present": None}
    assert reduced(EVERYTHING, "attendance", data) is None
    assert reduced(DOOR, "attendance", data | {"present": present | {"cameraId": "door"}}) is None
    assert reduced(DOOR, "sightings", data) is None


@pytest.mark.parametrize("data", [{"cameraId": 5, "person": 7}, {"id": ["door"]}, {"person": {"departmentId": {}}}])
def test_strange_data_is_for_nobody_who_is_limited(data: dict[str, object]) -> None:
    """What is not text is no camera and no department, and nothing fails."""
    for topic in ("cameras", "sightings", "attendance", "alerts", "kiosks/k", "cameras/door/tracks"):
        assert not about(topic, "", data).within(NOTHING)


def test_topics_of_one_camera() -> None:
    """The tracks of a camera that is out of reach cannot even be followed; of other topics the events decide."""
    tracks, sightings = find_topic("cameras/yard/tracks"), find_topic("sightings")
    assert tracks is not None
    assert sightings is not None
    assert [may_follow(reach, tracks) for reach in (EVERYTHING, DOOR, NIGHT)] == [True, False, True]
    assert may_follow(NOTHING, sightings)


def test_the_reach_of_somebody() -> None:
    """None is all; an empty set is nothing, not all."""
    assert reach_of(Somebody()) == EVERYTHING
    assert not EVERYTHING.limited
    limited = reach_of(Somebody(only_cameras=frozenset(), only_departments=frozenset({"night"})))
    assert limited.limited
    assert not limited.has_camera("door")
    assert not limited.has_camera(None)
    assert limited.has_department("night")
    assert not limited.has_department(None)


def test_boxes_without_names() -> None:
    """The boxes and states stay; the data that others get is left alone."""
    data: dict[str, object] = {
        "cameraId": "door",
        "tracks": [{"trackId": 1, "state": "recognized", "personId": "ada", "name": "Ada", "similarity": 0.8}],
    }
    assert without_names(data) == {
        "cameraId": "door",
        "tracks": [{"trackId": 1, "state": "recognized", "personId": None, "name": None, "similarity": 0.8}],
    }
    assert "Ada" in str(data)
    assert without_names({"tracks": None}) == {"tracks": []}
