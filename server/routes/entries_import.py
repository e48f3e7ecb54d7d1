"""Many entries at once: a table or a workbook is looked at, kept, and gone through by a job."""

import asyncio

from sqlmodel.ext.asyncio.session import AsyncSession

from server.errors import Invalid
from server.events.limits import reach_of
from server.jobs import entries_job
from server.jobs.entries_plan import entries_in
from server.jobs.uploads import digest_of, keep_upload
from server.routes.endpoint import API, Call, Endpoint, endpoint
from server.routes.intake import form_of
from server.routes.jobs import DismissQuery, JobPublic, ask_with_upload, dismiss_own_import
from server.store.tables import Job

IMPORT_PATH = f"{API}/attendance/import"
_SAID = {"true": True, "1": True, "false": False, "0": False, "": False}


@endpoint("POST", "/attendance/import", allow="attendance:write", status=202, uploads=True, raises=(429,), settles=True)
async def import_entries(call: Call) -> JobPublic:
    """Check-ins and check-outs from one CSV or XLSX: a job, whose result is a table of what was refused, and why.

    Columns are `employeeId`, `email`, `externalIds.NAME` or `personId`; `at` (with an offset, or as the clock showed
    it where the person is), or `date` and `time`; `direction` (`in` or `out`); and, if you like, `reason`. With the
    form's field `dryRun` set to `true` nothing is added: the job says what would be. What is there already, by person,
    time and direction, is not added again, also where it was corrected or removed since; so the same file twice
    changes nothing. Entries on locked days are told there as adjustments. Where the settings ask for a second person,
    they wait for one. A table that cannot be understood is a 422 with line and column.
    """
    async with form_of(call.request, "file", "table") as (form, file):
        said = form.get("dryRun", "")
        if not file.size:
            raise Invalid.field("file", "empty", "The file is empty.")
        dry = _SAID.get(said) if isinstance(said, str) else None
        if dry is None:
            raise Invalid.field("dryRun", "not_a_boolean", "Write true or false.")
        plan = await asyncio.to_thread(entries_in, file.file)
        kept, meaning = await keep_upload(call.parts.objects, file.file), await asyncio.to_thread(digest_of, file.file)
        name = (file.filename or "")[:200].replace("\0", "")
    asked = entries_job.arguments_of(call.actor, reach_of(call.who), call.parts.clock.now(), dry=dry)

    async def note(session: AsyncSession, job: Job) -> None:
        after = {"job_id": job.id, "file": name, "rows": len(plan.rows), "dry": dry}
        await call.audit(session, "attendance.imported", "attendance", None, after=after)

    return await ask_with_upload(call, entries_job.NAME, kept, asked, meaning + bytes([dry]), note)


@endpoint("DELETE", "/attendance/import/{entries_import_id}", allow="attendance:write", status=204, raises=(409,))
async def cancel_entries_import(call: Call, entries_import_id: str, query: DismissQuery) -> None:
    """Cancels an import of one's own, or removes it with its report. What was added stays."""
    await dismiss_own_import(call, entries_import_id, entries_job.NAME, query)


ENDPOINTS: tuple[Endpoint, ...] = (import_entries, cancel_entries_import)
