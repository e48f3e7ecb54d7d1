"""Attendance, and the screens at the doors."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index
from sqlmodel import Field

from server.store.columns import Row, moment

MEANS = ("face", "pin", "badge")


class Entry(Row, table=True):
    """A check-in or check-out with its evidence.

    `person_id`, `at` and `direction` are what counts now. What was recorded first stays in `original` once something
    has been corrected, and each correction is a row of its own: nothing that was ever said is lost.
    It outlives its person: `pseudonym` then holds their entries together and says nothing of who they were.
    """

    __tablename__ = "entries"
    __table_args__ = (
        Index("ix_entries_person_at", "person_id", "at"),
        Index("ix_entries_kiosk_id", "kiosk_id", "id"),  # what a kiosk was heard of last
    )
    person_id: str | None = Field(default=None, foreign_key="people.id", ondelete="SET NULL")
    pseudonym: str | None = Field(default=None, max_length=36, index=True)  # by chance; kept nowhere else
    department_id: str | None = Field(default=None, foreign_key="departments.id", ondelete="SET NULL")  # of then
    at: datetime = moment(index=True)
    direction: str = Field(max_length=3)  # in | out
    origin: str = Field(max_length=8)  # camera | kiosk | code | terminal | manual | import
    state: str = Field(default="valid", max_length=8)  # valid | pending | removed | refused
    why: str = Field(default="", max_length=20)  # what told the direction, of attendance.rules.Why
    original: dict[str, Any] | None = Field(default=None, sa_type=JSON(none_as_null=True))
    camera_id: str | None = Field(default=None, foreign_key="cameras.id", index=True, ondelete="SET NULL")
    sighting_id: str | None = Field(default=None, foreign_key="sightings.id", index=True, ondelete="SET NULL")
    similarity: float | None = None
    margin: float | None = None
    pack: str = Field(default="", max_length=100)
    snapshot_key: str | None = Field(default=None, max_length=300)
    reason: str | None = Field(default=None, max_length=500)
    kiosk_id: str | None = Field(default=None, foreign_key="kiosks.id", ondelete="SET NULL")
    terminal_id: str | None = Field(default=None, foreign_key="terminals.id", index=True, ondelete="SET NULL")
    device_at: datetime | None = moment(default=None)  # what the device's own clock said
    device_offset_ms: int | None = None  # by how much it was ahead of the server's
    request_key: str | None = Field(default=None, unique=True, max_length=64)  # the kiosk's key, hashed: made once


class Correction(Row, table=True):
    """What somebody has changed of an entry, or wants to: who, why, before and after. Never changed once decided."""

    __tablename__ = "corrections"
    entry_id: str = Field(foreign_key="entries.id", index=True, ondelete="CASCADE")
    kind: str = Field(max_length=8)  # add | replace | remove
    before: dict[str, Any] | None = Field(default=None, sa_type=JSON(none_as_null=True))  # personId, at, direction
    after: dict[str, Any] | None = Field(default=None, sa_type=JSON(none_as_null=True))
    reason: str = Field(max_length=500)
    state: str = Field(max_length=8, index=True)  # pending | applied | refused
    asked_by: str | None = Field(default=None, max_length=36)  # a user or an API key; None: the rules themselves
    asked_by_name: str = Field(default="", max_length=254)
    decided_by: str | None = Field(default=None, max_length=36)
    decided_by_name: str = Field(default="", max_length=254)
    decided_at: datetime | None = moment(default=None)
    note: str = Field(default="", max_length=500)  # of whoever decided


class Kiosk(Row, table=True):
    """A screen at a door and the cameras whose sightings it greets."""

    __tablename__ = "kiosks"
    name: str = Field(unique=True, max_length=200)
    camera_ids: list[str] = Field(default_factory=list, sa_type=JSON)
    site_id: str | None = Field(default=None, foreign_key="sites.id", index=True, ondelete="SET NULL")
    role: str = Field(default="both", max_length=4)  # in | out | both: what a code or a badge means here
    means: list[str] = Field(default_factory=lambda: list(MEANS), sa_type=JSON)  # what one may check in with
    language: str | None = Field(default=None, max_length=35)  # with which its screen begins; None: the browser's
    time_zone: str | None = Field(default=None, max_length=64)  # of its clock; None: the site's
