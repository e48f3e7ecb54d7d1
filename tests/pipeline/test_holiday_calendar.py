"""Holidays from iCalendar files: good ones, bad ones, and any at all."""

from contextlib import suppress
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.errors import Invalid
from server.pipeline import holiday_calendar
from server.pipeline.holiday_calendar import LONGEST_NAME, Found, Left, holidays_in

FIRST, LAST = date(2025, 1, 1), date(2031, 12, 31)


def calendar(*events: str) -> bytes:
    """Of events whose lines are separated by blanks; in a name a blank is `_`."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0"]
    for event in events:
        lines += ["BEGIN:VEVENT", *(line.replace("_", " ") for line in event.split()), "END:VEVENT"]
    return "\r\n".join([*lines, "END:VCALENDAR", ""]).encode()


def read(*events: str) -> tuple[list[Found], list[Left]]:
    return holidays_in(calendar(*events), FIRST, LAST)


def dates(*events: str) -> list[str]:
    found, left = read(*events)
    assert left == []
    return [one.date.isoformat() for one in found]


def refused(event: str) -> tuple[str, int]:
    found, (left,) = read("SUMMARY:Before DTSTART;VALUE=DATE:20260101", event)
    assert len(found) == 1
    return left.code, left.line


def test_a_whole_day() -> None:
    """With its name, as it is written, and the line of its event."""
    found, left = read("SUMMARY:New_Year\\,_everywhere DTSTART;VALUE=DATE:20260101 DTEND;VALUE=DATE:20260102")
    assert (found, left) == ([Found(3, "New Year, everywhere", date(2026, 1, 1))], [])
    assert dates("SUMMARY:x DTSTART;VALUE=DATE:20260101") == ["2026-01-01"]
    assert dates("SUMMARY:x DTSTART;VALUE=DATE:20260101 DTEND;VALUE=DATE:20260101") == ["2026-01-01"]
    assert dates("SUMMARY:long_ago DTSTART;VALUE=DATE:19990101") == ["1999-01-01"]


def test_several_days() -> None:
    """Up to the day before its end."""
    wanted = ["2026-12-30", "2026-12-31", "2027-01-01"]
    assert dates("SUMMARY:x DTSTART;VALUE=DATE:20261230 DTEND;VALUE=DATE:20270102") == wanted
    assert dates("SUMMARY:x DTSTART;VALUE=DATE:20261230 DURATION:P3D") == wanted


@pytest.mark.parametrize(
    ("rule", "wanted"),
    [
        ("DTSTART;VALUE=DATE:20100501 RRULE:FREQ=YEARLY", [f"{year}-05-01" for year in range(2025, 2032)]),
        ("DTSTART;VALUE=DATE:20240229 RRULE:FREQ=YEARLY", ["2028-02-29"]),
        ("DTSTART;VALUE=DATE:20260101 RRULE:FREQ=YEARLY;COUNT=2", ["2026-01-01", "2027-01-01"]),
        ("DTSTART;VALUE=DATE:20260101 RRULE:FREQ=YEARLY;UNTIL=20280101", ["2026-01-01", "2027-01-01", "2028-01-01"]),
        ("DTSTART;VALUE=DATE:20260101 RRULE:FREQ=YEARLY;UNTIL=20270101T000000Z", ["2026-01-01", "2027-01-01"]),
        ("DTSTART;VALUE=DATE:20260101 RRULE:FREQ=YEARLY;INTERVAL=4", ["2026-01-01", "2030-01-01"]),
        ("DTSTART;VALUE=DATE:20291122 RRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=4TH", ["2029-11-22", "2030-11-28",
                                                                              "2031-11-27"]),
        ("DTSTART;VALUE=DATE:20291226 DURATION:P2D RRULE:FREQ=YEARLY EXDATE;VALUE=DATE:20301226",
         ["2029-12-26", "2029-12-27", "2031-12-26", "2031-12-27"]),
    ],
)  # fmt: skip
def test_what_comes_every_year(rule: str, wanted: list[str]) -> None:
    """Between the dates that are wanted, whenever it began."""
    assert dates(f"SUMMARY:x {rule}") == wanted


@pytest.mark.parametrize(
    ("event", "code"),
    [
        ("DTSTART;VALUE=DATE:20260101", "no_name"),
        (f"SUMMARY:{'x' * (LONGEST_NAME + 1)} DTSTART;VALUE=DATE:20260101", "name_too_long"),
        ("SUMMARY:x", "no_date"),
        ("SUMMARY:x DTSTART;VALUE=DATE:2026", "no_date"),
        ("SUMMARY:x DTSTART:20260101T100000Z", "not_a_whole_day"),
        ("SUMMARY:x DTSTART;VALUE=DATE:20260101 DTEND:20260102T000000Z", "not_a_whole_day"),
        ("SUMMARY:x DTSTART;VALUE=DATE:20260102 DTEND;VALUE=DATE:20260101", "ends_before"),
        ("SUMMARY:x DTSTART;VALUE=DATE:20260101 DURATION:PT1H", "ends_before"),
        ("SUMMARY:x DTSTART;VALUE=DATE:20260101 DTEND;VALUE=DATE:20260301", "too_long"),
        ("SUMMARY:x DTSTART;VALUE=DATE:20260101 STATUS:CANCELLED", "cancelled"),
        ("SUMMARY:x DTSTART;VALUE=DATE:20260101 RECURRENCE-ID;VALUE=DATE:20260102", "moved"),
        ("SUMMARY:x DTSTART;VALUE=DATE:20260101 RRULE:FREQ=DAILY", "not_yearly"),
        ("SUMMARY:x DTSTART;VALUE=DATE:20260101 RRULE:FREQ=SECONDLY", "not_yearly"),
        ("SUMMARY:x DTSTART;VALUE=DATE:20260101 RRULE:COUNT=3", "not_yearly"),
        ("SUMMARY:x DTSTART;VALUE=DATE:20260101 RRULE:FREQ=YEARLY;BYSECOND=1,2,3", "unknown_rule"),
        ("SUMMARY:x DTSTART;VALUE=DATE:20260101 RRULE:FREQ=YEARLY;INTERVAL=0", "unknown_rule"),
        ("SUMMARY:x DTSTART;VALUE=DATE:20260101 RRULE:FREQ=YEARLY RRULE:FREQ=YEARLY;BYMONTH=3", "unknown_rule"),
        ("SUMMARY:x DTSTART;VALUE=DATE:20260101 RDATE;VALUE=DATE:20260601", "unknown_rule"),
        ("SUMMARY:x DTSTART;VALUE=DATE:20000101 RRULE:FREQ=YEARLY;COUNT=2", "never"),
        ("SUMMARY:x DTSTART;VALUE=DATE:20260101 RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "never"),
    ],
)  # fmt: skip
def test_what_is_no_holiday(event: str, code: str) -> None:
    """Is told with its line and a reason, and the rest counts."""
    assert refused(event) == (code, 7)


@pytest.mark.parametrize(
    "content",
    [
        b"", b"hello", b"\xff\xd8\xff\xe0", b"PK\x03\x04" + b"\0" * 50, b"BEGIN:VEVENT\r\nSUMMARY:x\r\nEND:VEVENT\r\n",
        b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n", b"<html>not: here</html>", b"BEGIN:VCALENDAR\r\n" * 3000,
    ],
)  # fmt: skip
def test_what_is_no_calendar(content: bytes) -> None:
    """Is said, naming the field."""
    with pytest.raises(Invalid) as found:
        holidays_in(content, FIRST, LAST)
    assert (found.value.details[0].field, found.value.details[0].code) == ("file", "not_a_calendar")


def test_too_much_of_a_calendar(monkeypatch: pytest.MonkeyPatch) -> None:
    """Events, days, rules that never come, and rules that come too often."""
    monkeypatch.setattr(holiday_calendar, "MOST_EVENTS", 3)
    monkeypatch.setattr(holiday_calendar, "MOST_DATES", 10)
    monkeypatch.setattr(holiday_calendar, "MOST_EMPTY_RULES", 1)
    monkeypatch.setattr(holiday_calendar, "MOST_WALKED", 500)
    every = "SUMMARY:x DTSTART;VALUE=DATE:"
    for events in (
        [f"{every}20260101"] * 4, [f"{every}20260101 DURATION:P6D"] * 2,
        [f"{every}20000101 RRULE:FREQ=YEARLY;COUNT=1"] * 2,
        [f"{every}20000101 RRULE:FREQ=YEARLY;BYMONTHDAY=1,2,3,4,5,6,7,8,9"],
    ):  # fmt: skip
        with pytest.raises(Invalid) as found:
            read(*events)
        assert found.value.details[0].code == "too_many"


WORDS = st.sampled_from([
    "SUMMARY:x", "SUMMARY;LANGUAGE=de:y", "DTSTART;VALUE=DATE:20260101", "DTSTART:20260101", "DTSTART:99991231",
    "DTEND;VALUE=DATE:20260104", "DTEND:00010101", "DURATION:P2W", "DURATION:-P1D", "DURATION:x", "RRULE:FREQ=YEARLY",
    "RRULE:x", "RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3", "RRULE:FREQ=YEARLY;UNTIL=x", "RRULE:FREQ=YEARLY;BYSETPOS=0",
    "RRULE:FREQ=YEARLY;COUNT=-1", "RRULE:FREQ=YEARLY;INTERVAL=99999", "RRULE:FREQ=YEARLY;FREQ=DAILY", "EXDATE:x",
    "EXDATE;VALUE=DATE:20270101,20280101", "EXDATE:20270101T000000Z", "BEGIN:VALARM", "END:VALARM", "BEGIN:VEVENT",
    "END:VEVENT", "END:VCALENDAR", "STATUS:CONFIRMED", "X-FOO;BAR=1:2", ":", ";", "SUMMARY",
    "DTSTART;TZID=x:20260101T1",
])  # fmt: skip


@settings(max_examples=200, deadline=timedelta(seconds=5))
@given(st.lists(st.lists(WORDS | st.text(max_size=20), max_size=6).map(" ".join), max_size=3))
def test_whatever_is_sent(events: list[str]) -> None:
    """Is read or refused, and every day has a name and a line."""
    found, left = list[Found](), list[Left]()
    with suppress(Invalid):
        found, left = holidays_in(calendar(*events), FIRST, LAST)
    assert all(one.name and len(one.name) <= LONGEST_NAME for one in found)
    assert all(one.reason and one.code for one in left)
