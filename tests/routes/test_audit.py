"""The audit over HTTP: pages, files, and whether its chain is whole."""

import csv
import io
import json
from datetime import UTC, datetime

import httpx
import pytest
from sqlalchemy import text

from server.parts import Parts
from server.routes.audit import COLUMNS, table
from server.store.audit import Actor
from server.store.tables import AuditRow

AUDIT = "/api/v1/audit"
EVE = Actor("user", "u-eve", '=HYPERLINK("http://evil","x")', "192.0.2.66", "+agent", "r1")


@pytest.fixture
async def told(parts: Parts) -> Parts:
    """Three rows beside those of the fixtures."""
    async with parts.store.transaction() as session:
        for action in ("camera.added", "camera.changed", "camera.removed"):
            await parts.access.audit.record(
                session, EVE, action, "cameras", "c1", after={"name": 'Tür, "Nord"\nzwei', "password": "x"}
            )
    return parts


async def test_pages_are_filtered(told: Parts, admin: httpx.AsyncClient) -> None:
    """The newest first, by who, what, which and when."""

    async def actions(**asked: str) -> list[str]:
        answer = await admin.get(AUDIT, params=asked)
        assert answer.status_code == 200, answer.text
        assert answer.json()["meta"]["total"] >= len(answer.json()["data"])
        return [row["action"] for row in answer.json()["data"]]

    ours = ["camera.removed", "camera.changed", "camera.added"]
    assert await actions(actorId="u-eve") == await actions(resource="cameras", resourceId="c1") == ours
    assert await actions(actor=EVE.name, sort="position") == ours[::-1]
    assert await actions(action="camera.changed") == ["camera.changed"]
    assert await actions(search="192.0.2.66 removed") == ["camera.removed"]
    now = told.clock.now().isoformat()
    assert set(ours) <= set(await actions(**{"from": now}))
    assert await actions(to=now) == []
    assert len(await actions(pageSize="2")) == 2
    answer = await admin.get(AUDIT, params={"actorId": "u-eve", "pageSize": "1"})
    [row] = answer.json()["data"]
    assert row["actor"] == {"kind": "user", "id": "u-eve", "name": EVE.name}
    assert row["after"] == {"name": 'Tür, "Nord"\nzwei', "password": "***"}
    assert (await admin.get(AUDIT, params={"from": "yesterday"})).status_code == 422


async def test_a_table_that_a_spreadsheet_takes_for_text(told: Parts, admin: httpx.AsyncClient) -> None:
    """As a download with the same filters; what looks like a formula is not one; that it was taken is told."""
    answer = await admin.get(f"{AUDIT}/export", params={"actorId": "u-eve"})
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/csv")
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="rollcall-audit-')
    assert answer.headers["Content-Disposition"].endswith('.csv"')
    head, *rows = list(csv.reader(io.StringIO(answer.text, newline="")))
    assert head == list(COLUMNS)
    assert [row[head.index("action")] for row in rows] == ["camera.added", "camera.changed", "camera.removed"]
    assert rows[0][head.index("actorName")] == f"'{EVE.name}"
    assert rows[0][head.index("userAgent")] == "'+agent"
    assert json.loads(rows[0][head.index("after")]) == {"name": 'Tür, "Nord"\nzwei', "password": "***"}
    assert answer.text.count("\r\n") == 4
    newest = (await admin.get(AUDIT)).json()["data"][0]
    assert (newest["action"], newest["after"]) == ("audit.exported", {"format": "csv", "actorId": "u-eve"})


async def test_an_object_a_line(told: Parts, admin: httpx.AsyncClient) -> None:
    """In the shape of the pages."""
    answer = await admin.get(f"{AUDIT}/export", params={"format": "jsonl", "resource": "cameras"})
    assert answer.headers["Content-Type"].startswith("application/x-ndjson")
    lines = [json.loads(line) for line in answer.text.splitlines()]
    page = (await admin.get(AUDIT, params={"resource": "cameras", "sort": "position"})).json()["data"]
    assert lines == page
    assert (await admin.get(f"{AUDIT}/export", params={"format": "xlsx"})).status_code == 422


async def test_a_tampered_chain_shows(told: Parts, admin: httpx.AsyncClient) -> None:
    """With the first position that is wrong."""
    whole = (await admin.get(f"{AUDIT}/verification")).json()["data"]
    assert (whole["intact"], whole["firstBroken"], whole["reason"]) == (True, None, None)
    assert whole["rows"] == whole["head"] >= 3
    guard = "audit_no_delete" if told.store.is_sqlite else "audit_no_change ON audit"
    async with told.store.transaction() as session:
        await session.exec(text(f"DROP TRIGGER {guard}"))  # type: ignore[call-overload]
        await session.exec(text("DELETE FROM audit WHERE position = 2"))  # type: ignore[call-overload]
    broken = (await admin.get(f"{AUDIT}/verification")).json()["data"]
    assert (broken["intact"], broken["firstBroken"], broken["reason"]) == (False, 2, "missing")


async def test_only_for_who_may(viewer: httpx.AsyncClient, anyone: httpx.AsyncClient) -> None:
    """Pages, file and verification alike."""
    for path in (AUDIT, f"{AUDIT}/export", f"{AUDIT}/verification"):
        assert (await viewer.get(path)).status_code == 403
        assert (await anyone.get(path)).status_code == 401


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx"])
def test_no_cell_is_a_formula(text: str) -> None:
    """Wherever it stands, it begins with an apostrophe."""
    row = AuditRow(
        position=1, at=datetime(2026, 1, 5, tzinfo=UTC), actor_kind="user", actor_name=text, action="x", resource="y",
        resource_id=text, address=text, user_agent=text, request_id=text, key_id="k", hash="h",
    )  # fmt: skip
    [cells] = list(csv.reader(io.StringIO(table([row]), newline="")))
    assert cells.count(f"'{text}") == 5
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
