"""Many people at once: a ZIP or a table is looked at, kept, and gone through by a job."""

import asyncio

from sqlmodel.ext.asyncio.session import AsyncSession

from server.errors import Invalid
from server.events.limits import reach_of
from server.jobs import asker, import_job
from server.jobs.people_source import plan_of, upload_source
from server.jobs.uploads import digest_of, keep_upload
from server.routes.endpoint import API, Call, Endpoint, endpoint
from server.routes.intake import form_of
from server.routes.jobs import DismissQuery, JobPublic, ask_with_upload, dismiss_own_import
from server.store.tables import Job

IMPORT_PATH = f"{API}/people/import"


@endpoint("POST", "/people/import", allow="people:write", status=202, uploads=True, raises=(429,), settles=True)
async def import_people(call: Call) -> JobPublic:
    """Many people from one file: a job, whose result is a table of all that was refused, and why.

    A ZIP of folders `name/photo.jpg`, a ZIP of a CSV beside its photos, or a CSV alone. Its columns are `fullName`,
    `employeeId`, `email`, `department`, `externalIds.NAME` and `photo` (a path beside the table; several with `|`
    between them, or a row for each). Who is there already, by number or else by name, is added to and brought up to
    date; the same file again changes nothing. A table that cannot be understood is a 422 with line and column, and a
    row or a photo that cannot be taken is in the report, while the rest goes on.
    """
    async with form_of(call.request, "file", "archive or the table") as (_, file):
        if not file.size:
            raise Invalid.field("file", "empty", "The file is empty.")
        plan = await asyncio.to_thread(lambda: plan_of(upload_source(file.file)))
        kept, meaning = await keep_upload(call.parts.objects, file.file), await asyncio.to_thread(digest_of, file.file)
        name = (file.filename or "")[:200].replace("\0", "")

    async def note(session: AsyncSession, job: Job) -> None:
        after = {"job_id": job.id, "file": name, "people": len(plan.people)}
        await call.audit(session, "people.imported", "people", None, after=after)

    asked = asker.arguments_of(call.actor, reach_of(call.who))
    return await ask_with_upload(call, import_job.NAME, kept, asked, meaning, note)


@endpoint("DELETE", "/people/import/{import_id}", allow="people:write", status=204, raises=(409,))
async def cancel_import(call: Call, import_id: str, query: DismissQuery) -> None:
    """Cancels an import of one's own, or removes it with its report. Who was imported stays."""
    await dismiss_own_import(call, import_id, import_job.NAME, query)


ENDPOINTS: tuple[Endpoint, ...] = (import_people, cancel_import)
