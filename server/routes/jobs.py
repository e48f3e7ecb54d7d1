"""Background jobs: what waits, runs and is over; and the export of the audit, which is one."""

from pydantic import Field
from sqlmodel.ext.asyncio.session import AsyncSession

from server.errors import Forbidden, Invalid, NotFound
from server.events.limits import reach_of
from server.jobs import audit_export
from server.jobs.audit_file import Format
from server.routes.audit import check_unlimited
from server.routes.endpoint import SIGNED_IN, Call, Endpoint, Query, endpoint
from server.routes.responses import Page
from server.store import jobs
from server.store.jobs import State
from server.store.tables import Job
from server.wire import Form, Moment, Time, Wire

RESOURCE = "jobs"
READ = "jobs:read"


class JobsQuery(Query):
    kind: str | None = Field(None, max_length=64, description="only of this kind")
    state: State | None = Field(None, description="only in this state")


class AuditExport(Form):
    format: Format = Field("csv", description="for a spreadsheet, or JSON lines for a program")
    since: Moment | None = Field(None, alias="from", description="the earliest")
    until: Moment | None = Field(None, alias="to", description="before this")


class JobPublic(Wire):
    id: str
    kind: str
    state: State
    done: int = Field(description="how far it is")
    total: int | None = Field(description="of how much; null where that is not known")
    attempts: int = Field(description="how often it was begun")
    run_at: Time = Field(description="not before")
    finished_at: Time | None
    error: str | None
    result: dict[str, int] | None = Field(description="figures, for those who may see them")
    result_url: str | None = Field(description="the file that it made, behind a link that is good for a short time")
    asked_by: str | None = Field(description="the id of a user; null: it came round by itself")
    created_at: Time
    updated_at: Time

    @classmethod
    def of(cls, call: Call, job: Job) -> "JobPublic":
        """`result` and its link only for those who may read what it was made of."""
        kind = call.parts.jobs.kinds.get(job.kind)
        allowed = kind is not None and (kind.permission is None or call.who.may(kind.permission))
        # A result may tell of everything there is, unless it is of what whoever asks has sent.
        own = job.asked_by is not None and job.asked_by == call.who.user_id
        if allowed and kind is not None and call.who.limited:
            allowed = own and kind.open_to(reach_of(call.who), job.arguments)
        url = None
        if allowed and job.state == "done" and job.result_key is not None:
            ending = job.result_key.rpartition(".")[2]
            url = call.parts.links.link(job.result_key, filename=f"{job.kind}-{job.created_at:%Y-%m-%d}.{ending}")
        return cls.model_validate(
            job.model_dump(include=cls.model_fields.keys() - {"result"})
            | {"result": job.result if allowed else None, "result_url": url}
        )


@endpoint("GET", "/jobs", allow=READ, sorts=jobs.SORTS)
async def list_jobs(call: Call, query: JobsQuery) -> Page[JobPublic]:
    """The background jobs, newest first."""
    async with call.parts.store.read() as session:
        found = await jobs.page(session, query.wanted, kind=query.kind, state=query.state)
    return Page.of(query.wanted, [JobPublic.of(call, row) for row in found.rows], found.total)


@endpoint("GET", "/jobs/{job_id}", allow=SIGNED_IN, raises=(403,))
async def get_job(call: Call, job_id: str) -> JobPublic:
    """One job: for who may read them (`jobs:read`), and for who has asked for it.

    `resultUrl` is signed anew each time.
    """
    needed = Forbidden("This needs the permission jobs:read, or to be who has asked for it.")
    async with call.parts.store.read() as session:
        try:
            job = await jobs.get(session, job_id)
        except NotFound:
            if call.who.may(READ):
                raise
            raise needed from None
    if not call.who.may(READ) and (job.asked_by is None or job.asked_by != call.who.user_id):
        raise needed
    return JobPublic.of(call, job)


@endpoint("DELETE", "/jobs/{job_id}", allow="jobs:delete", status=204)
async def dismiss_job(call: Call, job_id: str) -> None:
    """Cancels one that waits or runs, and removes one that is over, with its result.

    One that runs stops within seconds, on whichever machine it is. It stays in the list as cancelled.
    """

    async def note(session: AsyncSession, job: Job) -> None:
        call.check_unchanged(job.updated_at)
        action = "job.cancelled" if job.state in jobs.OPEN else "job.removed"
        before = {"kind": job.kind, "state": job.state, "asked_by": job.asked_by}
        await call.audit(session, action, RESOURCE, job.id, before=before)

    await call.parts.jobs.dismiss(job_id, note)


async def dismiss_own_import(call: Call, job_id: str, kind: str) -> None:
    """The same for whoever has asked for an import of that kind. Raises NotFound for every other job."""

    async def note(session: AsyncSession, job: Job) -> None:
        if job.kind != kind or job.asked_by is None or job.asked_by != call.who.user_id:
            raise NotFound.of("import")
        call.check_unchanged(job.updated_at)
        action = "job.cancelled" if job.state in jobs.OPEN else "job.removed"
        await call.audit(session, action, RESOURCE, job.id, before={"kind": job.kind, "state": job.state})

    try:
        await call.parts.jobs.dismiss(job_id, note)
    except NotFound:
        raise NotFound.of("import") from None


@endpoint("POST", "/audit/export", allow="audit:read", status=202, raises=(429,))
async def export_audit_later(call: Call, body: AuditExport) -> JobPublic:
    """The audit as a file, made in the background: a job, whose `resultUrl` is the file once it is done.

    The file is removed with its job, which retention does after some days.
    """
    check_unlimited(call)
    if body.since is not None and body.until is not None and body.since >= body.until:
        raise Invalid.field("to", "before_from", "to must be after from.")
    arguments = audit_export.arguments_of(body.format, body.since, body.until)
    async with call.parts.store.transaction() as session:
        job = await call.parts.jobs.submit(session, audit_export.NAME, arguments, asked_by=call.who.user_id)
        await call.audit(session, "audit.exported", "audit", None, after={"job_id": job.id, **arguments})
    return JobPublic.of(call, job)


ENDPOINTS: tuple[Endpoint, ...] = (list_jobs, get_job, dismiss_job, export_audit_later)
