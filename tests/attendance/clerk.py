"""Reads the lines of timesheets.txt: a shift, what happened at the door, and the day that a clerk made of it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from server.attendance.day import Day
from server.attendance.days import MARGIN_DAYS, Leave, Pays, Rules, Timesheet
from server.attendance.entry import Entry
from server.attendance.schedule import Plan, Roster, Rotation, Schedule
from server.attendance.shift import Closing, Kind, Overtime, Pairing, Rounding, Shift, Span, Step

MONDAY = date(2026, 3, 2)
TABLE = Path(__file__).with_name("timesheets.txt")
_SPAN = re.compile(r"\d\d:\d\d-\d\d:\d\d(\+\d\d:\d\d-\d\d:\d\d)*$")
_SHIFT_NUMBERS = {
    "break": "break_minutes", "break-after": "break_after_minutes", "grace": "grace_late_minutes",
    "grace-early": "grace_early_minutes", "least": "least_minutes", "half": "half_day_minutes",
    "opens": "opens_minutes", "closes": "closes_minutes", "required": "required_minutes",
}  # fmt: skip
_OVERTIME_NUMBERS = {
    "overtime-after": "after_minutes", "overtime-least": "least_minutes", "overtime-limit": "limit_minutes",
}  # fmt: skip
_FIGURES = {
    "worked": "worked_minutes", "break": "break_minutes", "late": "late_minutes", "early": "early_minutes",
    "overtime": "overtime_minutes",
}  # fmt: skip


@dataclass
class Line:
    """A line, read."""

    title: str
    sheet: Timesheet
    rules: Rules
    now: datetime | None
    expected: list[str]


@dataclass
class _Plan:
    """What the second column says, while it is read."""

    day: date = MONDAY
    zone: str = "UTC"
    shifts: list[dict[str, Any]] = field(default_factory=list)
    shared: dict[str, Any] = field(default_factory=dict)
    overtime: dict[str, Any] = field(default_factory=dict)
    rules: dict[str, Any] = field(default_factory=dict)
    leave: list[Leave] = field(default_factory=list)
    holidays: set[date] = field(default_factory=set)
    now: str | None = None


def lines() -> list[Line]:
    """Every line of the table."""
    found = [text for text in TABLE.read_text().splitlines() if text.strip() and not text.startswith("#")]
    return [read(text) for text in found]


def read(text: str) -> Line:
    title, planned, door, expected = (part.strip() for part in text.split("|"))
    plan = _planned(planned.split())
    rows = [" ".join(row.split()) for row in expected.split(";")]
    zone = ZoneInfo(plan.zone)
    last = plan.day if len(plan.shifts) > 1 or "unassigned" in rows[-1] else plan.day + timedelta(days=len(rows) - 1)
    sheet = Timesheet(
        "anna", plan.day, last, plan.zone, tuple(_entries(door.split(), plan.day, zone)), _roster(plan, last),
        frozenset(plan.holidays), tuple(plan.leave),
    )  # fmt: skip
    now = None if plan.now is None else at(plan.now, plan.day, zone)
    return Line(title, sheet, Rules(**plan.rules), now, rows)


def at(text: str, day: date, zone: ZoneInfo) -> datetime:
    """The moment of `06:00+1` or `02:30b`."""
    clock, _, later = text.partition("+")
    fold = int(clock.endswith("b"))
    local = datetime.combine(day + timedelta(days=int(later or 0)), time.fromisoformat(clock.removesuffix("b")), zone)
    return local.replace(fold=fold).astimezone(UTC)


def told(day: Day) -> str:
    """A day as the last column says it."""
    words = [day.status.value]
    words += [f"{word} {getattr(day, name)}" for word, name in _FIGURES.items() if getattr(day, name)]
    return " ".join([*words, *sorted(mark.value.replace("_", "-") for mark in day.marks)])


def in_words_order(row: str) -> str:
    """An expectation with its figures and marks in the order in which `told` has them."""
    words = row.split()
    status, rest = words[0], words[1:]
    figures = {word: rest[n + 1] for n, word in enumerate(rest) if word in _FIGURES}
    marks = sorted(word for word in rest if word not in _FIGURES and not word.isdigit())
    return " ".join([status, *(f"{word} {figures[word]}" for word in _FIGURES if word in figures), *marks])


def _entries(words: list[str], day: date, zone: ZoneInfo) -> Iterator[Entry]:
    for n in range(0, len(words), 2):
        kind, moment = words[n], at(words[n + 1], day, zone)
        name = f"{kind} {words[n + 1]}"
        yield Entry(name, moment, "out" if kind == "out" else "in", guessed=kind == "see")


def _planned(words: list[str]) -> _Plan:
    plan, rest = _Plan(), iter(words)
    for word in rest:
        _word(plan, word, rest)
    return plan


def _word(plan: _Plan, word: str, rest: Iterator[str]) -> None:  # noqa: C901  one branch for each word of the table
    if re.fullmatch(r"\d{4}-\d\d-\d\d", word):
        plan.day = date.fromisoformat(word)
    elif "/" in word:
        plan.zone = word
    elif _SPAN.match(word):
        plan.shifts.append(_times(word))
    elif word in _SHIFT_NUMBERS:
        plan.shared[_SHIFT_NUMBERS[word]] = int(next(rest))
    elif word in _OVERTIME_NUMBERS:
        plan.overtime[_OVERTIME_NUMBERS[word]] = int(next(rest))
    elif word == "overtime-early":
        plan.overtime["early_counts"] = True
    elif word in ("round-in", "round-out"):
        plan.shared[word.replace("-", "_")] = Rounding(Step(next(rest)), int(next(rest)))
    elif word == "break-at":
        plan.shared["breaks"] = (Span.of(next(rest)),)
    elif word == "days":
        plan.shared["days"] = frozenset(int(one) for one in next(rest))
    elif word == "flexible":
        plan.shared["kind"] = Kind.FLEXIBLE
    elif word == "core":
        plan.shared["core"] = Span.of(next(rest))
    elif word == "first-last":
        plan.shared["pairing"] = Pairing.FIRST_LAST
    elif word == "close":
        plan.shared["closing"] = Closing(next(rest))
    elif word == "longest":
        plan.rules["longest_minutes"] = int(next(rest))
    elif word in ("holiday-pays", "off-pays"):
        plan.rules["holiday" if word == "holiday-pays" else "off_day"] = Pays(next(rest))
    elif word == "holiday":
        plan.holidays.add(plan.day)
    elif word in ("leave", "leave-first", "leave-second"):
        half: Any = word.partition("-")[2] or None
        plan.leave.append(Leave(plan.day, plan.day, "annual", half))
    elif word == "now":
        plan.now = next(rest)
    elif word not in ("&", "unplanned"):
        raise ValueError(word)


def _times(word: str) -> dict[str, Any]:
    parts = tuple(Span.of(part) for part in word.split("+"))
    times: dict[str, Any] = {"start": parts[0].start, "end": parts[-1].end}
    return times | ({"parts": parts, "kind": Kind.SPLIT} if len(parts) > 1 else {})


def _roster(plan: _Plan, last: date) -> Plan:
    if not plan.shifts:
        return Plan()
    shared = plan.shared | {"timezone": plan.zone, "overtime": Overtime(**plan.overtime)}
    shifts = [Shift(str(n), "shift", **(shared | times)) for n, times in enumerate(plan.shifts)]
    works = shifts[0] if len(shifts) == 1 else Rotation(plan.day, (tuple(shifts),))
    roster = Roster([Schedule("s", works, date(2020, 1, 1), datetime(2020, 1, 1, tzinfo=UTC))])
    margin = timedelta(days=MARGIN_DAYS)
    return roster.plan("anna", None, plan.day - margin, last + margin)
