"""Attendance: the entries that sightings have made, and who is in."""

from typing import Literal

from pydantic import AwareDatetime, Field

from server.routes.endpoint import Call, Endpoint, Query, endpoint
from server.routes.responses import Page
from server.store import entries
from server.store.entries import EntryFilter, EntryRow
from server.store.views import EntryPublic, PersonBrief
from server.wire import Time, Wire


class EntriesQuery(Query):
    camera_id: str | None = None
    person_id: str | None = None
    direction: Literal["in", "out"] | None = None
    since: AwareDatetime | None = Field(None, alias="from")
    until: AwareDatetime | None = Field(None, alias="to")


class PresentPerson(Wire):
    """Whose last entry today is a check-in."""

    person: PersonBrief
    since: Time
    entry_id: str
    camera_id: str | None


def _shown(row: EntryRow) -> EntryPublic:
    return EntryPublic.of(row.entry, row.person, row.camera_name)


@endpoint("GET", "/attendance/entries", allow="attendance:read")
async def list_entries(call: Call, query: EntriesQuery) -> Page[EntryPublic]:
    """Check-ins and check-outs with their evidence, newest first."""
    async with call.parts.store.read() as session:
        which = EntryFilter(
            camera_id=query.camera_id, person_id=query.person_id, direction=query.direction, start=query.since,
            end=query.until,
        )  # fmt: skip
        found = await entries.page(session, query.wanted, which)
    return Page.of(query.wanted, [_shown(row) for row in found.rows], found.total)


@endpoint("GET", "/attendance/entries/{entry_id}", allow="attendance:read")
async def get_entry(call: Call, entry_id: str) -> EntryPublic:
    """One entry."""
    async with call.parts.store.read() as session:
        return _shown(await entries.get(session, entry_id))


@endpoint("GET", "/attendance/present", allow="attendance:read")
async def list_present(call: Call, query: Query) -> Page[PresentPerson]:
    """Who has come in today and not left."""
    midnight = call.parts.midnight()
    async with call.parts.store.read() as session:
        rows = await entries.present_since(session, midnight)
    shown = [
        PresentPerson(
            person=PersonBrief.of(row.person), since=row.entry.at, entry_id=row.entry.id, camera_id=row.entry.camera_id
        )
        for row in rows
    ]
    return Page.cut(query.wanted, shown)


ENDPOINTS: tuple[Endpoint, ...] = (list_entries, get_entry, list_present)
