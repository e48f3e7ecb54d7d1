"""Presence, leave and holidays as an iCalendar feed, for calendar programs that come for it again and again."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta

from icalendar import Calendar, Event

from server.pipeline.day_rows import DayPublic
from server.store.tables import Holiday, Leave, Person

PRODUCT = "-//Rollcall//Attendance//EN"
REFRESH = timedelta(hours=1)


def calendar(
    name: str, now: datetime, *, days: Iterable[DayPublic] = (), leave: Iterable[tuple[Leave, Person]] = (),
    holidays: Iterable[Holiday] = (), sites: Mapping[str, str] | None = None,
) -> bytes:  # fmt: skip
    """The file. Times are in UTC, whole days without a zone; `sites` are their names."""
    made = Calendar()
    made.add("prodid", PRODUCT)
    made.add("version", "2.0")
    made.add("method", "PUBLISH")
    made.add("x-wr-calname", name)
    made.add("refresh-interval", REFRESH, parameters={"VALUE": "DURATION"})
    made.add("x-published-ttl", REFRESH)
    for event in (*_presence(days, now), *_leave(leave), *_holidays(holidays, sites or {})):
        event.add("dtstamp", now)
        made.add_component(event)
    return bytes(made.to_ical())


def _presence(days: Iterable[DayPublic], now: datetime) -> Iterable[Event]:
    """From the first entry to the last one, to when the rule ended it, or to now where somebody is in."""
    for day in days:
        moments = [one.at for one in day.entries]
        if not moments:
            continue
        start, end = min(moments), max(moments)
        if day.entries[-1].direction == "in":
            end = max(end, day.closed_at or (now if "running" in day.marks else end))
        event = _event(f"day-{day.person_id}-{day.date}-{day.shift_id or 'none'}", day.person.full_name)
        event.add("dtstart", start)
        event.add("dtend", end)
        hours, minutes = divmod(day.worked_minutes, 60)
        marks = [mark.value for mark in day.marks if mark.value in ("missing_in", "missing_out")]
        said = [f"Worked {hours}:{minutes:02}", *(mark.replace("_", " ") for mark in marks)]
        if day.late_minutes:
            said.append(f"late {day.late_minutes} min")
        event.add("description", ", ".join(said))
        event.add("transp", "TRANSPARENT")
        yield event


def _leave(leave: Iterable[tuple[Leave, Person]]) -> Iterable[Event]:
    for row, person in leave:
        half = f" ({row.half} half)" if row.half else ""
        yield _whole_days(f"leave-{row.id}", f"{person.full_name}: {row.kind}{half}", row.first_date, row.last_date)


def _holidays(holidays: Iterable[Holiday], sites: Mapping[str, str]) -> Iterable[Event]:
    for row in holidays:
        where = sites.get(row.site_id or "")
        yield _whole_days(f"holiday-{row.id}", f"{row.name} ({where})" if where else row.name, row.date, row.date)


def _whole_days(uid: str, summary: str, first: date, last: date) -> Event:
    """Both dates count; in the file the last one does not."""
    event = _event(uid, summary)
    event.add("dtstart", first)
    event.add("dtend", last + timedelta(days=1))
    event.add("transp", "TRANSPARENT")
    return event


def _event(uid: str, summary: str) -> Event:
    event = Event()
    event.add("uid", f"{uid}@rollcall")
    event.add("summary", summary)
    return event


def of_people(rows: Sequence[Leave], people: Sequence[Person]) -> list[tuple[Leave, Person]]:
    """The leave of these people."""
    known = {person.id: person for person in people}
    return [(row, known[row.person_id]) for row in rows if row.person_id in known]
