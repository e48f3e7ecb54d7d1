"""Names of somebody who was erased, taken out of the audit.

The row keeps its place in the chain and its hash. A seal of its own, by a key that is not in the database, says that
what it tells now was written by the server.
"""

import hmac
import json
from collections.abc import Collection, Mapping
from datetime import UTC
from typing import Any

from server.store.tables import AuditRow

PURPOSE = "audit-redaction"
ERASED = "(erased)"
_NAMING = frozenset({"fullName", "employeeId", "email", "externalIds", "name", "label", "message", "reason"})


def redacted(row: AuditRow, ids: Collection[str]) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """`before` and `after` without what names them. Their ids stay: they lead to nobody any more."""
    theirs = row.resource == "people" and row.resource_id in ids
    before, after = (_without(one, ids, theirs=theirs) for one in (row.before, row.after))
    return before, after


def seal(key_id: str, key: bytes, row: AuditRow) -> str:
    """Over the row as it is now, with the hash that it had."""
    return f"{key_id}:{_mac(key, row)}"


def fits(keys: Mapping[str, bytes], row: AuditRow) -> bool:
    """Whether the seal is over this row."""
    key_id, _, mac = (row.redacted or "").partition(":")
    key = keys.get(key_id)
    return key is not None and hmac.compare_digest(_mac(key, row).encode(), mac.encode(errors="surrogatepass"))


def _without(value: Any, ids: Collection[str], *, theirs: bool) -> Any:
    if isinstance(value, list):
        return [_without(one, ids, theirs=theirs) for one in value]
    if not isinstance(value, dict):
        return value
    theirs = theirs or value.get("id") in ids or value.get("personId") in ids
    return {
        name: ERASED if theirs and name in _NAMING and one else _without(one, ids, theirs=theirs)
        for name, one in value.items()
    }


def _mac(key: bytes, row: AuditRow) -> str:
    told = row.model_dump(exclude={"redacted", "at"}) | {
        "at": row.at.astimezone(UTC).isoformat(timespec="microseconds")
    }
    return hmac.digest(key, json.dumps(told, sort_keys=True, separators=(",", ":")).encode(), "sha256").hex()
