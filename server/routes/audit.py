"""The audit: who did what to which row, page by page or as a file, and whether its chain is whole."""

import asyncio
import csv
import io
import json
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, Literal

from pydantic import Field
from starlette.responses import Response, StreamingResponse

from server.errors import Forbidden
from server.routes.endpoint import Call, Endpoint, Query, endpoint
from server.routes.responses import Page
from server.store import audit
from server.store.audit import Filter
from server.store.tables import AuditRow
from server.wire import Form, Moment, Time, Wire, rfc3339

CSV, JSON_LINES = "text/csv", "application/x-ndjson"
COLUMNS = (
    "position", "at", "actorKind", "actorId", "actorName", "action", "resource", "resourceId", "before", "after",
    "address", "userAgent", "requestId", "id", "keyId", "hash",
)  # fmt: skip
RISKY = ("=", "+", "-", "@", "\t", "\r")


class AuditFilter(Form):
    actor_id: str | None = Field(None, max_length=36, description="the id of a user, a key or a kiosk")
    actor: str | None = Field(None, max_length=254, description="by name, such as ada@example.com")
    action: str | None = Field(None, max_length=64, description="such as user.changed")
    resource: str | None = Field(None, max_length=32, description="such as users")
    resource_id: str | None = Field(None, max_length=64)
    since: Moment | None = Field(None, alias="from")
    until: Moment | None = Field(None, alias="to", description="itself not included")

    def chosen(self, search: str | None) -> Filter:
        return Filter(
            actor_id=self.actor_id, actor=self.actor, action=self.action, resource=self.resource,
            resource_id=self.resource_id, since=self.since, until=self.until, search=search,
        )  # fmt: skip


class AuditQuery(Query, AuditFilter):
    """A page of the audit."""


class ExportQuery(AuditFilter):
    format: Literal["csv", "jsonl"] = Field("csv", description="a table, or a JSON object a line")
    search: str | None = Field(None, max_length=200, description="only what has these letters in it")


class ActorPublic(Wire):
    kind: Literal["user", "key", "kiosk", "system", "nobody"]
    id: str | None
    name: str = Field(description="as it was then")


class AuditPublic(Wire):
    position: int = Field(description="goes up by one; a number that is left out is a row that was removed")
    id: str
    at: Time
    actor: ActorPublic
    action: str
    resource: str
    resource_id: str | None
    before: dict[str, Any] | None = Field(description="without anything secret")
    after: dict[str, Any] | None
    address: str
    user_agent: str
    request_id: str
    key_id: str = Field(description="of the key that the hash was made with")
    hash: str = Field(description="over the row, as it was written, and the hash before it")
    redacted: bool = Field(description="whether the names of somebody who was erased were taken out")

    @classmethod
    def of(cls, row: AuditRow) -> "AuditPublic":
        actor = ActorPublic.model_validate({"kind": row.actor_kind, "id": row.actor_id, "name": row.actor_name})
        return cls.model_validate({**row.model_dump(), "actor": actor, "redacted": row.redacted is not None})


class VerificationPublic(Wire):
    intact: bool
    rows: int = Field(description="that are as they were written")
    head: int = Field(description="the position of the newest row")
    head_hash: str = Field(description="kept elsewhere, it shows later whether the whole chain was put back")
    cut: int = Field(description="rows up to this position were removed by retention")
    first_broken: int | None = Field(description="the first position at which something is wrong")
    reason: Literal["changed", "missing", "unknown_key", "wrong_head", "wrong_cut"] | None


@endpoint("GET", "/audit", allow="audit:read", sorts=audit.SORTS)
async def list_audit(call: Call, query: AuditQuery) -> Page[AuditPublic]:
    """What was done, newest first. Search looks at the actor, the action, the resource and the address."""
    check_unlimited(call)
    found = await call.parts.access.audit.page(query.wanted, query.chosen(query.search))
    return Page.of(query.wanted, [AuditPublic.of(row) for row in found.rows], found.total)


@endpoint("GET", "/audit/verification", allow="audit:read")
async def verify_audit(call: Call) -> VerificationPublic:
    """Walks along the whole chain. A changed row, a removed one and a removed end each show."""
    return VerificationPublic.model_validate(await call.parts.access.audit.verify())


@endpoint("GET", "/audit/export", allow="audit:read", gives=(CSV, JSON_LINES))
async def export_audit(call: Call, query: ExportQuery) -> Response:
    """The same as a file, oldest first: `format=csv`, or `format=jsonl` with a JSON object a line."""
    check_unlimited(call)
    asked = query.model_dump(mode="json", by_alias=True, exclude_none=True)
    async with call.parts.store.transaction() as session:
        await call.audit(session, "audit.exported", "audit", None, after=asked)
    as_table = query.format == "csv"
    name = f"rollcall-audit-{call.parts.clock.now():%Y%m%d-%H%M%S}.{query.format}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    batches = call.parts.access.audit.export(query.chosen(query.search))
    if as_table:
        return StreamingResponse(_written(batches, table, _line(COLUMNS)), headers=headers, media_type=CSV)
    return StreamingResponse(_written(batches, json_lines), headers=headers, media_type=JSON_LINES)


async def _written(
    batches: AsyncIterator[Sequence[AuditRow]], write: Callable[[Sequence[AuditRow]], str], head: str = ""
) -> AsyncIterator[str]:
    if head:
        yield head
    async for rows in batches:
        yield await asyncio.to_thread(write, rows)


def table(rows: Sequence[AuditRow]) -> str:
    """As RFC 4180 has it."""
    return "".join(_line([_cell(one) for one in _values(row)]) for row in rows)


def json_lines(rows: Sequence[AuditRow]) -> str:
    return "".join(AuditPublic.of(row).model_dump_json(by_alias=True) + "\n" for row in rows)


def check_unlimited(call: Call) -> None:
    """The audit tells of everything: whoever is limited to a part would read of the rest there."""
    if call.who.limited:
        raise Forbidden("Who is limited to some cameras or departments cannot read the audit.", code="limited")


def _values(row: AuditRow) -> tuple[object, ...]:
    return (
        row.position, rfc3339(row.at), row.actor_kind, row.actor_id, row.actor_name, row.action, row.resource,
        row.resource_id, row.before, row.after, row.address, row.user_agent, row.request_id, row.id, row.key_id,
        row.hash,
    )  # fmt: skip


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    text = str(value)
    # What a spreadsheet would take for a formula is text.
    return f"'{text}" if text.startswith(RISKY) else text


def _line(cells: Sequence[str]) -> str:
    written = io.StringIO()
    csv.writer(written, lineterminator="\r\n").writerow(cells)
    return written.getvalue()


ENDPOINTS: tuple[Endpoint, ...] = (list_audit, verify_audit, export_audit)
