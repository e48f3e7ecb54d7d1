"""Holidays from an iCalendar file: its whole days, those that come every year too; the rest is told with its reason."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from dateutil.rrule import rrulestr
from icalendar import Calendar

from server.errors import Invalid

MOST_EVENTS = 2_000
MOST_DATES = 5_000
LONGEST_DAYS = 31
LONGEST_NAME = 200
# A rule that never comes is looked for up to the year 9999, which takes a moment each.
MOST_EMPTY_RULES = 10
# So are those that came often before the dates that are wanted.
MOST_WALKED = 100_000
# What a rule of whole days may say. With hours and seconds it could come a million times a day.
RULE_PARTS = frozenset({
    "FREQ", "INTERVAL", "COUNT", "UNTIL", "BYMONTH", "BYMONTHDAY", "BYDAY", "BYYEARDAY", "BYWEEKNO", "BYSETPOS", "WKST",
})  # fmt: skip
_EVENT = re.compile(rb"^BEGIN:VEVENT\s*$", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Found:
    """A day of an event that begins at that line of the file."""

    line: int
    name: str
    date: date


@dataclass(frozen=True, slots=True)
class Left:
    """What is no holiday, and why; `date` where only that one of the event is not."""

    line: int
    name: str | None
    date: date | None
    code: str
    reason: str


class _Walk:
    """How many dates may be looked at, of all rules together."""

    def __init__(self) -> None:
        self._left = MOST_WALKED

    def step(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise Invalid.field("file", "too_many", f"Its rules come more than {MOST_WALKED:,} times.")


class _Refused(Exception):
    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason


def holidays_in(content: bytes, first: date, last: date) -> tuple[list[Found], list[Left]]:
    """In the order of the file. What comes again and again is found from `first` to `last`, both counted.

    Takes a while: call it in a thread. Raises Invalid for what is no calendar, or too much of one.
    """
    events = _events(content)
    lines = [content.count(b"\n", 0, at.start()) + 1 for at in _EVENT.finditer(content)]
    found: list[Found] = []
    left: list[Left] = []
    empty, walk = 0, _Walk()
    for number, event in enumerate(events):
        line = lines[number] if number < len(lines) else 0
        name = _text(event, "SUMMARY")
        try:
            days = _days(event, name, first, last, walk)
        except _Refused as refused:
            left.append(Left(line, name or None, None, refused.code, refused.reason))
            continue
        if not days:
            empty += 1
            left.append(Left(line, name, None, "never", f"It does not come from {first} to {last}."))
        if empty > MOST_EMPTY_RULES:
            raise Invalid.field("file", "too_many", f"More than {MOST_EMPTY_RULES} of its rules never come.")
        found += [Found(line, name, day) for day in days]
        if len(found) > MOST_DATES:
            raise Invalid.field("file", "too_many", f"The file has more than {MOST_DATES:,} days.")
    return found, left


def _events(content: bytes) -> list[Any]:
    try:
        calendars = Calendar.from_ical(content, multiple=True)
        events = [event for one in calendars if one.name == "VCALENDAR" for event in one.walk("VEVENT")]
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError) as error:
        said = " ".join(str(error).split())[:200]
        raise Invalid.field("file", "not_a_calendar", f"This is no iCalendar file: {said}") from None
    if not any(one.name == "VCALENDAR" for one in calendars):
        raise Invalid.field("file", "not_a_calendar", "This is no iCalendar file: it has no whole VCALENDAR.")
    if len(events) > MOST_EVENTS:
        raise Invalid.field("file", "too_many", f"The file has more than {MOST_EVENTS:,} events.")
    return events


def _days(event: Any, name: str, first: date, last: date, walk: _Walk) -> list[date]:
    """Raises _Refused."""
    if not name:
        raise _Refused("no_name", "It has no SUMMARY, which is the holiday's name.")
    if len(name) > LONGEST_NAME:
        raise _Refused("name_too_long", f"Its SUMMARY has more than {LONGEST_NAME} letters.")
    if _text(event, "STATUS").upper() == "CANCELLED":
        raise _Refused("cancelled", "It is cancelled.")
    if _one(event, "RECURRENCE-ID") is not None:
        raise _Refused("moved", "It is one that was moved, of an event that comes again. Enter it by hand.")
    start = _whole_day(event, "DTSTART")
    length = _length(event, start)
    starts = _starts(event, start, first, last, walk)
    return sorted({one + timedelta(days=n) for one in starts for n in range(length) if _fits(one, n)})


def _fits(day: date, days: int) -> bool:
    return (date.max - day).days >= days


def _whole_day(event: Any, name: str) -> date:
    value = _value(event, name)
    if value is None:
        raise _Refused("no_date", f"It has no {name} that can be read.")
    if isinstance(value, datetime) or not isinstance(value, date):
        raise _Refused("not_a_whole_day", f"Its {name} has a time. Holidays are whole days (VALUE=DATE).")
    return value


def _length(event: Any, start: date) -> int:
    """In days: DTEND is the first day that is not part of it."""
    days = 1
    if _one(event, "DTEND") is not None:
        days = (_whole_day(event, "DTEND") - start).days or 1  # some write the same day twice
    elif _one(event, "DURATION") is not None:
        lasts = _value(event, "DURATION")
        days = lasts.days if isinstance(lasts, timedelta) else 0
    if days < 1:
        raise _Refused("ends_before", "It ends before it begins.")
    if days > LONGEST_DAYS:
        raise _Refused("too_long", f"It lasts {days} days. A holiday lasts at most {LONGEST_DAYS}.")
    return days


def _starts(event: Any, start: date, first: date, last: date, walk: _Walk) -> Iterator[date]:
    """When it begins: once, or each time that it comes again."""
    if _one(event, "RDATE") is not None:
        raise _Refused("unknown_rule", "It comes again by a list of dates (RDATE). Enter those by hand.")
    rule = _one(event, "RRULE")
    if rule is None:
        return iter([start])
    if isinstance(event.get("RRULE"), list):
        raise _Refused("unknown_rule", "It has several rules by which it comes again.")
    if not isinstance(rule, Mapping) or [str(one).upper() for one in rule.get("FREQ", [])] != ["YEARLY"]:
        raise _Refused("not_yearly", "It does not come again every year. Only such rules are read.")
    if any(not isinstance(one, int) or one < 1 for one in rule.get("INTERVAL", [])):
        raise _Refused("unknown_rule", "The INTERVAL of its rule is less than a year.")
    strange = sorted({str(part).upper() for part in rule} - RULE_PARTS)
    if strange:
        raise _Refused("unknown_rule", f"Its rule has {', '.join(strange)[:100]}, which is not for whole days.")
    return iter(_again(rule, start, first, last, walk) - _left_out(event))


def _again(rule: Any, start: date, first: date, last: date, walk: _Walk) -> set[date]:
    text = ";".join(part for part in rule.to_ical().decode().split(";") if not part.upper().startswith("UNTIL="))
    until = [one.date() if isinstance(one, datetime) else one for one in rule.get("UNTIL", [])]
    last = min([last, *(one for one in until if isinstance(one, date))])
    try:
        every = rrulestr(text, dtstart=datetime.combine(start, time.min))
        found = set()
        for at in every:
            walk.step()
            if at.date() > last:
                break
            if at.date() >= first:
                found.add(at.date())
    except (ValueError, TypeError, OverflowError) as error:
        raise _Refused("unknown_rule", f"Its rule cannot be read: {str(error)[:100]}.") from None
    return found


def _left_out(event: Any) -> set[date]:
    """Dates of EXDATE; there may be several of those."""
    lists = event.get("EXDATE") or []
    values = [each.dt for one in (lists if isinstance(lists, list) else [lists]) for each in getattr(one, "dts", [])]
    return {one.date() if isinstance(one, datetime) else one for one in values if isinstance(one, date)}


def _one(event: Any, name: str) -> Any:
    """The first where there are several, though there may be one only."""
    value = event.get(name)
    return (value[0] if value else None) if isinstance(value, list) else value


def _value(event: Any, name: str) -> Any:
    """None too where it cannot be read."""
    try:
        return getattr(_one(event, name), "dt", None)
    except (ValueError, AttributeError):
        return None


def _text(event: Any, name: str) -> str:
    return " ".join(str(_one(event, name) or "").replace("\0", " ").split())
