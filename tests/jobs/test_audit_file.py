"""The audit as a file: a table that no spreadsheet runs, and JSON lines as the API shows the rows."""

import csv
import io
from datetime import UTC, datetime

import orjson

from server.jobs.audit_file import COLUMNS, head, lines
from server.store.tables import AuditRow

ROW = AuditRow(
    position=7, id="i", at=datetime(2026, 1, 5, 8, tzinfo=UTC), actor_kind="user", actor_id="u", actor_name="Zoë, A.",
    action="user.changed", resource="users", resource_id="r", before=None, after={"email": "a@example.com"},
    address="10.0.0.9", user_agent='=HYPERLINK("http://x")', request_id="q", key_id="k", hash="h",
)  # fmt: skip


def test_a_table() -> None:
    """A line each with all columns; what looks like a formula is text."""
    text = (head("csv") + lines("csv", [ROW, ROW])).decode()
    first, second = csv.DictReader(io.StringIO(text, newline=""))
    assert first == second
    assert tuple(first) == COLUMNS
    assert (first["position"], first["at"], first["actorName"]) == ("7", "2026-01-05T08:00:00.000Z", "Zoë, A.")
    assert (first["before"], first["after"]) == ("", '{"email":"a@example.com"}')
    assert first["userAgent"] == '\'=HYPERLINK("http://x")'


def test_json_lines() -> None:
    """An object a line, with nothing changed."""
    (line,) = (head("jsonl") + lines("jsonl", [ROW])).splitlines()
    shown = orjson.loads(line)
    assert shown["actor"] == {"kind": "user", "id": "u", "name": "Zoë, A."}
    assert (shown["userAgent"], shown["after"]) == ('=HYPERLINK("http://x")', {"email": "a@example.com"})
    assert (shown["position"], shown["hash"], shown["keyId"]) == (7, "h", "k")


def test_nothing() -> None:
    """A table without rows still has its head."""
    assert lines("csv", []) == lines("jsonl", []) == b""
    assert head("jsonl") == b""
