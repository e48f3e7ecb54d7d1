"""Terminals of other makers, and every line that they have sent."""

from datetime import datetime

from sqlalchemy import JSON, Index, UniqueConstraint
from sqlmodel import Field

from server.store.columns import Row, moment


class Terminal(Row, table=True):
    """A terminal that pushes what it has noted. Its serial number is all by which it can be known."""

    __tablename__ = "terminals"
    serial_number: str = Field(unique=True, max_length=64)
    name: str = Field(max_length=200)
    site_id: str | None = Field(default=None, foreign_key="sites.id", index=True, ondelete="SET NULL")
    timezone: str | None = Field(default=None, max_length=64)  # None: that of the site, or the server's
    role: str = Field(default="status", max_length=6)  # status | in | out | both: what a line's direction goes by
    networks: list[str] = Field(default_factory=list, sa_type=JSON)  # CIDR; none: from everywhere
    active: bool = True
    last_seen_at: datetime | None = moment(default=None)
    last_address: str = Field(default="", max_length=64)
    firmware: str = Field(default="", max_length=100)  # what it says of itself
    stamp: str = Field(default="0", max_length=32)  # of the last lines that were kept, in its own words


class TerminalLine(Row, table=True):
    """A line of a terminal, kept whatever came of it."""

    __tablename__ = "terminal_lines"
    __table_args__ = (
        UniqueConstraint("terminal_id", "digest"),
        Index("ix_terminal_lines_state_pin", "state", "pin"),
    )
    terminal_id: str = Field(foreign_key="terminals.id", ondelete="CASCADE")
    digest: str = Field(max_length=64)  # of PIN, time and status: sent again it is the same line
    pin: str = Field(max_length=64)
    local_time: str = Field(max_length=40)  # as it was sent
    at: datetime | None = moment(default=None)  # None: a time that cannot be
    status: str = Field(max_length=32)
    verify: str = Field(max_length=32)
    work_code: str = Field(max_length=32)
    text: str = Field(default="", max_length=300)  # the line itself, of what was not understood
    state: str = Field(max_length=14)  # entered | unknown_person | refused | duplicate
    reason: str = Field(default="", max_length=32)
    person_id: str | None = Field(default=None, foreign_key="people.id", index=True, ondelete="SET NULL")
    entry_id: str | None = Field(default=None, foreign_key="entries.id", index=True, ondelete="SET NULL")
