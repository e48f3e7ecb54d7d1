"""What a working day was against its shift: how late, how early gone, how much overtime."""

from collections.abc import Sequence
from typing import NamedTuple

from server.attendance.moments import minutes
from server.attendance.presence import overlap
from server.attendance.window import Half, Stretch, Window

_EVER = 1 << 62


class Judged(NamedTuple):
    """One window with somebody in it.

    `stretches` are as they were, `paid` as they count; `expected` is empty on holidays and on leave. An end is unknown
    where nobody checked out, or not yet.
    """

    window: Window
    stretches: Sequence[Stretch]
    paid: Sequence[Stretch]
    expected: tuple[Stretch, ...]
    worked: int  # minutes
    half: Half | None
    now: int | None
    last_out: int | None
    starts_unknown: bool
    ends_unknown: bool
    carried: bool  # was there from the shift before, so not late


def late(day: Judged) -> int:
    """Minutes from the start of each expected part to the coming. Within the grace none, beyond it all of them.

    Whole minutes are compared with the grace: with five minutes of it, 09:05:59 is not late for 09:00.
    """
    if day.starts_unknown or day.carried or not day.expected or not day.stretches or day.window.free_choice:
        return 0
    shift, found = day.window.shift, 0
    for part in day.expected:
        there = _within(day, day.stretches, part)
        if there:
            found += _beyond(there[0][0] - part[0], part, shift.grace_late_minutes)
        elif day.stretches[0][0] > part[1]:
            found += minutes(part[1] - part[0])
    return found


def early(day: Judged) -> int:
    """Minutes from the going to the end of each expected part; or what is missing of the minutes that are required."""
    if day.ends_unknown or not day.expected:
        return 0
    shift, found = day.window.shift, 0
    stretches = day.stretches
    if day.last_out is not None and (not stretches or day.last_out > stretches[-1][1]):
        stretches = [*stretches, (day.last_out, day.last_out)]  # went then, whenever the coming was
    for part in () if day.window.free_choice else day.expected:
        if day.now is not None and day.now < part[1]:
            break  # may come back
        there = _within(day, stretches, part)
        if there:
            found += _beyond(part[1] - there[-1][1], part, shift.grace_early_minutes)
        elif stretches and stretches[0][0] <= part[1]:
            found += minutes(part[1] - part[0])
    if shift.required_minutes is not None and not (day.now is not None and day.now < day.window.end):
        required = shift.required_minutes if day.half is None else shift.required_minutes // 2
        short = required - day.worked
        found = max(found, short if short > shift.grace_early_minutes else 0)
    return found


def overtime(day: Judged) -> int:
    """Minutes by the rule of the shift; never more than were worked."""
    shift, rule = day.window.shift, day.window.shift.overtime
    after = rule.after_minutes if rule.after_minutes is not None else shift.required_minutes
    if after is not None:
        return rule.of(max(0, day.worked - after))
    if not day.paid:
        return 0
    parts = day.expected if day.expected and not day.window.flexible else day.window.parts
    start, end = parts[0][0], parts[-1][1]
    found = overlap(day.paid, ((end, _EVER),)) if day.paid[-1][1] > end else 0
    if rule.early_counts:
        found += overlap(day.paid, ((-_EVER, start),))
    return rule.of(min(minutes(found), day.worked)) if found else 0


def _within(day: Judged, stretches: Sequence[Stretch], part: Stretch) -> Sequence[Stretch]:
    """The stretches by which a part is judged: where there is one part, all of them."""
    if len(day.expected) == 1:
        return stretches
    return [one for one in stretches if one[0] <= part[1] and one[1] >= part[0]]


def _beyond(span: int, part: Stretch, grace: int) -> int:
    """Whole minutes of a span, at most those of the part; none within the grace."""
    if span <= 0:
        return 0
    found = minutes(min(span, part[1] - part[0]))
    return found if found > grace else 0
