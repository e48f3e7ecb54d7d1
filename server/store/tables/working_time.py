"""When people are expected: sites, shifts, schedules, holidays and leave, and what has been paid already."""

import datetime as dt
from typing import Any

from sqlalchemy import JSON, Index, UniqueConstraint
from sqlmodel import Field

from server.store.columns import Row


class Site(Row, table=True):
    """A place with a time zone of its own."""

    __tablename__ = "sites"
    name: str = Field(unique=True, max_length=200)
    timezone: str = Field(max_length=64)


class Shift(Row, table=True):
    """A window of a day and its rules, as `attendance.shift.Shift` takes them."""

    __tablename__ = "shifts"
    name: str = Field(unique=True, max_length=200)
    rules: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)


class Schedule(Row, table=True):
    """What a person or a department works, on which dates; without either, everybody.

    A shift, or a rotation of several; without both they are off. An exception goes before what else there is.
    """

    __tablename__ = "schedules"
    __table_args__ = (Index("ix_schedules_dates", "first_date", "last_date"),)
    person_id: str | None = Field(default=None, foreign_key="people.id", index=True, ondelete="CASCADE")
    department_id: str | None = Field(default=None, foreign_key="departments.id", index=True, ondelete="CASCADE")
    shift_id: str | None = Field(default=None, foreign_key="shifts.id", index=True)
    rotation: dict[str, Any] | None = Field(default=None, sa_type=JSON(none_as_null=True))  # unit, anchor, turns
    exception: bool = False
    first_date: dt.date
    last_date: dt.date | None = None  # both count; None: for good
    note: str = Field(default="", max_length=500)


class Holiday(Row, table=True):
    """A day on which nobody is expected, at one site or at all."""

    __tablename__ = "holidays"
    __table_args__ = (UniqueConstraint("date", "site_id", "name"),)
    date: dt.date
    name: str = Field(max_length=200)
    site_id: str | None = Field(default=None, foreign_key="sites.id", index=True, ondelete="CASCADE")


class Leave(Row, table=True):
    """Days, or one half of a day, on which a person is away by arrangement."""

    __tablename__ = "leave"
    person_id: str = Field(foreign_key="people.id", index=True, ondelete="CASCADE")
    first_date: dt.date
    last_date: dt.date
    kind: str = Field(max_length=40)
    half: str | None = Field(default=None, max_length=6)  # first | second
    note: str = Field(default="", max_length=500)


class DayLock(Row, table=True):
    """Up to this date has been paid: the days are frozen, and what changes behind it is an adjustment."""

    __tablename__ = "day_locks"
    through: dt.date = Field(unique=True)
    note: str = Field(default="", max_length=500)
    locked_by: str | None = Field(default=None, max_length=36)
    locked_by_name: str = Field(default="", max_length=254)


class FrozenDay(Row, table=True):
    """A day as it was when it was locked. It outlives its person, as entries do."""

    __tablename__ = "frozen_days"
    __table_args__ = (UniqueConstraint("person_id", "date"),)
    person_id: str | None = Field(default=None, foreign_key="people.id", ondelete="SET NULL")
    pseudonym: str | None = Field(default=None, max_length=36)
    date: dt.date
    lock_id: str = Field(foreign_key="day_locks.id", index=True, ondelete="CASCADE")
    days: list[dict[str, Any]] = Field(sa_type=JSON)  # two where two shifts start on the date
