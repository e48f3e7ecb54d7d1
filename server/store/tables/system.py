"""Events, jobs, alerts and settings."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Index, text
from sqlmodel import Field, SQLModel

from server.store.columns import Row, moment, stamp, utc_now


class EventRow(SQLModel, table=True):
    """One event of a durable topic. The offset is taken under the topic's row in `event_topics`."""

    __tablename__ = "events"
    topic: str = Field(primary_key=True, max_length=100)
    offset: int = Field(primary_key=True, sa_type=BigInteger)
    id: str = Field(max_length=36)
    type: str = Field(max_length=64)
    time: datetime = moment(index=True)
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
    updated_at: datetime = stamp(onupdate=utc_now)


class Alert(Row, table=True):
    """Something that somebody should look at."""

    __tablename__ = "alerts"
    __table_args__ = (
        # Open ones are raised once, also by two processes at the same moment.
        Index(
            "uq_alerts_open",
            "kind",
            "subject",
            unique=True,
            sqlite_where=text("cleared_at IS NULL"),
            postgresql_where=text("cleared_at IS NULL"),
        ),
    )
    kind: str = Field(max_length=64, index=True)
    severity: str = Field(max_length=8)  # info | warning | critical
    subject: str = Field(max_length=200, index=True)  # such as users/<id>
    message: str = Field(max_length=500)
    sighting_id: str | None = Field(default=None, max_length=36)  # whose picture is the evidence; it may be gone
    cleared_at: datetime | None = moment(default=None)
    acknowledged_at: datetime | None = moment(default=None)
    acknowledged_by: str | None = Field(default=None, max_length=254)


class Job(Row, table=True):
    """Work in the background. This row is the truth; the queue only says that there is some."""

    __tablename__ = "jobs"
    __table_args__ = (Index("ix_jobs_state_run_at", "state", "run_at"),)
    kind: str = Field(max_length=64, index=True)
    state: str = Field(max_length=10)  # queued | running | done | failed | cancelled
    arguments: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    done: int = 0
    total: int | None = None
    attempts: int = 0
    failures: int = 0  # tries that ended with an error, one after another, without getting further
    deaths: int = 0  # and of whose worker nothing was heard any more
    furthest: int = 0  # the most that was ever done of it, by a figure that does not begin anew with a try
    run_at: datetime = moment()  # not before
    lease_until: datetime | None = moment(default=None)  # of a running one: later it counts as lost
    worker: str | None = Field(default=None, max_length=100)
    result: dict[str, Any] | None = Field(default=None, sa_type=JSON(none_as_null=True))
    result_key: str | None = Field(default=None, max_length=300)  # of an object
    error: str | None = Field(default=None, max_length=500)
    asked_by: str | None = Field(default=None, max_length=36)  # a user; None: the schedule
    finished_at: datetime | None = moment(default=None, index=True)
