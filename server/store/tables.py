"""The tables. Forms and views of the API live with their routes; rows never cross the wire as they are."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Index, LargeBinary, UniqueConstraint
from sqlmodel import Field, SQLModel

from server.store.columns import Row, UtcDateTime


def _time(**kwargs: Any) -> Any:
    return Field(sa_type=UtcDateTime, **kwargs)


class Role(Row, table=True):
    __tablename__ = "roles"
    name: str = Field(unique=True, max_length=64)
    permissions: list[str] = Field(default_factory=list, sa_type=JSON)
    builtin: bool = False


class User(Row, table=True):
    __tablename__ = "users"
    email: str = Field(unique=True, max_length=254)  # stored in lower case
    full_name: str = Field(max_length=200)
    password_hash: str = Field(max_length=255)
    role_id: str = Field(foreign_key="roles.id", index=True)
    active: bool = True
    last_login_at: datetime | None = _time(default=None)


class Session(Row, table=True):
    """One signing-in: a browser or a program. Its refresh tokens are one family."""

    __tablename__ = "sessions"
    user_id: str = Field(foreign_key="users.id", index=True, ondelete="CASCADE")
    refresh_hash: str = Field(max_length=64, index=True)
    previous_refresh_hash: str | None = Field(default=None, max_length=64)
    cookie_hash: str | None = Field(default=None, max_length=64, index=True)
    rotated_at: datetime | None = _time(default=None)
    expires_at: datetime = _time()
    ended_at: datetime | None = _time(default=None)
    end_reason: str | None = Field(default=None, max_length=64)
    user_agent: str = Field(default="", max_length=400)
    address: str = Field(default="", max_length=64)
    last_used_at: datetime | None = _time(default=None)


class Department(Row, table=True):
    __tablename__ = "departments"
    name: str = Field(unique=True, max_length=200)


class Camera(Row, table=True):
    __tablename__ = "cameras"
    name: str = Field(unique=True, max_length=200)
    source: str = Field(max_length=2000)  # with its password: never leaves the server
    kind: str = Field(max_length=8)
    role: str = Field(max_length=8)
    enabled: bool = True


class Person(Row, table=True):
    __tablename__ = "people"
    full_name: str = Field(max_length=200, index=True)
    employee_id: str | None = Field(default=None, unique=True, max_length=64)
    email: str | None = Field(default=None, max_length=254)
    department_id: str | None = Field(default=None, foreign_key="departments.id", index=True, ondelete="SET NULL")
    external_ids: dict[str, str] = Field(default_factory=dict, sa_type=JSON)
    active: bool = True


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
    __table_args__ = (UniqueConstraint("photo_id", "pack"),)
    person_id: str = Field(foreign_key="people.id", index=True, ondelete="CASCADE")
    photo_id: str = Field(foreign_key="photos.id", index=True, ondelete="CASCADE")
    pack: str = Field(max_length=100, index=True)
    pack_sha256: str = Field(max_length=64)
    dimension: int
    embedding: bytes = Field(sa_type=LargeBinary)  # float32, little-endian, unit length


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
    started_at: datetime = _time(index=True)
    last_seen_at: datetime = _time()
    ended_at: datetime | None = _time(default=None)
    similarity: float | None = None
    margin: float | None = None
    threshold: float | None = None
    votes: int = 0
    liveness: float | None = None
    pack: str = Field(default="", max_length=100)
    box: list[float] = Field(default_factory=list, sa_type=JSON)  # x y w h in 0...1 on the snapshot
    snapshot_key: str | None = Field(default=None, max_length=300)
    face_key: str | None = Field(default=None, max_length=300)


class Entry(Row, table=True):
    """A check-in or check-out: an immutable fact with its evidence."""

    __tablename__ = "entries"
    __table_args__ = (Index("ix_entries_person_at", "person_id", "at"),)
    person_id: str = Field(foreign_key="people.id", ondelete="CASCADE")
    at: datetime = _time(index=True)
    direction: str = Field(max_length=3)  # in | out
    origin: str = Field(max_length=8)  # camera | manual
    camera_id: str | None = Field(default=None, foreign_key="cameras.id", index=True, ondelete="SET NULL")
    sighting_id: str | None = Field(default=None, foreign_key="sightings.id", index=True, ondelete="SET NULL")
    similarity: float | None = None
    margin: float | None = None
    pack: str = Field(default="", max_length=100)
    snapshot_key: str | None = Field(default=None, max_length=300)
    reason: str | None = Field(default=None, max_length=500)


class Kiosk(Row, table=True):
    """A screen at a door and the cameras whose sightings it greets."""

    __tablename__ = "kiosks"
    name: str = Field(unique=True, max_length=200)
    camera_ids: list[str] = Field(default_factory=list, sa_type=JSON)


class EventRow(SQLModel, table=True):
    """One event of a durable topic. The offset is taken under the topic's row in `event_topics`."""

    __tablename__ = "events"
    topic: str = Field(primary_key=True, max_length=100)
    offset: int = Field(primary_key=True, sa_type=BigInteger)
    id: str = Field(max_length=36)
    type: str = Field(max_length=64)
    time: datetime = _time(index=True)
    source: str = Field(max_length=200)
    data: dict[str, Any] = Field(sa_type=JSON)


class EventTopic(SQLModel, table=True):
    """The head of a topic, and the oldest offset that is still held."""

    __tablename__ = "event_topics"
    topic: str = Field(primary_key=True, max_length=100)
    head: int = Field(default=0, sa_type=BigInteger)
    oldest: int = Field(default=1, sa_type=BigInteger)


class LogLife(SQLModel, table=True):
    """The epoch: changes only when history is reset or restored. One row, id 1."""

    __tablename__ = "log_life"
    id: int = Field(default=1, primary_key=True)
    epoch: str = Field(max_length=36)


class Setting(SQLModel, table=True):
    """A value that the running system changes and keeps."""

    __tablename__ = "settings"
    key: str = Field(primary_key=True, max_length=100)
    value: dict[str, Any] = Field(sa_type=JSON)
