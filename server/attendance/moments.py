"""Moments as whole microseconds since 1970: what minutes are summed from, and how the clocks on a wall map to them."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

MINUTE = 60_000_000
HOUR = 60 * MINUTE
_DAY = 24 * HOUR
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def micros(at: datetime) -> int:
    """A moment with its time zone, as a number; exact."""
    since = at - _EPOCH
    return since.days * _DAY + since.seconds * 1_000_000 + since.microseconds


def moment(at: int) -> datetime:
    """The moment of a number, in UTC."""
    return _EPOCH + timedelta(microseconds=at)


def minutes(span: int) -> int:
    """Whole minutes of a span. Always of a sum, never of its parts: three times 20 seconds are one minute."""
    return span // MINUTE


def instant(day: date, clock: time, zone: ZoneInfo) -> int:
    """The moment at which clocks of that zone show this.

    A time that comes twice (clocks go back) is the first of both. One that does not come at all (clocks go forward)
    moves forward by the gap: 02:30 is the moment at which clocks show 03:30. This is PEP 495 with `fold=0`.
    """
    return micros(datetime.combine(day, clock.replace(fold=0), zone))


def local_day(at: int, zone: ZoneInfo) -> date:
    """The date on the wall at that moment."""
    return moment(at).astimezone(zone).date()


def offset(at: int, zone: ZoneInfo) -> int:
    """How far clocks of that zone are ahead of UTC at that moment."""
    ahead = moment(at).astimezone(zone).utcoffset() or timedelta()
    return ahead // timedelta(microseconds=1)
