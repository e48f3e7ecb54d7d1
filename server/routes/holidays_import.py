"""Holidays of a whole calendar at once: an iCalendar file, as public offices and calendars give them away."""

import asyncio
import datetime as dt

from pydantic import Field
from starlette.requests import Request

from server.errors import Forbidden, Invalid, TooLarge
from server.pipeline.holiday_calendar import Found, Left, holidays_in
from server.routes.endpoint import Call, Endpoint, endpoint
from server.routes.intake import form_of
from server.store import sites, working_time
from server.store.tables import Holiday
from server.wire import Wire

MOST_BYTES = 1_000_000
YEARS_BACK, YEARS_AHEAD = 1, 5
LONGEST_ID = 36


class HolidaySkipped(Wire):
    line: int = Field(description="of the file, at which the event begins")
    name: str | None
    date: dt.date | None = Field(description="where it is only this day of the event")
    code: str = Field(description="such as `exists` or `not_a_whole_day`")
    reason: str


class HolidaysImported(Wire):
    added: int = Field(description="how many days are holidays now that were not before")
    skipped: list[HolidaySkipped]


@endpoint("POST", "/holidays/import", allow="attendance:write", uploads=True, raises=(409, 413))
async def import_holidays(call: Call) -> HolidaysImported:
    """Adds the whole days of an iCalendar file (.ics) as holidays, and says what it left out and why.

    The form's field `file` is the file, of at most 1 MB; `siteId` names the site, without it they hold at every one.
    Events of several days are a holiday each day; what comes every year does so from last year to five years ahead.
    The same file again adds nothing. A file that is no calendar is a 422.
    """
    if call.who.only_departments is not None:
        raise Forbidden(
            "This concerns everybody: whoever is limited to some departments cannot change it.", code="limited"
        )
    content, name, site_id = await _sent(call.request)
    today = call.parts.clock.now().astimezone(call.parts.zone).date()
    first, last = dt.date(today.year - YEARS_BACK, 1, 1), dt.date(today.year + YEARS_AHEAD, 12, 31)
    found, left = await asyncio.to_thread(holidays_in, content, first, last)
    async with call.parts.store.transaction() as session:
        await sites.check(session, site_id)
        new, twice = _new(found, await working_time.holidays_known(session, site_id))
        await working_time.add_holidays(
            session, [Holiday(date=one.date, name=one.name, site_id=site_id) for one in new]
        )  # fmt: skip
        skipped = sorted([*left, *twice], key=lambda one: one.line)
        after = {"file": name, "site_id": site_id, "added": len(new), "skipped": len(skipped)}
        await call.audit(session, "holidays.imported", "holidays", None, after=after)
    return HolidaysImported(added=len(new), skipped=[HolidaySkipped.model_validate(one) for one in skipped])


def _new(found: list[Found], known: set[tuple[dt.date, str]]) -> tuple[list[Found], list[Left]]:
    """Those that are not there yet, and the others."""
    new, twice = [], []
    for one in found:
        if (one.date, one.name) in known:
            twice.append(Left(one.line, one.name, one.date, "exists", "There is such a holiday already."))
        else:
            known.add((one.date, one.name))
            new.append(one)
    return new, twice


async def _sent(request: Request) -> tuple[bytes, str, str | None]:
    """The file, what it is called, and the site."""
    async with form_of(request, "calendar") as (form, file):
        site_id = form.get("siteId") or None
        if not file.size:
            raise Invalid.field("file", "empty", "The file is empty.")
        if file.size > MOST_BYTES:
            raise TooLarge(f"The file has more than {MOST_BYTES // 1_000_000} MB.")
        content, name = await file.read(), (file.filename or "")[:200].replace("\0", "")
    if site_id is not None and (not isinstance(site_id, str) or len(site_id) > LONGEST_ID or "\0" in site_id):
        raise Invalid.field("siteId", "unknown", "No site with that id.")
    return content, name, site_id


ENDPOINTS: tuple[Endpoint, ...] = (import_holidays,)
