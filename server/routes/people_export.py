"""The list of people as a table for a spreadsheet, or for another system to read."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Literal

from pydantic import Field
from starlette.responses import Response, StreamingResponse

from server.events.limits import Reach, reach_of
from server.jobs.people_plan import EXTERNAL
from server.jobs.spreadsheet import table
from server.routes.endpoint import Call, Endpoint, endpoint
from server.store import people
from server.store.engine import Store
from server.store.paging import Page
from server.store.people import PersonSummary
from server.wire import Form, rfc3339

CSV = "text/csv"
COLUMNS = (
    "id", "fullName", "employeeId", "email", "department", "active", "photoCount", "enrolment", "lastSeenAt",
)  # fmt: skip
_AT_ONCE = 200


class PeopleExport(Form):
    format: Literal["csv"] = Field("csv", description="for a spreadsheet")
    search: str | None = Field(None, max_length=200, description="only what has these letters in it")
    department_id: str | None = None
    active: bool | None = None
    enrolment: people.Enrolment | None = Field(None, description="how many of the photos that are wanted there are")


@endpoint("GET", "/people/export", allow="people:read", gives=CSV)
async def export_people(call: Call, query: PeopleExport) -> Response:
    """The list of people as a CSV, in the order of their names, by the filters of the list.

    Every external id is a column of its own, `externalIds.NAME`; `POST people/import` reads the same columns.
    """
    reach = reach_of(call.who)
    async with call.parts.store.transaction() as session:
        asked = query.model_dump(mode="json", by_alias=True, exclude_none=True)
        await call.audit(session, "people.exported", "people", None, after=asked)
    names = sorted({name async for rows in _rows(call.parts.store, query, reach) for name in _external(rows)})
    headers = {
        "Content-Disposition": f'attachment; filename="people-{call.parts.clock.now():%Y-%m-%d}.csv"',
        "Cache-Control": "no-store",
    }
    return StreamingResponse(_written(call.parts.store, query, reach, names), headers=headers, media_type=CSV)


async def _rows(store: Store, query: PeopleExport, reach: Reach) -> AsyncIterator[Sequence[PersonSummary]]:
    number = 1
    while True:
        async with store.read() as session:
            found = await people.page(
                session, Page(number, _AT_ONCE, query.search, "fullName"), department_id=query.department_id,
                active=query.active, enrolment=query.enrolment, reach=reach,
            )  # fmt: skip
        yield found.rows
        if len(found.rows) < _AT_ONCE:
            return
        number += 1


async def _written(store: Store, query: PeopleExport, reach: Reach, names: Sequence[str]) -> AsyncIterator[bytes]:
    yield table([(*COLUMNS, *(f"{EXTERNAL}{name}" for name in names))])
    async for rows in _rows(store, query, reach):
        yield await asyncio.to_thread(table, [_line(row, names) for row in rows])


def _external(rows: Sequence[PersonSummary]) -> set[str]:
    return {name for row in rows for name in row.person.external_ids}


def _line(row: PersonSummary, names: Sequence[str]) -> tuple[object, ...]:
    one = row.person
    seen = rfc3339(row.last_seen_at) if row.last_seen_at else None
    return (
        one.id, one.full_name, one.employee_id, one.email, row.department_name, str(one.active).lower(),
        row.photo_count, row.enrolment, seen, *(one.external_ids.get(name) for name in names),
    )  # fmt: skip


ENDPOINTS: tuple[Endpoint, ...] = (export_people,)
