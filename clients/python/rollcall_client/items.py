"""What a subscription gives, and the places in it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Self, TypeVar

Kind_co = TypeVar("Kind_co", bound=str, covariant=True)
Data_co = TypeVar("Data_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in a topic's history. Keep it, as text or as it is, and go on from it later with `since`."""

    epoch: str
    offset: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Of `EPOCH:OFFSET`, as str() makes it and as the HTTP API writes it. Raises ValueError."""
        epoch, colon, offset = text.rpartition(":")
        if not colon or not epoch or not offset.isascii() or not offset.isdecimal():
            raise ValueError(f"{text!r} is no EPOCH:OFFSET.")
        return cls(epoch, int(offset))

    def __str__(self) -> str:
        return f"{self.epoch}:{self.offset}"


@dataclass(frozen=True, slots=True)
class Event(Generic[Kind_co, Data_co]):
    """What happened. `data` is the state that results, so one applied twice does no harm.

    `cursor` is its place, None on a topic that is not stored. `data` may hold more fields than its type names."""

    topic: str
    id: str
    type: Kind_co
    time: datetime
    source: str
    data: Data_co
    cursor: Cursor | None


@dataclass(frozen=True, slots=True)
class Resync:
    """Load the state: here it begins (`recovered`), or history was lost and what was missed cannot be had.

    `snapshot` is the state where one was asked for and the topic has one; events after `cursor` follow."""

    topic: str
    recovered: bool
    snapshot: Mapping[str, object] | None
    cursor: Cursor | None


AnyEvent = Event[str, Mapping[str, object]]
