"""Cameras and what is kept of their pictures."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Index, Text, UniqueConstraint
from sqlmodel import Field

from server.store.columns import Row, moment


class Camera(Row, table=True):
    __tablename__ = "cameras"
    name: str = Field(unique=True, max_length=200)
    source: str = Field(max_length=2000)  # as it may be shown
    sealed_source: str | None = Field(default=None, sa_type=Text)  # encrypted, where `source` leaves something out
    sub_source: str = Field(default="", max_length=2000)  # the smaller picture of the same camera; "" for none
    sealed_sub_source: str | None = Field(default=None, sa_type=Text)
    kind: str = Field(max_length=8)
    role: str = Field(max_length=8)
    enabled: bool = True
    snapshot_every_s: int = 0  # 0: only when somebody asks
    clips: bool = False  # whether a clip is kept of each sighting
    analysis: str = Field(default="always", max_length=8)  # always | motion | schedule
    analysis_hours: list[dict[str, Any]] = Field(default_factory=list, sa_type=JSON)  # of `schedule`
    liveness: str | None = Field(default=None, max_length=8)  # off | warn | refuse; None: as the site does
    site_id: str | None = Field(default=None, foreign_key="sites.id", index=True, ondelete="SET NULL")


class Zone(Row, table=True):
    """A part of a camera's picture, or a line across it, in 0...1 of its width and height."""

    __tablename__ = "zones"
    __table_args__ = (UniqueConstraint("camera_id", "name"),)
    camera_id: str = Field(foreign_key="cameras.id", index=True, ondelete="CASCADE")
    name: str = Field(max_length=100)
    kind: str = Field(max_length=8)  # count | ignore | mask | line
    points: list[list[float]] = Field(sa_type=JSON)  # x y; of a line the two ends
    direction: str | None = Field(default=None, max_length=3)  # in | out: what entering or crossing it means


class Snapshot(Row, table=True):
    """A picture of a camera that was kept, on request or on its schedule."""

    __tablename__ = "snapshots"
    __table_args__ = (Index("ix_snapshots_camera_taken", "camera_id", "taken_at"),)
    camera_id: str | None = Field(default=None, foreign_key="cameras.id", ondelete="SET NULL")
    taken_at: datetime = moment(index=True)
    origin: str = Field(max_length=8)  # request | schedule
    width: int
    height: int
    size_bytes: int  # of the picture and its thumbnail
    object_key: str = Field(max_length=300)
    thumbnail_key: str = Field(max_length=300)


class Clip(Row, table=True):
    """A short film around a sighting."""

    __tablename__ = "clips"
    __table_args__ = (Index("ix_clips_camera_started", "camera_id", "started_at"),)
    camera_id: str | None = Field(default=None, foreign_key="cameras.id", ondelete="SET NULL")
    sighting_id: str | None = Field(default=None, foreign_key="sightings.id", index=True, ondelete="SET NULL")
    started_at: datetime = moment(index=True)
    duration_s: float
    width: int
    height: int
    codec: str = Field(max_length=16)
    masked: bool = False  # whether it was encoded again, with the privacy masks painted over
    size_bytes: int = Field(sa_type=BigInteger)
    object_key: str = Field(max_length=300)
