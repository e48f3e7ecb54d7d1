"""Days as a file for a payroll: made at once, or in the background where they are many."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Sequence
from typing import BinaryIO

import orjson
from pydantic import Field
from sqlmodel.ext.asyncio.session import AsyncSession
from starlette.responses import Response, StreamingResponse

from server.errors import Invalid
from server.events.limits import reach_of
from server.jobs import days_export, days_pdf
from server.jobs.days_export import Asked, DaysExport
from server.jobs.days_file import Format
from server.objects.objects import content_type_of
from server.routes.days import Between
from server.routes.endpoint import Call, Endpoint, endpoint
from server.routes.jobs import JobPublic, ask_for
from server.store.tables import Job, Person

MOST_AT_ONCE = 40_000  # days: a month of more than a thousand people
PIECE_BYTES = 64 * 1024  # each is compressed on the loop
GIVES = (content_type_of("days.csv"), content_type_of("days.xlsx"), content_type_of("days.pdf"))


class DaysExportQuery(Between):
    format: Format = Field("csv", description="a table of text, a workbook with typed cells, or pages to be signed")


class DaysExportForm(DaysExportQuery):
    pass


@endpoint("GET", "/attendance/export", allow="attendance:read", gives=GIVES)
async def export_days(call: Call, query: DaysExportQuery) -> Response:
    """The days as a file, a row for each: `format=csv`, or `format=xlsx` with sheets of departments and people.

    `format=pdf` is a page to be signed for each person, of one person or one department, on servers with the extra
    `pdf` (422 `not_installed` on others).

    By name and date. More than 40,000 days at once are a 422 `too_many`: have them made in the background.
    """
    asked, export = _asked(call, query), _export(call)
    who = await export.people(asked, MOST_AT_ONCE, "Use POST attendance/export, or ask for fewer.")
    async with call.parts.store.transaction() as session:
        await _note(call, session, asked)
    file = await _made(call, export, asked, who)
    name = f"attendance-{asked.first}-{asked.last}.{asked.format}"
    headers = {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Content-Length": str(await asyncio.to_thread(file.seek, 0, 2)),
        "Cache-Control": "no-store",
    }
    return StreamingResponse(_pieces(file), headers=headers, media_type=content_type_of(name))


@endpoint("POST", "/attendance/export", allow="attendance:read", status=202, raises=(429,), settles=True)
async def export_days_later(call: Call, body: DaysExportForm) -> JobPublic:
    """The same, made in the background: a job, whose `resultUrl` is the file once it is done.

    Whoever asked may follow and cancel it (`GET jobs/{id}`, topic `jobs`). The file is removed with its
    job, which retention does after some days.
    """
    asked = _asked(call, body)
    await _export(call).people(asked, days_export.MOST_DAYS, "Choose fewer dates or people, or several files.")
    arguments = asked.as_json()

    async def note(session: AsyncSession, job: Job) -> None:
        await _note(call, session, asked, job_id=job.id)

    job, _ = await ask_for(call, days_export.NAME, arguments, orjson.dumps(arguments), note)
    return job


def _export(call: Call) -> DaysExport:
    return DaysExport(call.parts.store, call.parts.runtime, call.parts.clock)


def _asked(call: Call, given: DaysExportQuery) -> Asked:
    """Raises Invalid."""
    if given.format == "pdf":
        if given.person_id is None and given.department_id is None:
            raise Invalid.field("departmentId", "missing", "Pages to be signed are of one person or one department.")
        days_pdf.check_possible()
    first, last = given.checked_dates(call.parts.clock.now().astimezone(call.parts.zone).date())
    limits = reach_of(call.who).departments
    return Asked(
        format=given.format, first=first, last=last, person_id=given.person_id, department_id=given.department_id,
        site_id=given.site_id, departments=None if limits is None else sorted(limits),
    )  # fmt: skip


async def _note(call: Call, session: AsyncSession, asked: Asked, **more: object) -> None:
    after = {name: value for name, value in asked.as_json().items() if value is not None}
    await call.audit(session, "attendance.exported", "attendance", None, after=after | more)


async def _made(call: Call, export: DaysExport, asked: Asked, who: Sequence[Person]) -> BinaryIO:
    """Without a name on the disk. Only a few are made at the same time: each takes a core."""
    file: BinaryIO = tempfile.TemporaryFile()  # noqa: SIM115 - open until it is sent
    try:
        async with call.parts.exporting:
            await export.write(file, asked, who, _unheard)
    except BaseException:
        file.close()
        raise
    return file


async def _unheard(_done: int, _total: int) -> None:
    """Whoever waits for the answer sees no progress."""


async def _pieces(file: BinaryIO) -> AsyncIterator[bytes]:
    with file:
        await asyncio.to_thread(file.seek, 0)
        while piece := await asyncio.to_thread(file.read, PIECE_BYTES):
            yield piece


ENDPOINTS: tuple[Endpoint, ...] = (export_days, export_days_later)
