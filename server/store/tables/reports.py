"""Reports that are mailed by a schedule, and each run of them."""

from datetime import date, datetime

from sqlalchemy import JSON, Index, UniqueConstraint
from sqlmodel import Field

from server.store.columns import Row, moment


class Report(Row, table=True):
    """What is mailed to whom and when. A site or department that is gone meanwhile stays named: nobody else's days are
    sent instead."""

    __tablename__ = "reports"
    name: str = Field(max_length=200)
    kind: str = Field(max_length=10)  # day | exceptions | month
    format: str = Field(max_length=4)  # xlsx | csv
    recipients: list[str] = Field(sa_type=JSON)
    frequency: str = Field(max_length=7)  # daily | weekly | monthly
    weekday: int | None = None  # of a weekly one; Monday is 1
    month_day: int | None = None  # of a monthly one
    time: str = Field(max_length=5)  # on the wall
    time_zone: str = Field(max_length=64)
    site_id: str | None = Field(default=None, max_length=36)  # None: all
    department_id: str | None = Field(default=None, max_length=36)  # None: all
    enabled: bool = True
    created_by: str = Field(index=True, max_length=36)  # the user whose limits it has
    next_at: datetime | None = moment(default=None, index=True)  # moved on by who runs it, which is no edit


class ReportRun(Row, table=True):
    """One mail: of a moment of the schedule, or asked for. Its id is in the Message-ID of every try."""

    __tablename__ = "report_runs"
    __table_args__ = (
        UniqueConstraint("report_id", "due_at", name="uq_report_runs_report_id_due_at"),
        Index("ix_report_runs_state_next_at", "state", "next_at"),
    )
    report_id: str = Field(foreign_key="reports.id", ondelete="CASCADE")
    first_date: date
    last_date: date
    due_at: datetime = moment()
    state: str = Field(max_length=8)  # waiting | sending | sent | failed
    tries: int = 0
    next_at: datetime = moment()
    give_up_at: datetime = moment()
    worker: str | None = Field(default=None, max_length=100)
    lease_until: datetime | None = moment(default=None)
    recipients: int = 0
    left: list[str] = Field(sa_type=JSON)  # who has neither got it nor was refused; empty once it is over
    refused: int = 0
    rows: int | None = None  # of the file
    reason: str | None = Field(default=None, max_length=500)
    sent_at: datetime | None = moment(default=None)
    finished_at: datetime | None = moment(default=None, index=True)
