"""Faces without a name, in groups, and what an operator has said that a person is not."""

from datetime import datetime

from sqlalchemy import LargeBinary
from sqlmodel import Field

from server.store.columns import Row, moment


class Visitor(Row, table=True):
    """Sightings of one unknown face, across cameras and days. What it is known by is the mean of their faces."""

    __tablename__ = "visitors"
    pack: str = Field(max_length=100)
    pack_sha256: str = Field(max_length=64, index=True)
    faces: int = 1  # of how many the mean is
    last_seen_at: datetime = moment(index=True)
    key_id: str | None = Field(default=None, max_length=16)
    embedding: bytes = Field(sa_type=LargeBinary)  # sealed: float32, little-endian, unit length


class SightingFace(Row, table=True):
    """The face of an unknown sighting, as long as it has no name."""

    __tablename__ = "sighting_faces"
    sighting_id: str = Field(foreign_key="sightings.id", unique=True, ondelete="CASCADE")
    visitor_id: str = Field(foreign_key="visitors.id", index=True, ondelete="CASCADE")
    quality: float  # what the best of its frames was worth, 0...1
    key_id: str | None = Field(default=None, max_length=16)
    embedding: bytes = Field(sa_type=LargeBinary)  # sealed: float32, little-endian, unit length


class RefusedView(Row, table=True):
    """A face that was taken for this person, and is not theirs."""

    __tablename__ = "refused_views"
    person_id: str = Field(foreign_key="people.id", index=True, ondelete="CASCADE")
    sighting_id: str | None = Field(default=None, foreign_key="sightings.id", index=True, ondelete="SET NULL")
    pack: str = Field(max_length=100)
    pack_sha256: str = Field(max_length=64)
    key_id: str | None = Field(default=None, max_length=16)
    embedding: bytes = Field(sa_type=LargeBinary)  # sealed: float32, little-endian, unit length
