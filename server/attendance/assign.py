"""To which working day each entry belongs: one window of the plan, or a date on which nothing was planned."""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from server.attendance.entry import Entry
from server.attendance.moments import HOUR, instant, local_day, micros, moment
from server.attendance.schedule import Plan
from server.attendance.shift import Pairing
from server.attendance.window import Window

_MIDNIGHT = datetime.min.time()
_FAR_DAYS = 4  # no working day lasts longer
_HANDOVER = HOUR  # so much nearer another window must be for an entry of a guessed direction to leave the open one

Owner = int | date  # the place of a window in the plan, or a date


class Taken(NamedTuple):
    """An entry with its moment as a number, and the direction that counts."""

    at: int
    is_in: bool
    entry: Entry


@dataclass(slots=True)
class Assigned:
    """The entries of each window, by its place in the plan, and of each date, in the order of time."""

    windows: dict[int, list[Taken]] = field(default_factory=dict)
    dates: dict[date, list[Taken]] = field(default_factory=dict)

    def of(self, owner: Owner) -> list[Taken]:
        if isinstance(owner, int):
            return self.windows.setdefault(owner, [])
        return self.dates.setdefault(owner, [])


def assign(entries: Iterable[Entry], plan: Plan, zone: ZoneInfo, *, longest: int, pairing: Pairing) -> Assigned:
    """Gives every entry to exactly one day. `entries` are in order, `longest` in microseconds.

    A check-out goes where the check-in before it went, if that is no longer ago than the longest presence or its shift
    is not over. Any other entry goes to the nearest window among those whose check-in window it is in; without one, to
    its date in `zone`.
    A guessed direction alternates within its working day, and closes what is open unless another window is nearer by
    more than an hour; where only the first and the last of a day count (`pairing`), the first one comes in and all
    others go out. `pairing` is that of dates without a window.
    """
    found = Assigned()
    windows, borders = plan.windows, plan.borders
    place, last_place = 0, len(borders)
    open_at: int | None = None
    owner: Owner
    open_owner: Owner = 0
    held: Owner = 0
    taken: list[Taken] | None = None
    for entry in entries:
        at = micros(entry.at)
        while place < last_place and at >= borders[place]:
            place += 1
        is_in = entry.direction == "in"
        still_open = open_at is not None and (at - open_at <= longest or _lasts(windows, open_owner, at))
        if entry.guessed:
            nearest = _nearest(windows, place, at)
            is_in = not (still_open and _closes(windows, open_owner, nearest, at))
            owner = open_owner if not is_in else _owner(nearest, at, zone)
            if is_in and found.of(owner) and _pairing(windows, owner, pairing) is Pairing.FIRST_LAST:
                is_in = False
        elif still_open and not is_in:
            owner = open_owner
        else:
            owner = _owner(_nearest(windows, place, at), at, zone)
        if owner != held or taken is None:
            taken, held = found.of(owner), owner
        taken.append(Taken(at, is_in, entry))
        open_at, open_owner = (at if is_in else None), owner
    return found


def working_day(at: datetime, plan: Plan, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """From when until before when somebody's entries are of the same working day as one at `at`.

    Over midnight where the shift is; without one it is the date in `zone`, as far as no window reaches into it.
    """
    stamp = micros(at)
    day = local_day(stamp, zone)
    # Nothing changes between two of these: an owner ends at a midnight, or where a window begins to reach or ends.
    turns = {instant(day + timedelta(days=n), _MIDNIGHT, zone) for n in range(-_FAR_DAYS, _FAR_DAYS + 2)}
    least, most = min(turns), max(turns)
    for window in plan.windows:
        turns |= {one for one in (window.opens, window.start, window.closes + 1) if least < one < most}
    points = sorted(turns | {one for one in plan.borders if least < one < most})
    owner = _owner_at(plan, stamp, zone)
    first = bisect_right(points, stamp) - 1
    last = first + 1
    while first > 0 and _owner_at(plan, points[first - 1], zone) == owner:
        first -= 1
    while last < len(points) - 1 and _owner_at(plan, points[last], zone) == owner:
        last += 1
    return moment(points[first]), moment(points[last])


def window_at(at: datetime, plan: Plan) -> Window | None:
    """The window to which somebody's entry at `at` belongs; None outside of all."""
    stamp = micros(at)
    nearest = _nearest(plan.windows, sum(border <= stamp for border in plan.borders), stamp)
    return None if nearest is None else plan.windows[nearest]


def _owner_at(plan: Plan, at: int, zone: ZoneInfo) -> Owner:
    return _owner(_nearest(plan.windows, bisect_right(plan.borders, at), at), at, zone)


def _nearest(windows: tuple[Window, ...], place: int, at: int) -> int | None:
    """The window that is nearest to a moment among those that it may belong to; `place` is where the borders put it.

    Where that one does not reach so far, the neighbour may. None farther away: a day lies whole before the next.
    """
    if not windows:
        return None
    window = windows[place]
    if window.opens <= at <= window.closes:
        return place
    other = place - 1 if at < window.start else place + 1
    if 0 <= other < len(windows) and windows[other].opens <= at <= windows[other].closes:
        return other
    return None


def _lasts(windows: tuple[Window, ...], owner: Owner, at: int) -> bool:
    """Whether a shift that is longer than the longest presence is not over."""
    return isinstance(owner, int) and at <= windows[owner].end


def _distance(window: Window, at: int) -> int:
    return max(window.start - at, at - window.end, 0)


def _owner(nearest: int | None, at: int, zone: ZoneInfo) -> Owner:
    return local_day(at, zone) if nearest is None else nearest


def _pairing(windows: tuple[Window, ...], owner: Owner, otherwise: Pairing) -> Pairing:
    return windows[owner].shift.pairing if isinstance(owner, int) else otherwise


def _closes(windows: tuple[Window, ...], open_owner: Owner, nearest: int | None, at: int) -> bool:
    """Whether an entry of a guessed direction ends the presence that is open, rather than begin one elsewhere."""
    if nearest is None or nearest == open_owner:
        return True
    if not isinstance(open_owner, int):
        return False
    return _distance(windows[open_owner], at) <= _distance(windows[nearest], at) + _HANDOVER
