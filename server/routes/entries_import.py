"""Many entries at once: a table or a workbook is looked at, kept, and gone through by a job."""

import asyncio

from sqlmodel.ext.asyncio.session import AsyncSession
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from server.errors import BadRequest, Invalid, NotFound, UnsupportedMedia
from server.events.limits import reach_of
from server.jobs import entries_job
from server.jobs.entries_plan import entries_in
from server.jobs.uploads import keep_upload, keys_of
from server.routes.endpoint import API, Call, Endpoint, endpoint
from server.routes.jobs import RESOURCE, JobPublic
from server.store import jobs
from server.store.tables import Job

IMPORT_PATH = f"{API}/attendance/import"
_SAID = {"true": True, "1": True, "false": False, "0": False, "": False}


@endpoint("POST", "/attendance/import", allow="attendance:write", status=202, uploads=True, raises=(429,))
async def import_entries(call: Call) -> JobPublic:
    """Check-ins and check-outs from one CSV or XLSX: a job, whose result is a table of what was refused, and why.

    Columns are `employeeId`, `email`, `externalIds.NAME` or `personId`; `at` (with an offset, or as the clock showed
    it where the person is), or `date` and `time`; `direction` (`in` or `out`); and, if you like, `reason`. With the
    form's field `dryRun` set to `true` nothing is added: the job says what would be. What is there already, by person,
    time and direction, is not added again, also where it was corrected or removed since; so the same file twice
    changes nothing. Entries on locked days are told there as adjustments. Where the settings ask for a second person,
    they wait for one. A table that cannot be understood is a 422 with line and column.
    """
    if not call.request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        raise UnsupportedMedia("Send the file as multipart/form-data, in the field file.")
    try:
        async with call.request.form(max_files=1, max_fields=10) as form:
            file, said = form.get("file"), form.get("dryRun", "")
            if not isinstance(file, UploadFile):
                raise Invalid.field("file", "missing", "Send the table in the field file.")
            if not file.size:
                raise Invalid.field("file", "empty", "The file is empty.")
            dry = _SAID.get(said) if isinstance(said, str) else None
            if dry is None:
                raise Invalid.field("dryRun", "not_a_boolean", "Write true or false.")
            plan = await asyncio.to_thread(entries_in, file.file)
            kept = await keep_upload(call.parts.objects, file.file)
            name = (file.filename or "")[:200].replace("\0", "")
    except HTTPException as error:
        raise BadRequest(f"The form cannot be read: {error.detail}", code="malformed_form") from None
    try:
        async with call.parts.store.transaction() as session:
            asked = entries_job.arguments_of(call.actor, reach_of(call.who), call.parts.clock.now(), dry=dry)
            job = await call.parts.jobs.submit(session, entries_job.NAME, {**kept, **asked}, asked_by=call.who.user_id)
            after = {"job_id": job.id, "file": name, "rows": len(plan.rows), "dry": dry}
            await call.audit(session, "attendance.imported", "attendance", None, after=after)
    except BaseException:
        await call.parts.objects.delete(*keys_of(kept))
        raise
    return JobPublic.of(call, job)


@endpoint("DELETE", "/attendance/import/{entries_import_id}", allow="attendance:write", status=204)
async def cancel_entries_import(call: Call, entries_import_id: str) -> None:
    """Cancels an import of one's own, or removes it with its report. What was added stays."""

    async def note(session: AsyncSession, job: Job) -> None:
        if job.kind != entries_job.NAME or job.asked_by is None or job.asked_by != call.who.user_id:
            raise NotFound.of("import")
        call.check_unchanged(job.updated_at)
        action = "job.cancelled" if job.state in jobs.OPEN else "job.removed"
        await call.audit(session, action, RESOURCE, job.id, before={"kind": job.kind, "state": job.state})

    try:
        await call.parts.jobs.dismiss(entries_import_id, note)
    except NotFound:
        raise NotFound.of("import") from None


ENDPOINTS: tuple[Endpoint, ...] = (import_entries, cancel_entries_import)
