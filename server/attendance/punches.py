"""What terminals of other makers send: lines of a PIN, a local time and a status, taken apart without ever failing."""

import re
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from server.attendance.moments import instant, moment
from server.attendance.rules import Direction

AHEAD = timedelta(minutes=5)  # by as much a terminal's clock may be ahead of the server's
EARLIEST_YEAR = 2001  # a terminal that has lost its clock begins again on 2000-01-01
PIN_CHARS, TIME_CHARS, WORD_CHARS, TEXT_CHARS = 64, 40, 32, 300
# The keys of such terminals: check-in, check-out, break out, break in, overtime in, overtime out.
DIRECTIONS: dict[str, Direction] = {"0": "in", "1": "out", "2": "out", "3": "in", "4": "in", "5": "out"}
_TIME = re.compile(r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})[ T]+([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})")
_LINE = re.compile(r"[^\r\n]+")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")

Wrong = Literal["not_understood", "bad_time", "in_the_future", "too_long_ago"]


class Punch(NamedTuple):
    """One line. Of one that is not understood only `text` is filled."""

    pin: str
    local_time: str  # on the wall at the terminal, as it was sent
    status: str
    verify: str  # by what: a finger, a face, a card …; the numbers are the maker's
    work_code: str
    text: str = ""

    @property
    def understood(self) -> bool:
        return bool(self.pin and self.local_time)


def punches_of(body: bytes, most: int | None = None) -> list[Punch]:
    """A punch for each line that is not blank (of the first so many), whatever the bytes are: a terminal sends again
    until all are taken.

    Lines end in LF, CR LF or CR; fields are divided by tabs, by some firmware by spaces. What is not UTF-8 is read as
    Latin-1: the fields that count are plain ASCII in every encoding that such terminals know.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError:
        text = body.decode("latin-1")
    lines = (found.group() for found in _LINE.finditer(text.removeprefix("\ufeff")))
    return [_punch(line) for line in islice(filter(str.strip, lines), most)]


def direction_of(status: str) -> Direction | None:
    """None for 255 and whatever else says nothing."""
    return DIRECTIONS.get(status)


def place_of(local_time: str) -> tuple[int, ...]:
    """Sorts times on the wall, with leading zeros and without; what is no time comes first."""
    found = _TIME.fullmatch(local_time)
    return tuple(int(part) for part in found.groups()) if found is not None else ()


def moment_of(local_time: str, zone: ZoneInfo, now: datetime) -> datetime | Wrong:
    """When it was, in UTC; or why that cannot be. Times that come twice are the first of both, those that do not come
    at all move forward (see `moments.instant`)."""
    found = _TIME.fullmatch(local_time)
    if found is None:
        return "bad_time"
    try:
        local = datetime(*(int(part) for part in found.groups()), tzinfo=UTC)  # type: ignore[misc, arg-type]
    except ValueError:
        return "bad_time"
    if local.year < EARLIEST_YEAR:
        return "too_long_ago"
    if local.year > now.year + 1:  # before it is anything in UTC, which years beyond the calendar are not
        return "in_the_future"
    at = moment(instant(local.date(), local.time(), zone))
    return "in_the_future" if at - now > AHEAD else at


def _punch(line: str) -> Punch:
    line = _CONTROL.sub("\ufffd", line)
    pin, local_time, *rest = (*_fields(line), "", "")
    status, verify, work_code, *_ = (*rest, "", "", "")
    if not pin or not local_time or len(pin) > PIN_CHARS or len(local_time) > TIME_CHARS:
        return Punch("", "", "", "", "", line[:TEXT_CHARS])
    return Punch(pin, local_time, status[:WORD_CHARS], verify[:WORD_CHARS], work_code[:WORD_CHARS])


def _fields(line: str) -> list[str]:
    if "\t" in line:
        return [field.strip() for field in line.split("\t")]
    pin, *rest = line.split()
    return [pin, " ".join(rest[:2]), *rest[2:]]
