"""What somebody who is limited to cameras and departments gets to hear: the one rule, without I/O."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from server.events.schema import Filter
from server.events.topics import TRACKS, Topic, find_topic

CAMERA = "cameras/"
PERSON = "people/"


class Limited(Protocol):
    """Somebody who may be limited; None: all of them."""

    @property
    def only_cameras(self) -> frozenset[str] | None: ...

    @property
    def only_departments(self) -> frozenset[str] | None: ...


@dataclass(frozen=True, slots=True)
class Reach:
    """The cameras and departments that somebody is limited to; None: all of them. Whoever has the same gets the same.

    Of people it is their department that counts, of everything else the camera, of what has both, both.
    """

    cameras: frozenset[str] | None = None
    departments: frozenset[str] | None = None
    asker: str | None = None  # of jobs: only those that this user has asked for

    @property
    def limited(self) -> bool:
        return self.cameras is not None or self.departments is not None

    def has_camera(self, camera_id: str | None) -> bool:
        return self.cameras is None or camera_id in self.cameras

    def has_department(self, department_id: str | None) -> bool:
        return self.departments is None or department_id in self.departments


EVERYTHING = Reach()


def reach_of(principal: Limited) -> Reach:
    return Reach(principal.only_cameras, principal.only_departments)


@dataclass(frozen=True, slots=True)
class About:
    """What the rule looks at in an event: taken out of it once, and asked for every reader."""

    everybody: bool = False  # neither a camera nor a person is in it: the permission alone decides
    nobody: bool = False  # nobody who is limited hears of it
    at_camera: bool = False
    camera_id: str | None = None
    names_somebody: bool = False
    department_id: str | None = None
    person_id: str | None = None  # where the data says it in another way than by `personId` or `person`
    asked_by: str | None = None  # a job: who has asked for it

    def within(self, reach: Reach) -> bool:
        """Whether somebody of that reach gets to hear of it."""
        if reach.asker is not None and reach.asker != self.asked_by:
            return False
        if self.everybody or not reach.limited:
            return True
        if self.nobody or (self.at_camera and not reach.has_camera(self.camera_id)):
            return False
        return not self.names_somebody or reach.has_department(self.department_id)


def about(topic: str, source: str, data: Mapping[str, object]) -> About:
    """What an event is about. What the rule does not know is for nobody who is limited."""
    found = find_topic(topic)
    match found.kind.address if found else None:
        case "jobs":
            return About(everybody=True, asked_by=_text(data.get("askedBy")))
        case "system/stats":
            return About(everybody=True)
        case "cameras":
            return About(at_camera=True, camera_id=_text(data.get("id")))
        case "sightings":
            return _of_sighting(data)
        case "attendance":
            return _of_entry(data)
        case "alerts":
            return _of_alert(data)
        case "kiosks/{id}":
            # A screen is told a name and nothing of whose department it is.
            return About(at_camera=True, camera_id=source.removeprefix(CAMERA), names_somebody="name" in data)
        case "cameras/{id}/tracks":
            return About(at_camera=True, camera_id=_text(data.get("cameraId")))
    return About(nobody=True)


def visible(reach: Reach, topic: str, source: str, data: Mapping[str, object]) -> bool:
    """Whether somebody of that reach gets to hear of an event."""
    return about(topic, source, data).within(reach)


def may_follow(reach: Reach, topic: Topic) -> bool:
    """Whether there is anything on a topic for somebody of that reach, as far as its name tells."""
    return topic.kind is not TRACKS or reach.has_camera(topic.subject)


def out_of_reach(reach: Reach, wanted: Filter | None) -> str | None:
    """What of a filter somebody of that reach may not ask for, by its name on the wire."""
    if wanted is None:
        return None
    if wanted.camera_id is not None and not reach.has_camera(wanted.camera_id):
        return "cameraId"
    if wanted.department_id is not None and not reach.has_department(wanted.department_id):
        return "departmentId"
    return None


def reduced(reach: Reach, topic: str, data: Mapping[str, object]) -> dict[str, object] | None:
    """The data of an event that somebody of that reach hears of, without what of it they may not know; None where
    that is nothing: then it is told as it is."""
    if topic == "attendance":
        # Somebody who is in by an entry that is out of reach is not in, as far as this reader is told.
        present = data.get("present")
        hidden = isinstance(present, dict) and not _of_entry(present).within(reach)
        return dict(data) | {"present": None} if hidden else None
    found = find_topic(topic)
    if found is not None and found.kind is TRACKS and reach.departments is not None:
        return without_names(data)
    return None


def without_names(data: Mapping[str, object]) -> dict[str, object]:
    """The data of `tracks.updated` for whoever is limited to departments: who is recognised, but not as whom."""
    tracks = data.get("tracks")
    shown = [one | {"personId": None, "name": None} for one in tracks] if isinstance(tracks, list) else []
    return dict(data) | {"tracks": shown}


def _of_sighting(data: Mapping[str, object]) -> About:
    named, department_id = _person_in(data)
    camera_id = _text(data.get("cameraId"))
    return About(at_camera=True, camera_id=camera_id, names_somebody=named, department_id=department_id)


def _of_alert(data: Mapping[str, object]) -> About:
    """About a camera, or about a person: then it says their department."""
    subject = _text(data.get("subject")) or ""
    if subject.startswith(CAMERA):
        return About(at_camera=True, camera_id=subject.removeprefix(CAMERA))
    if subject.startswith(PERSON):
        person_id = subject.removeprefix(PERSON).partition("/")[0]  # what follows is what of theirs, such as a day
        return About(names_somebody=True, department_id=_text(data.get("departmentId")), person_id=person_id)
    return About(nobody=True)


def _of_entry(data: Mapping[str, object]) -> About:
    """Made by hand it has no camera. One that a camera has made is at that camera, also when that is gone."""
    named, department_id = _person_in(data)
    camera_id = _text(data.get("cameraId"))
    at_camera = camera_id is not None or data.get("origin") == "camera" or not named
    return About(at_camera=at_camera, camera_id=camera_id, names_somebody=named, department_id=department_id)


def _person_in(data: Mapping[str, object]) -> tuple[bool, str | None]:
    """Whether somebody is named, and the department; None also where the event is older than its telling."""
    person = data.get("person")
    if isinstance(person, dict):
        return True, _text(person.get("departmentId"))
    return data.get("personId") is not None, None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
