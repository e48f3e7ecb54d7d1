"""The log of durable events, as its readers see it; and a place in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, Self

from server.errors import BadRequest
from server.events.schema import StoredEvent


@dataclass(frozen=True, slots=True)
class Position:
    """The offset of an event, and the life of the log to which it belongs."""

    epoch: str
    offset: int

    def __str__(self) -> str:
        """As in `GET events?after=`."""
        return f"{self.epoch}:{self.offset}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """The other way; raises BadRequest."""
        epoch, _, offset = text.rpartition(":")
        if not epoch or len(epoch) > 64 or not offset.isascii() or not offset.isdigit() or len(offset) > 18:
            raise BadRequest("A position is EPOCH:OFFSET.", code="bad_position")
        return cls(epoch, int(offset))


@dataclass(frozen=True, slots=True)
class Opened:
    """Where a topic stands, and whether all that followed the reader's cursor can be had."""

    epoch: str
    offset: int
    recovered: bool


class EventLog(Protocol):
    """Offsets of a topic start at 1 and go up by one, without holes; 0 is before the first."""

    async def heads(self) -> dict[str, Position]:
        """The newest event of every topic that has one."""

    async def rewritten(self) -> int:
        """How often stored events were changed, for somebody was erased."""

    async def head(self, topic: str) -> Position:
        """The newest event of a topic; offset 0 where nothing happened yet."""

    async def oldest(self, topic: str) -> int:
        """The first offset that can still be read; head + 1 where none can."""

    async def read(self, topic: str, after: int, limit: int) -> Sequence[StoredEvent]:
        """The events that follow `after`, in order, at most `limit`."""
