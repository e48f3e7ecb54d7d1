"""Background jobs: what waits, runs and is over; and the export of the audit, which is one."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Literal

import orjson
from pydantic import Field
from sqlmodel.ext.asyncio.session import AsyncSession

from server.errors import Conflict, Forbidden, Invalid, NotFound, RollcallError
from server.events.limits import reach_of
from server.jobs import audit_export
from server.jobs.audit_file import Format
from server.jobs.kinds import Priority
from server.jobs.uploads import keys_of
from server.routes.audit import check_unlimited
from server.routes.endpoint import SIGNED_IN, Call, Endpoint, Query, endpoint
from server.routes.idempotent import Keyed, answer_lost
from server.routes.responses import Page
from server.store import jobs, users
from server.store.idempotency import Claim
from server.store.jobs import State
from server.store.tables import Job
from server.wire import Form, Moment, Time, Wire

Noting = Callable[[AsyncSession, Job], Awaitable[None]]
RESOURCE = "jobs"
READ, DELETE = "jobs:read", "jobs:delete"


class JobsQuery(Query):
    kind: str | None = Field(None, max_length=64, description="only of this kind")
    state: State | None = Field(None, description="only in this state")
    mine: bool = Field(False, description="only what whoever asks has asked for; without jobs:read these are all")


class DismissQuery(Form):
    only: Literal["open"] | None = Field(
        None,
        description="`open`: cancels; one that is over by then stays with its result, and the answer is 409 `job_over`",
    )

    def check(self, job: Job) -> None:
        """Raises Conflict. Within the transaction: a job may end between the look at it and the cancel."""
        if self.only == "open" and job.state not in jobs.OPEN:
            raise Conflict("It was over already, so there was nothing to cancel.", code="job_over")


class AuditExport(Form):
    format: Format = Field("csv", description="for a spreadsheet, or JSON lines for a program")
    since: Moment | None = Field(None, alias="from", description="the earliest")
    until: Moment | None = Field(None, alias="to", description="before this")


class JobPublic(Wire):
    id: str
    kind: str
    priority: Priority = Field(description="each has its own places with the workers, so that none waits for another")
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
    asked_by_name: str | None = Field(description="null also where that user is gone")
    may_dismiss: bool = Field(description="whether whoever asks may cancel it, or remove it where it is over")
    stays: str | None = Field(description="why nobody may cancel it")
    created_at: Time
    updated_at: Time

    @classmethod
    def of(cls, call: Call, job: Job, names: Mapping[str, str] | None = None) -> "JobPublic":
        """`result` and its link only for those who may read what it was made of. `names`: of users."""
        kind = call.parts.jobs.kinds.get(job.kind)
        allowed = kind is not None and (kind.permission is None or call.who.may(kind.permission))
        # A result may tell of everything there is, unless it is of what whoever asks has sent.
        own = _is_own(call, job)
        if allowed and kind is not None and call.who.limited:
            allowed = own and kind.open_to(reach_of(call.who), job.arguments)
        url = None
        ended = job.state == "done" or (job.state == "cancelled" and job.result is not None)
        if allowed and ended and job.result_key is not None:
            ending = job.result_key.rpartition(".")[2]
            url = call.parts.links.link(job.result_key, filename=f"{job.kind}-{job.created_at:%Y-%m-%d}.{ending}")
        name = {call.who.user_id: call.who.full_name, **(names or {})}.get(job.asked_by or "")
        stays = kind.stays if kind is not None and job.state in jobs.OPEN else None
        more = {
            "result": job.result if allowed else None, "result_url": url, "asked_by_name": name,
            "priority": kind.priority if kind is not None else "normal", "stays": stays,
            "may_dismiss": stays is None and _may_dismiss(call, job),
        }  # fmt: skip
        return cls.model_validate(job.model_dump(include=cls.model_fields.keys() - {"result"}) | more)


@endpoint("GET", "/jobs", allow=SIGNED_IN, sorts=jobs.SORTS, raises=(403,))
async def list_jobs(call: Call, query: JobsQuery) -> Page[JobPublic]:
    """The background jobs, newest first: all for who may read them (`jobs:read`), else those of whoever asks.

    An API key needs `jobs:read`: the jobs of its owner are not its own.
    """
    if call.who.kiosk_id is not None or (call.who.key_id is not None and not call.who.may(READ)):
        raise Forbidden(f"This needs the permission {READ}, or to be somebody who may ask for jobs.")
    own = call.who.user_id if query.mine or not call.who.may(READ) else None
    async with call.parts.store.read() as session:
        found = await jobs.page(session, query.wanted, kind=query.kind, state=query.state, asked_by=own)
        names = await users.names(session, {row.asked_by for row in found.rows if row.asked_by is not None})
    return Page.of(query.wanted, [JobPublic.of(call, row, names) for row in found.rows], found.total)


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
        names = await users.names(session, [job.asked_by] if job.asked_by is not None else ())
    if not call.who.may(READ) and not _is_own(call, job):
        raise needed
    return JobPublic.of(call, job, names)


@endpoint("DELETE", "/jobs/{job_id}", allow=SIGNED_IN, status=204, raises=(403, 409))
async def dismiss_job(call: Call, job_id: str, query: DismissQuery) -> None:
    """Cancels one that waits or runs, and removes one that is over, with its result: for `jobs:delete`, or one's own.

    One that runs stops within seconds, on whichever machine it is. It stays in the list as cancelled, with what was
    done by then: what an import has added stays, and an export leaves no file. 409 `not_cancellable` for what has to be
    done, such as an erasure. Whoever means to cancel sends `only=open`. An API key needs `jobs:delete`: the jobs of its
    owner are not its own.
    """
    needed = Forbidden(f"This needs the permission {DELETE}, or to be who has asked for it.")

    async def note(session: AsyncSession, job: Job) -> None:
        if not _may_dismiss(call, job):
            raise needed
        await _note_dismissal(call, session, job, query, asked_by=job.asked_by)

    try:
        await call.parts.jobs.dismiss(job_id, note)
    except NotFound:
        if call.who.may(DELETE):
            raise
        raise needed from None  # nor does anybody learn which jobs there are


async def dismiss_own_import(call: Call, job_id: str, kind: str, query: DismissQuery) -> None:
    """The same for whoever has asked for an import of that kind. Raises NotFound for every other job."""

    async def note(session: AsyncSession, job: Job) -> None:
        if job.kind != kind or not _is_own(call, job):
            raise NotFound.of("import")
        await _note_dismissal(call, session, job, query)

    try:
        await call.parts.jobs.dismiss(job_id, note)
    except NotFound:
        raise NotFound.of("import") from None


async def ask_for(
    call: Call,
    kind: str,
    arguments: Mapping[str, object],
    meaning: bytes,
    note: Noting,
) -> tuple[JobPublic, bool]:
    """The job, and whether it is a new one: under one Idempotency-Key it is submitted once, whatever dies meanwhile,
    for the account of the key is in its transaction. `meaning` is what makes two requests the same."""
    keyed = Keyed.of(call, meaning)
    async with call.parts.store.transaction() as session:
        claim = await keyed.claim(session) if keyed is not None else None
        if keyed is not None and isinstance(claim, bytes):
            known = keyed.opened(claim, JobPublic)
            if known is None:
                raise answer_lost()
            return known, False
        job = await call.parts.jobs.submit(session, kind, arguments, asked_by=call.who.user_id)
        await note(session, job)
        answer = JobPublic.of(call, job)
        if keyed is not None and isinstance(claim, Claim):
            await keyed.keep(session, claim, answer, job.id)
    return answer, True


async def ask_with_upload(
    call: Call, kind: str, kept: Mapping[str, object], asked: Mapping[str, object], meaning: bytes, note: Noting
) -> JobPublic:
    """The same with what was sent for it, which is kept where it is a new one, and where nobody can tell: a database
    that dies may have it. What is kept in vain is removed by retention."""
    new = True
    try:
        job, new = await ask_for(call, kind, {**kept, **asked}, meaning, note)
    except RollcallError:
        new = False
        raise
    finally:
        if not new:
            await call.parts.objects.delete(*keys_of(kept))
    return job


@endpoint("POST", "/audit/export", allow="audit:read", status=202, raises=(429,), settles=True)
async def export_audit_later(call: Call, body: AuditExport) -> JobPublic:
    """The audit as a file, made in the background: a job, whose `resultUrl` is the file once it is done.

    The file is removed with its job, which retention does after some days.
    """
    check_unlimited(call)
    if body.since is not None and body.until is not None and body.since >= body.until:
        raise Invalid.field("to", "before_from", "to must be after from.")
    arguments = audit_export.arguments_of(body.format, body.since, body.until)

    async def note(session: AsyncSession, job: Job) -> None:
        await call.audit(session, "audit.exported", "audit", None, after={"job_id": job.id, **arguments})

    job, _ = await ask_for(call, audit_export.NAME, arguments, orjson.dumps(arguments), note)
    return job


async def _note_dismissal(call: Call, session: AsyncSession, job: Job, query: DismissQuery, **more: object) -> None:
    """In the audit. Raises Conflict where the job is not any more what whoever asks has seen."""
    query.check(job)
    call.check_unchanged(job.updated_at)
    action = "job.cancelled" if job.state in jobs.OPEN else "job.removed"
    await call.audit(session, action, RESOURCE, job.id, before={"kind": job.kind, "state": job.state, **more})


def _is_own(call: Call, job: Job) -> bool:
    return job.asked_by is not None and job.asked_by == call.who.user_id


def _may_dismiss(call: Call, job: Job) -> bool:
    """Whoever may do so with all, and who has asked for it and still may have it. A key stands for its owner, but does
    only what it was given for."""
    kind = call.parts.jobs.kinds.get(job.kind)
    allowed = kind is not None and (kind.permission is None or call.who.may(kind.permission))
    return call.who.may(DELETE) or (allowed and call.who.key_id is None and _is_own(call, job))


ENDPOINTS: tuple[Endpoint, ...] = (list_jobs, get_job, dismiss_job, export_audit_later)
