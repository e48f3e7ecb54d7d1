"""The audit as a file: what somebody asked for, as CSV for a spreadsheet or as JSON lines for a program."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Protocol

from server.errors import Invalid
from server.jobs.audit_file import Format, head, lines
from server.jobs.kinds import Kind, Outcome, Work
from server.objects.objects import Objects
from server.store.audit import Filter
from server.store.paging import Page, Paged
from server.store.tables import AuditRow
from server.wire import Time, Wire

NAME = "audit-export"
FOLDER = "exports"
MOST_BYTES = 64_000_000


class Trail(Protocol):
    """What the export needs of the audit."""

    async def page(self, wanted: Page, chosen: Filter) -> Paged[AuditRow]: ...

    def export(self, chosen: Filter) -> AsyncIterator[Sequence[AuditRow]]:
        """All that is wanted in batches, oldest first."""


class Asked(Wire):
    """What a job of this kind is asked for. `until` itself is not counted."""

    format: Format = "csv"
    since: Time | None = None
    until: Time | None = None


def audit_export(objects: Objects, trail: Trail, *, most_bytes: int = MOST_BYTES) -> Kind:
    """The kind. Its result needs the permission to read the audit."""

    async def do(work: Work) -> Outcome:
        asked = Asked.model_validate(work.arguments)
        chosen = Filter(since=asked.since, until=asked.until)
        total = (await trail.page(Page(page_size=1), chosen)).total
        key = await work.result_key(FOLDER, asked.format)
        written, rows = bytearray(head(asked.format)), 0
        async for batch in trail.export(chosen):
            written += await asyncio.to_thread(lines, asked.format, batch)
            if len(written) > most_bytes:
                raise too_much(most_bytes)
            rows += len(batch)
            await work.progress(rows, max(rows, total))
        await objects.put(key, bytes(written))
        return Outcome({"rows": rows, "bytes": len(written)})

    return Kind(NAME, do, permission="audit:read", open_at_once=3)


def arguments_of(asked_format: Format, since: datetime | None, until: datetime | None) -> dict[str, object]:
    """What to submit."""
    return Asked(format=asked_format, since=since, until=until).as_json()


def too_much(most_bytes: int) -> Invalid:
    return Invalid.field(
        "to", "too_much", f"This is more than {most_bytes // 1_000_000} MB. Choose a shorter time, or several."
    )
