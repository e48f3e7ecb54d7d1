"""When a report is due and which dates it is of: the clocks of its zone, over both of their changes. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from typing import Literal
from zoneinfo import ZoneInfo

Frequency = Literal["daily", "weekly", "monthly"]
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)
LONGEST_DAYS = 40  # between two moments of any schedule, and some


@dataclass(frozen=True, slots=True)
class Rule:
    """Every day, on a day of the week (Monday is 1) or on a day of the month, when the clocks of the zone show this."""

    frequency: Frequency
    clock: time
    zone: ZoneInfo
    weekday: int | None = None
    month_day: int | None = None

    def has(self, day: date) -> bool:
        """Whether it is due on that date. A month that has no such day has it on its last."""
        if self.frequency == "weekly":
            return day.isoweekday() == self.weekday
        if self.frequency == "monthly":
            return day.day == min(self.month_day or 1, _last_of(day).day)
        return True


def moment_of(day: date, clock: time, zone: ZoneInfo) -> datetime:
    """The first moment at which clocks show this. Where they jump over it, the moment of the jump."""
    wall = datetime.combine(day, clock)
    first = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if first.astimezone(zone).replace(tzinfo=None) == wall:
        return first
    # It does not come. By the offset from before the jump it is after it, and by the other one before it.
    before, after = wall.replace(tzinfo=zone, fold=1).astimezone(UTC), first
    offset = after.astimezone(zone).utcoffset()
    while after - before > SECOND:
        middle = before + (after - before) // 2
        if middle.astimezone(zone).utcoffset() == offset:
            after = middle
        else:
            before = middle
    return after.replace(microsecond=0)


def next_due(rule: Rule, after: datetime) -> datetime:
    """The first moment of the schedule after that one."""
    return next(at for _, at in _moments(rule, after) if at > after)


def latest_due(rule: Rule, first: datetime, now: datetime) -> tuple[date, datetime]:
    """The last moment of the schedule up to now, of which `first` is one, and the date that it is of: where clocks jump
    over midnight, the moment is on the next one. What was missed before is left out."""
    day, latest = first.astimezone(rule.zone).date(), first
    for of, at in _moments(rule, max(first, now - timedelta(days=LONGEST_DAYS))):
        if at > now:
            break
        if at >= latest:
            day, latest = of, at
    return day, latest


def period_of(frequency: Frequency, today: date) -> tuple[date, date]:
    """The latest whole one before that date: the day, the week from Monday to Sunday, or the month before."""
    if frequency == "daily":
        return today - DAY, today - DAY
    if frequency == "weekly":
        monday = today - timedelta(days=today.weekday())
        return monday - 7 * DAY, monday - DAY
    last = today.replace(day=1) - DAY
    return last.replace(day=1), last


def _moments(rule: Rule, around: datetime) -> Iterator[tuple[date, datetime]]:
    """Every date that it is due on, with its moment, from two days before that moment on."""
    began = around.astimezone(rule.zone).date() - 2 * DAY
    for number in count():
        day = began + number * DAY
        if rule.has(day):
            yield day, moment_of(day, rule.clock, rule.zone)


def _last_of(day: date) -> date:
    return (day.replace(day=28) + 4 * DAY).replace(day=1) - DAY
