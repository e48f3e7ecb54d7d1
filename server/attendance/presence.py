"""Presence: the stretches of time that the entries of one working day make, and what of them is work and break."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from server.attendance.assign import Taken
from server.attendance.day import Mark
from server.attendance.moments import MINUTE, offset
from server.attendance.shift import Pairing, Shift, zone_of
from server.attendance.window import Stretch, Window


@dataclass(slots=True)
class Presence:
    """From each coming to its going; `open` is a coming that nobody has gone after."""

    stretches: list[Stretch] = field(default_factory=list)
    open: int | None = None
    first_in: Taken | None = None
    last_out: Taken | None = None
    marks: set[Mark] = field(default_factory=set)
    starts_unknown: bool = False  # somebody went before anybody came


def paired(taken: Sequence[Taken], pairing: Pairing, same_out: int) -> Presence:
    """What the entries of a working day say, in order of time.

    Checked in while in: the first counts. Checked out while out: within `same_out` of the last check-out it is the
    same going, and the later one counts; otherwise a check-in is missing, and the time before it is not known.
    """
    found = Presence()
    for one in taken:
        if one.is_in:
            if found.first_in is None:
                found.first_in = one
            if found.open is None:
                found.open = one.at
            else:
                found.marks.add(Mark.DUPLICATE_IN)
            continue
        _go(found, one, same_out)
        found.last_out = one
    if pairing is Pairing.FIRST_LAST and found.first_in is not None:
        _only_first_and_last(found)
    return found


def _go(found: Presence, one: Taken, same_out: int) -> None:
    if found.open is not None:
        found.stretches.append((found.open, one.at))
        found.open = None
    elif found.last_out is not None and one.at - found.last_out.at <= same_out:
        found.marks.add(Mark.DUPLICATE_OUT)
        if found.stretches and found.stretches[-1][1] == found.last_out.at:
            found.stretches[-1] = (found.stretches[-1][0], one.at)
    else:
        found.marks.add(Mark.MISSING_IN)
        found.starts_unknown = found.starts_unknown or found.first_in is None


def _only_first_and_last(found: Presence) -> None:
    """Nothing between the first check-in and the last check-out matters; who came again after it is still there."""
    first, last = found.first_in, found.last_out
    if first is None:
        return
    found.marks -= {Mark.DUPLICATE_IN, Mark.DUPLICATE_OUT}
    if not found.starts_unknown:
        found.marks.discard(Mark.MISSING_IN)
    if found.open is not None:
        found.stretches, found.open = [], first.at
    elif last is not None:
        found.stretches = [(first.at, last.at)]


class Sums(NamedTuple):
    """Microseconds of a working day."""

    presence: int
    worked: int
    rest: int


def sums(stretches: Sequence[Stretch], window: Window | None) -> Sums:
    """Work and break. A shift's break is taken off as far as the entries do not show it.

    Being out within the shift is a break; before its start and after its end it is time of one's own. So it is between
    the parts of a split one, where who goes before the end of a part has gone early instead. Without a shift every
    time between two stretches is a break.
    """
    if not stretches:
        return Sums(0, 0, 0)
    total = 0
    for start, end in stretches:
        total += end - start
    presence = stretches[-1][1] - stretches[0][0]
    if len(stretches) == 1:
        gaps = 0
    elif window is None:
        gaps = presence - total
    else:
        gaps = _gaps(stretches, window.parts)
    if window is None:
        return Sums(presence, total, gaps)
    shift = window.shift
    taken_off = overlap(stretches, window.breaks) if window.breaks else 0
    if shift.break_minutes and total + gaps >= shift.break_after_minutes * MINUTE:
        taken_off = max(taken_off, shift.break_minutes * MINUTE - gaps)
    taken_off = min(taken_off, total)
    return Sums(presence, total - taken_off, gaps + taken_off)


def _gaps(stretches: Sequence[Stretch], parts: Sequence[Stretch]) -> int:
    first, last = parts[0]
    found, gone = 0, stretches[0][1]
    for comes, goes in stretches[1:]:
        if len(parts) > 1:
            if any(start <= gone and comes <= end for start, end in parts):
                found += comes - gone
        else:
            within = (comes if comes < last else last) - (gone if gone > first else first)
            if within > 0:
                found += within
        gone = goes
    return found


def counted(stretches: Sequence[Stretch], window: Window) -> Sequence[Stretch]:
    """The stretches for which is paid: rounded, and without times of one's own that nobody checked out for."""
    if window.rounds:
        stretches = _rounded(stretches, window.shift)
    if len(window.parts) == 1:
        return stretches
    for start, end in window.between:
        stretches = [
            piece
            for one in stretches
            for piece in (((one[0], start), (end, one[1])) if one[0] <= start and end <= one[1] else (one,))
        ]
    return stretches


def _rounded(stretches: Sequence[Stretch], shift: Shift) -> list[Stretch]:
    zone = zone_of(shift.timezone)
    found: list[Stretch] = []
    for start, end in stretches:
        comes = shift.round_in.of(start, offset(start, zone))
        if found:
            comes = max(comes, found[-1][1])
        found.append((comes, max(comes, shift.round_out.of(end, offset(end, zone)))))
    return found


def overlap(ones: Iterable[Stretch], others: Sequence[Stretch]) -> int:
    """How long any of the ones lies within any of the others; neither overlap among themselves."""
    found = 0
    for start, end in ones:
        for other_start, other_end in others:
            found += max(0, min(end, other_end) - max(start, other_start))
    return found
