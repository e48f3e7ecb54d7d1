"""Entry: a check-in or check-out, as the rules see it."""

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from typing import NamedTuple

from server.attendance.rules import Direction


class Entry(NamedTuple):
    """A row of `entries` after corrections: the row says what counts.

    Where the direction was `guessed`, because the camera serves both ways, it is made again from all entries of its
    working day: a sighting that arrives late turns those behind it round.
    """

    id: str
    at: datetime  # with its time zone
    direction: Direction
    guessed: bool = False


def in_order(entry: Entry) -> tuple[datetime, bool, str]:
    """By time; of two at the same moment the check-out first, as who goes and comes within a minute has them."""
    return entry.at, entry.direction == "in", entry.id


def ordered(entries: Sequence[Entry]) -> Sequence[Entry]:
    """The entries in order; those that are already are only looked at."""
    if all(one.at < two.at for one, two in pairwise(entries)):
        return entries
    return sorted(entries, key=in_order)
