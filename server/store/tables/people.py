"""People, how they are recognised, and where they were seen."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index, LargeBinary, UniqueConstraint
from sqlmodel import Field

from server.store.columns import Row, moment


class Department(Row, table=True):
    __tablename__ = "departments"
    name: str = Field(unique=True, max_length=200)


class Person(Row, table=True):
    __tablename__ = "people"
    full_name: str = Field(max_length=200, index=True)
    employee_id: str | None = Field(default=None, unique=True, max_length=64)
    email: str | None = Field(default=None, max_length=254)
    department_id: str | None = Field(default=None, foreign_key="departments.id", index=True, ondelete="SET NULL")
    external_ids: dict[str, str] = Field(default_factory=dict, sa_type=JSON)
    site_id: str | None = Field(default=None, foreign_key="sites.id", index=True, ondelete="SET NULL")
    timezone: str | None = Field(default=None, max_length=64)  # None: as at the site
    active: bool = True
    inactive_since: datetime | None = moment(default=None, index=True)


class Photo(Row, table=True):
    """A picture that was accepted for a person, with what was measured on it."""

    __tablename__ = "photos"
    person_id: str = Field(foreign_key="people.id", index=True, ondelete="CASCADE")
    object_key: str = Field(max_length=300)
    portrait_key: str = Field(max_length=300)
    width: int
    height: int
    box: list[float] = Field(sa_type=JSON)
    quality: dict[str, Any] = Field(sa_type=JSON)
    warnings: list[dict[str, Any]] = Field(default_factory=list, sa_type=JSON)


class Template(Row, table=True):
    """The embedding of one photo by one pack."""

    __tablename__ = "templates"
    __table_args__ = (UniqueConstraint("photo_id", "pack", "pack_sha256"),)
    person_id: str = Field(foreign_key="people.id", index=True, ondelete="CASCADE")
    photo_id: str = Field(foreign_key="photos.id", index=True, ondelete="CASCADE")
    pack: str = Field(max_length=100, index=True)
    pack_sha256: str = Field(max_length=64)
    dimension: int
    key_id: str | None = Field(default=None, max_length=16, index=True)  # of what it is sealed with
    embedding: bytes = Field(sa_type=LargeBinary)  # sealed: float32, little-endian, unit length


class Credential(Row, table=True):
    """What somebody checks in with at a kiosk instead of a face: one PIN, and badges.

    Only a keyed digest of it is here: a PIN has so few digits that whoever steals the database would try them all.
    """

    __tablename__ = "credentials"
    person_id: str = Field(foreign_key="people.id", index=True, ondelete="CASCADE")
    kind: str = Field(max_length=5)  # pin | badge
    digest: str = Field(unique=True, max_length=64)
    key_id: str = Field(max_length=16, index=True)  # of the key of the digest
    label: str = Field(default="", max_length=100)
    ending: str = Field(default="", max_length=4)  # of a badge: the last characters, to tell two apart
    last_used_at: datetime | None = moment(default=None)


class Sighting(Row, table=True):
    """One person (or an unknown) at one camera from first to last seen."""

    __tablename__ = "sightings"
    __table_args__ = (
        Index("ix_sightings_camera_started", "camera_id", "started_at"),
        Index("ix_sightings_person_started", "person_id", "started_at"),
    )
    camera_id: str | None = Field(default=None, foreign_key="cameras.id", ondelete="SET NULL")
    person_id: str | None = Field(default=None, foreign_key="people.id", ondelete="SET NULL")
    state: str = Field(max_length=8, index=True)  # open | closed
    started_at: datetime = moment(index=True)
    last_seen_at: datetime = moment()
    ended_at: datetime | None = moment(default=None)
    similarity: float | None = None
    margin: float | None = None
    threshold: float | None = None
    votes: int = 0
    liveness: float | None = None
    liveness_verdict: str | None = Field(default=None, max_length=8)  # live | flat | spoof | failed; None: not known
    refusal: str | None = Field(default=None, max_length=20)  # why it made no entry: flat | spoof | not_shown_live
    pack: str = Field(default="", max_length=100)
    direction: str | None = Field(default=None, max_length=3)  # in | out, as a line or a zone has told
    box: list[float] = Field(default_factory=list, sa_type=JSON)  # x y w h in 0...1 on the snapshot
    snapshot_key: str | None = Field(default=None, max_length=300)
    face_key: str | None = Field(default=None, max_length=300)
    evidence: dict[str, Any] | None = Field(
        default=None, sa_type=JSON(none_as_null=True)
    )  # the parts of the threshold, and the votes
