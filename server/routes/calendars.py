"""Attendance and holidays as calendars: for programs that take an address and can send nothing with it."""

import asyncio
from datetime import date, timedelta

from pydantic import Field
from starlette.responses import Response

from server.events.limits import reach_of
from server.pipeline.attendance_calendar import calendar, of_people
from server.pipeline.days_in_turn import Wanted, whose
from server.routes.days import Between, found_days
from server.routes.endpoint import Call, Endpoint, endpoint
from server.store import sites, working_time
from server.wire import Form

TYPE = "text/calendar"
DAYS_BACK = 90
DAYS_AHEAD = 366
Key = Field(None, max_length=200, description="an API key that has `attendance:read` and nothing else", repr=False)


class CalendarQuery(Form):
    key: str | None = Key
    person_id: str | None = Field(None, max_length=36, description="only theirs")
    department_id: str | None = Field(None, max_length=36, description="only of people in this department")
    site_id: str | None = Field(None, max_length=36, description="only of people at this site, and its holidays")


class HolidaysCalendarQuery(Form):
    key: str | None = Key
    site_id: str | None = Field(None, max_length=36, description="those of this site and those of every site")


@endpoint("GET", "/attendance/calendar.ics", allow="attendance:read", gives=TYPE, key_in_address=True)
async def attendance_calendar(call: Call, query: CalendarQuery) -> Response:
    """When people were there in the last 90 days, with leave and holidays up to a year ahead, as iCalendar.

    Calendar programs send nothing but the address, so an API key may stand in it as `key`: one that has the permission
    `attendance:read` and no other, with the limits of whoever made it. Remove the key, and the address is worth
    nothing. 422 `too_many` for more people than one answer holds: choose a department.
    """
    parts, reach, now = call.parts, reach_of(call.who), call.parts.clock.now()
    today = now.astimezone(parts.zone).date()
    first, last = today - timedelta(days=DAYS_BACK - 1), today + timedelta(days=DAYS_AHEAD)
    span = {
        "from": first, "to": today, "personId": query.person_id, "departmentId": query.department_id,
        "siteId": query.site_id,
    }  # fmt: skip
    async with parts.store.read() as session:
        days = await found_days(call, session, Between.model_validate(span), reach)
        wanted = Wanted(first, last, query.person_id, query.department_id, query.site_id)
        away = of_people(await working_time.leave_between(session, first, last), await whose(session, wanted, reach))
        free = await working_time.holidays_between(session, first, last, query.site_id)
        names = await sites.names(session)
    made = await asyncio.to_thread(
        lambda: calendar("Attendance", now, days=days, leave=away, holidays=free, sites=names)
    )  # fmt: skip
    return _answer(made, "attendance")


@endpoint("GET", "/holidays.ics", allow="attendance:read", gives=TYPE, key_in_address=True)
async def holidays_calendar(call: Call, query: HolidaysCalendarQuery) -> Response:
    """The holidays of every site, or of one, as iCalendar: from last year to five years ahead.

    An API key may stand in the address, as with `attendance/calendar.ics`.
    """
    now = call.parts.clock.now()
    year = now.astimezone(call.parts.zone).year
    async with call.parts.store.read() as session:
        free = await working_time.holidays_between(session, date(year - 1, 1, 1), date(year + 5, 12, 31), query.site_id)
        names = await sites.names(session)
    return _answer(await asyncio.to_thread(lambda: calendar("Holidays", now, holidays=free, sites=names)), "holidays")


def _answer(content: bytes, name: str) -> Response:
    """Kept by nobody on the way: it says who was where, and its address is a secret."""
    headers = {
        "Cache-Control": "no-store",
        "Content-Disposition": f'inline; filename="{name}.ics"',
        "Referrer-Policy": "no-referrer",
    }
    return Response(content, headers=headers, media_type=TYPE)


ENDPOINTS: tuple[Endpoint, ...] = (attendance_calendar, holidays_calendar)
