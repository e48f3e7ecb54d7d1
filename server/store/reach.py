"""Limits as conditions for the database: what somebody who is limited to cameras and departments finds."""

from sqlalchemy import ColumnElement, and_, func, or_
from sqlmodel import col, select

from server.events.limits import CAMERA, PERSON, Reach
from server.store.tables import Alert, Camera, Department, Entry, Person, Sighting

Conditions = list[ColumnElement[bool]]
_ID = 36  # letters of an id


def cameras_within(reach: Reach) -> Conditions:
    """For `where(*…)`, as all here; none for somebody who is not limited."""
    return [] if reach.cameras is None else [col(Camera.id).in_(sorted(reach.cameras))]


def departments_within(reach: Reach) -> Conditions:
    return [] if reach.departments is None else [col(Department.id).in_(sorted(reach.departments))]


def people_within(reach: Reach) -> Conditions:
    """By their department; those without one are for those without a limit."""
    return [] if reach.departments is None else [col(Person.department_id).in_(sorted(reach.departments))]


def sightings_within(reach: Reach) -> Conditions:
    """By the camera, and by the person where it is known who it was; the statement joins the person."""
    found: Conditions = []
    if reach.cameras is not None:
        found.append(col(Sighting.camera_id).in_(sorted(reach.cameras)))
    if reach.departments is not None:
        found.append(or_(col(Sighting.person_id).is_(None), *people_within(reach)))
    return found


def entries_within(reach: Reach) -> Conditions:
    """By the person, or by the department they were of when they were erased, and by the camera that made it, also when
    that is gone; the statement joins the person."""
    found: Conditions = []
    if reach.departments is not None:
        department = func.coalesce(col(Person.department_id), col(Entry.department_id))
        found.append(department.in_(sorted(reach.departments)))
    if reach.cameras is not None:
        by_hand = and_(col(Entry.camera_id).is_(None), col(Entry.origin) != "camera")
        found.append(or_(by_hand, col(Entry.camera_id).in_(sorted(reach.cameras))))
    return found


def alerts_within(reach: Reach) -> Conditions:
    """Those about a camera, and those about a person; what is about neither is for those without a limit."""
    if not reach.limited:
        return []
    subject = col(Alert.subject)
    cameras, people = subject.startswith(CAMERA), subject.startswith(PERSON)
    if reach.cameras is not None:
        cameras = subject.in_([f"{CAMERA}{camera}" for camera in sorted(reach.cameras)])
    if reach.departments is not None:
        theirs = select(Person.id).where(*people_within(reach))
        people = and_(people, func.substr(subject, len(PERSON) + 1, _ID).in_(theirs))
    return [or_(cameras, people)]
