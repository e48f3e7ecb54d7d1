"""Window: a shift on one date, as moments; right on days of 23 and 25 hours."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cached_property
from typing import Literal

from server.attendance.moments import MINUTE, instant, moment
from server.attendance.shift import Kind, Shift, Span, Step, zone_of

Half = Literal["first", "second"]
Stretch = tuple[int, int]  # from one moment to another (`moments.micros`)


@dataclass(frozen=True)
class Window:
    """When a shift is worked that starts on `date`. Entries from `opens` to `closes` may belong to it."""

    date: date
    shift: Shift
    start: int
    end: int
    parts: tuple[Stretch, ...]  # one, unless the shift is split
    breaks: tuple[Stretch, ...]
    core: Stretch | None
    opens: int
    closes: int

    @property
    def starts_at(self) -> datetime:
        return moment(self.start)

    @property
    def ends_at(self) -> datetime:
        return moment(self.end)

    @cached_property
    def between(self) -> tuple[Stretch, ...]:
        """The times of one's own between the parts of a split shift."""
        return tuple((one[1], two[0]) for one, two in zip(self.parts, self.parts[1:], strict=False))

    @cached_property
    def flexible(self) -> bool:
        """Whether it is worked anywhere between start and end."""
        return self.shift.kind is Kind.FLEXIBLE

    @cached_property
    def free_choice(self) -> bool:
        """Whether nobody can be late for it: flexible, without core hours."""
        return self.flexible and self.core is None

    @cached_property
    def rounds(self) -> bool:
        """Whether any time of it is rounded."""
        return self.shift.round_in.step is not Step.NONE or self.shift.round_out.step is not Step.NONE

    def expected(self, leave: Half | None = None) -> tuple[Stretch, ...]:
        """When somebody is expected, who may be on leave for one half of it: in all parts, or in the core hours.

        A split shift of two parts has one in each half; any other is halved in the middle of its time.
        """
        if leave is None:
            return self.parts if self.core is None else (self.core,)
        if len(self.parts) > 1:
            middle = len(self.parts) // 2
            return self.parts[middle:] if leave == "first" else self.parts[:middle]
        start, end = self.core or self.parts[0]
        middle = self.start + (self.end - self.start) // 2
        if leave == "first":
            return ((max(start, min(middle, end)), end),)
        return ((start, min(end, max(middle, start))),)


def window_of(shift: Shift, day: date) -> Window:
    """The shift that starts on that date, whatever its days of the week are.

    Every time of it is looked up on the clocks of that date, so that it is an hour shorter or longer where they are
    changed in between. Where a change swallows it whole, nothing of it remains, and it ends as it starts.
    """
    zone = zone_of(shift.timezone)
    start = instant(day, shift.start, zone)

    def at(clock: time, *, ends: bool) -> int:
        next_day = clock < shift.start or (ends and clock == shift.start)
        return max(start, instant(day + timedelta(days=next_day), clock, zone))

    def stretch(span: Span) -> Stretch:
        begins = at(span.start, ends=False)
        return begins, max(begins, at(span.end, ends=True))

    end = at(shift.end, ends=True)
    parts = tuple(stretch(part) for part in shift.parts) if shift.kind is Kind.SPLIT else ((start, end),)
    return Window(
        date=day,
        shift=shift,
        start=start,
        end=end,
        parts=parts,
        breaks=tuple(stretch(one) for one in shift.breaks),
        core=stretch(shift.core) if shift.core else None,
        opens=start - shift.opens_minutes * MINUTE,
        closes=end + shift.closes_minutes * MINUTE,
    )
