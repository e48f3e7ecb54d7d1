"""Rows of the audit as a file: a table for spreadsheets, or a JSON object a line for programs."""

from collections.abc import Sequence
from typing import Literal

import orjson

from server.jobs.spreadsheet import table
from server.store.tables import AuditRow
from server.wire import rfc3339

COLUMNS = (
    "position", "at", "actorKind", "actorId", "actorName", "action", "resource", "resourceId", "before", "after",
    "address", "userAgent", "requestId", "id", "keyId", "hash",
)  # fmt: skip

Format = Literal["csv", "jsonl"]


def head(wanted: Format) -> bytes:
    """What stands before the first row."""
    return table([COLUMNS]) if wanted == "csv" else b""


def lines(wanted: Format, rows: Sequence[AuditRow]) -> bytes:
    """The rows, in the order in which they came. Takes a while: call it in a thread."""
    if wanted == "csv":
        return table([_flat(one) for one in _values(row)] for row in rows)
    return b"".join(orjson.dumps(_shown(row), option=orjson.OPT_APPEND_NEWLINE) for row in rows)


def _values(row: AuditRow) -> tuple[object, ...]:
    return (
        row.position, rfc3339(row.at), row.actor_kind, row.actor_id, row.actor_name, row.action, row.resource,
        row.resource_id, row.before, row.after, row.address, row.user_agent, row.request_id, row.id, row.key_id,
        row.hash,
    )  # fmt: skip


def _flat(value: object) -> object:
    return orjson.dumps(value).decode() if isinstance(value, dict) else value


def _shown(row: AuditRow) -> dict[str, object]:
    """As `GET audit` shows it."""
    return {
        "position": row.position, "id": row.id, "at": rfc3339(row.at),
        "actor": {"kind": row.actor_kind, "id": row.actor_id, "name": row.actor_name},
        "action": row.action, "resource": row.resource, "resourceId": row.resource_id, "before": row.before,
        "after": row.after, "address": row.address, "userAgent": row.user_agent, "requestId": row.request_id,
        "keyId": row.key_id, "hash": row.hash, "redacted": row.redacted is not None,
    }  # fmt: skip
