"""Shift: when a person is expected on a day, in the time zone of the place, and what counts by its rules."""

from dataclasses import dataclass, field
from datetime import time
from enum import StrEnum
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from server.attendance.moments import MINUTE

_LONGEST_REACH = 24 * 60  # minutes; farther away an entry is another day's


class Kind(StrEnum):
    """How a shift is worked."""

    FIXED = "fixed"  # from start to end
    FLEXIBLE = "flexible"  # anywhere between start and end; late and early go by core hours or required minutes
    SPLIT = "split"  # in two or more parts, with time of one's own between them


class Pairing(StrEnum):
    """How the entries of a day become time worked."""

    PAIRS = "pairs"  # from each check-in to the next check-out
    FIRST_LAST = "first_last"  # from the first check-in to the last check-out


class Closing(StrEnum):
    """When a presence ends of which the check-out is missing."""

    END = "end"  # at the end of the shift
    LONGEST = "longest"  # after the longest presence of the rules
    NOTHING = "nothing"  # where it began: it counts for nothing until somebody corrects it


class Step(StrEnum):
    """Which way a time is rounded."""

    NONE = "none"
    NEAREST = "nearest"  # half a step goes to the later one
    UP = "up"
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class Span:
    """From one time of the clock to another; one that does not end after it starts ends on the next day."""

    start: time
    end: time

    @classmethod
    def of(cls, text: str) -> "Span":
        """From `12:00-12:30`."""
        start, _, end = text.partition("-")
        return cls(time.fromisoformat(start), time.fromisoformat(end))


@dataclass(frozen=True, slots=True)
class Rounding:
    """To which minutes of the clock on the wall a check-in or check-out is rounded, for what is paid."""

    step: Step = Step.NONE
    minutes: int = 15

    def __post_init__(self) -> None:
        if not 1 <= self.minutes <= 60 or 60 % self.minutes:
            raise ValueError("rounding: minutes must divide an hour")

    def of(self, at: int, ahead: int) -> int:
        """A moment (`moments.micros`) rounded on clocks that are `ahead` of UTC."""
        if self.step is Step.NONE:
            return at
        step = self.minutes * MINUTE
        wall = at + ahead
        down = wall - wall % step
        up = down if down == wall else down + step
        if self.step is Step.NEAREST:
            return (down if wall - down < step - (wall - down) else up) - ahead
        return (down if self.step is Step.DOWN else up) - ahead


@dataclass(frozen=True, slots=True)
class Overtime:
    """What counts as overtime: time after the shift's end, or what is worked beyond so many minutes a day."""

    after_minutes: int | None = None  # worked a day; None: after the end of the shift
    least_minutes: int = 0  # fewer are none
    limit_minutes: int | None = None  # a day; what is beyond is worked, yet no overtime
    early_counts: bool = False  # also time before the start (only where `after_minutes` is None)

    def __post_init__(self) -> None:
        _not_negative("overtime", self.after_minutes, self.least_minutes, self.limit_minutes)

    def of(self, minutes: int) -> int:
        """What remains of so many minutes."""
        if minutes < self.least_minutes:
            return 0
        return minutes if self.limit_minutes is None else min(minutes, self.limit_minutes)


@dataclass(frozen=True, slots=True)
class Shift:
    """A window of a day and its rules. Times are those of clocks in `timezone`; over midnight where `end` <= `start`.

    `days` are those of the week on which it may be worked (1 is Monday): the day on which it starts.
    `opens_minutes` and `closes_minutes` say how long before its start and after its end an entry still belongs to it.
    `parts` are those of a split shift, `core` and `required_minutes` are of a flexible one.
    Raises ValueError with the name of the field for what cannot be.
    """

    id: str
    name: str
    start: time
    end: time
    timezone: str = "UTC"
    days: frozenset[int] = frozenset(range(1, 8))
    kind: Kind = Kind.FIXED
    break_minutes: int = 0  # taken off unless entries show a longer one
    breaks: tuple[Span, ...] = ()  # fixed ones: who is there then is on a break
    break_after_minutes: int = 0  # only from a presence as long as this
    grace_late_minutes: int = 0
    grace_early_minutes: int = 0
    opens_minutes: int = 240
    closes_minutes: int = 480
    round_in: Rounding = field(default_factory=Rounding)
    round_out: Rounding = field(default_factory=Rounding)
    least_minutes: int = 0  # worked; who has fewer is absent
    half_day_minutes: int = 0  # worked; who has fewer has a half day
    overtime: Overtime = field(default_factory=Overtime)
    parts: tuple[Span, ...] = ()
    core: Span | None = None
    required_minutes: int | None = None
    pairing: Pairing = Pairing.PAIRS
    closing: Closing = Closing.END

    def __post_init__(self) -> None:
        zone_of(self.timezone)
        if not self.days <= frozenset(range(1, 8)):
            raise ValueError("days: from 1 (Monday) to 7")
        _not_negative("break_minutes", self.break_minutes, self.break_after_minutes)
        _not_negative("grace", self.grace_late_minutes, self.grace_early_minutes)
        _not_negative("least_minutes", self.least_minutes, self.half_day_minutes, self.required_minutes)
        for name, minutes in (("opens_minutes", self.opens_minutes), ("closes_minutes", self.closes_minutes)):
            if not 0 <= minutes <= _LONGEST_REACH:
                raise ValueError(f"{name}: from 0 to {_LONGEST_REACH}")
        if (self.kind is Kind.SPLIT) != bool(self.parts):
            raise ValueError("parts: a split shift has them, and no other")
        if self.kind is not Kind.FLEXIBLE and (self.core or self.required_minutes is not None):
            raise ValueError("core: only a flexible shift has core hours or required minutes")
        self._check_parts()

    def after_start(self, clock: time) -> int:
        """Minutes from the start of the shift to the next time that a clock shows this, were no clock ever changed."""
        return (_minute(clock) - _minute(self.start)) % (24 * 60)

    def length_minutes(self) -> int:
        """From start to end by the clock; equal ones are a whole day."""
        return self.after_start(self.end) or 24 * 60

    def _check_parts(self) -> None:
        at = 0
        for part in self.parts:
            starts = self.after_start(part.start)
            if starts < at or (at and starts == at):
                raise ValueError("parts: one after another, with time between them")
            at = self.after_start(part.end) or 24 * 60
            if at <= starts:
                raise ValueError("parts: each ends after it starts")
        if self.parts and (len(self.parts) < 2 or self.parts[0].start != self.start or self.parts[-1].end != self.end):
            raise ValueError("parts: at least two, from the start of the shift to its end")


def zone_of(name: str) -> ZoneInfo:
    """A time zone by its IANA name; ZoneInfo keeps them. Raises ValueError for a name that is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"timezone: {name!r} is no IANA time zone") from error


def _minute(clock: time) -> int:
    return clock.hour * 60 + clock.minute


def _not_negative(name: str, *minutes: int | None) -> None:
    if any(one is not None and one < 0 for one in minutes):
        raise ValueError(f"{name}: minutes must not be negative")
