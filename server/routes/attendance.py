"""Attendance: who is in."""

from pydantic import Field

from server.events.limits import reach_of
from server.pipeline.presence import still_in
from server.pipeline.timesheets import zone_of_person
from server.routes.endpoint import Call, Endpoint, Query, endpoint
from server.routes.responses import Page
from server.store import entries, sites
from server.store.views import PersonBrief
from server.wire import Time, Wire


class PresentPerson(Wire):
    """Whose last entry is a check-in."""

    person: PersonBrief
    since: Time
    entry_id: str
    camera_id: str | None
    site_id: str | None = Field(description="of the person")
    timezone: str = Field(description="in which their days are")


@endpoint("GET", "/attendance/present", allow="attendance:read", sorts=entries.PRESENT_SORTS)
async def list_present(call: Call, query: Query) -> Page[PresentPerson]:
    """Who has come in and not left: today, or before midnight if their working day is not over."""
    parts, midnight = call.parts, call.parts.midnight()
    settings = parts.runtime.current.attendance
    async with parts.store.read() as session:
        still = await still_in(session, midnight, parts.clock.now(), settings, parts.zone.key)
        found = await entries.present(session, midnight, still, query.wanted, reach_of(call.who))
        placed = any(row.person is not None and row.person.site_id is not None for row in found.rows)
        zones = await sites.zones(session) if placed else {}
    shown = [
        PresentPerson(
            person=PersonBrief.of(row.person),
            since=row.entry.at,
            entry_id=row.entry.id,
            camera_id=row.entry.camera_id,
            site_id=row.person.site_id,
            timezone=zone_of_person(row.person, zones, call.parts.zone.key),
        )  # fmt: skip
        for row in found.rows
        if row.person is not None
    ]
    return Page.of(query.wanted, shown, found.total)


ENDPOINTS: tuple[Endpoint, ...] = (list_present,)
