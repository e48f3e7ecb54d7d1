"""Column types that mean the same on SQLite and on PostgreSQL, and what every row has."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime, Dialect, TypeDecorator
from sqlmodel import Field, SQLModel

from server.ids import new_id

# Every constraint has a name, so that a migration on either database can find it again.
SQLModel.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class UtcDateTime(TypeDecorator[datetime]):
    """An aware time in UTC. SQLite gives naive times back; this makes both databases equal."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("A time without a zone cannot be stored.")
        try:
            return value.astimezone(UTC)
        except OverflowError:  # within a day of the calendar's first or last moment
            return datetime.min.replace(tzinfo=UTC) if value.year == 1 else datetime.max.replace(tzinfo=UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def utc_now() -> datetime:
    """Default of the two stamps; everything else that is decided by time takes a Clock."""
    return datetime.now(UTC)


def stamp(**column: Any) -> Any:
    """A field for the time of a row's making or last change."""
    return Field(default_factory=utc_now, sa_type=UtcDateTime, nullable=False, sa_column_kwargs=column)


def moment(**field: Any) -> Any:
    """A field for a time."""
    return Field(sa_type=UtcDateTime, **field)


class Row(SQLModel):
    """What every table starts with: a UUIDv7 key and two stamps."""

    id: str = Field(default_factory=new_id, primary_key=True, max_length=36)
    created_at: datetime = stamp()
    updated_at: datetime = stamp(onupdate=utc_now)
