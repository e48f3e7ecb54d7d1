"""Tables of any revision, and their rows as lines of JSON that mean the same on SQLite and on PostgreSQL."""

import base64
import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import JSON, Connection, Date, DateTime, Inspector, LargeBinary, MetaData, Table, event, inspect
from sqlmodel import SQLModel

from server.store import tables
from server.store.columns import UtcDateTime

# Good for minutes or once, and of no use to anybody later.
TRANSIENT = frozenset(
    (tables.OneTimeCode.__tablename__, tables.Attempt.__tablename__, tables.IdempotentAnswer.__tablename__)
)


def reflect(connection: Connection, names: Collection[str] | None = None) -> list[Table]:
    """Those of our tables that are there, as they are at this revision, each after the ones that it points to."""
    wanted = SQLModel.metadata.tables.keys() if names is None else names
    there = set(inspect(connection).get_table_names()) & set(wanted)
    found = MetaData()
    event.listen(found, "column_reflect", _alike)
    if there:
        found.reflect(connection, only=sorted(there))
    return [table for table in found.sorted_tables if table.name in there]


def _alike(_inspector: Inspector, _table: Table, column: Any) -> None:
    """One type where the databases have two."""
    if isinstance(column["type"], DateTime):
        column["type"] = UtcDateTime()
    elif isinstance(column["type"], JSON):
        column["type"] = JSON(none_as_null=bool(column["nullable"]))


class Lines:
    """The rows of one table as lines and back: binary values in base64, times in RFC 3339 to the microsecond,
    dates by ISO 8601."""

    def __init__(self, table: Table) -> None:
        self._names = [column.name for column in table.columns]
        kinds = {column.name: kind for column in table.columns if (kind := _kind(column.type)) is not None}
        self._writing = {name: _WRITTEN[kind] for name, kind in kinds.items()}
        self._reading = {name: _READ[kind] for name, kind in kinds.items()}

    def write(self, rows: Iterable[Sequence[Any]]) -> bytes:
        """A line for each; the values are in the order of the columns."""
        return b"".join(self._line(row) for row in rows)

    def read(self, lines: Iterable[bytes]) -> list[dict[str, Any]]:
        """Raises ValueError for what is no row of this table."""
        return [self._row(line) for line in lines]

    def _line(self, row: Sequence[Any]) -> bytes:
        told = dict(zip(self._names, row, strict=True))
        for name, write in self._writing.items():
            if told[name] is not None:
                told[name] = write(told[name])
        return json.dumps(told, separators=(",", ":")).encode() + b"\n"

    def _row(self, line: bytes) -> dict[str, Any]:
        told = json.loads(line)
        if not isinstance(told, dict) or told.keys() != set(self._names):
            raise ValueError("A row has other columns than its table.")
        for name, read in self._reading.items():
            if told[name] is not None:
                told[name] = read(told[name])
        return told


def _text_of_bytes(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _bytes_of_text(value: str) -> bytes:
    return base64.b64decode(value, validate=True)


def _text_of_time(value: datetime) -> str:
    return value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _text_of_date(value: date) -> str:
    return value.isoformat()


def _kind(of: object) -> type | None:
    """Of a column of which JSON knows nothing."""
    return next((kind for kind in _WRITTEN if isinstance(of, kind)), None)


_WRITTEN: Mapping[type, Callable[[Any], object]] = {
    LargeBinary: _text_of_bytes, UtcDateTime: _text_of_time, Date: _text_of_date,
}  # fmt: skip
_READ: Mapping[type, Callable[[Any], object]] = {
    LargeBinary: _bytes_of_text, UtcDateTime: datetime.fromisoformat, Date: date.fromisoformat,
}  # fmt: skip
