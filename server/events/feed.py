"""The tail of one durable topic in memory, and who follows it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from server.events.encoding import Batch, Encoded
from server.events.limits import EVERYTHING, Reach
from server.events.log import Position
from server.events.schema import Filter, StoredEvent

SHARED_BATCHES = 64


@dataclass(frozen=True, slots=True)
class FeedLimits:
    """What is kept in memory, what goes out at once, and how far behind a subscriber may fall."""

    keep: int = 1024
    keep_bytes: int = 4 * 2**20
    batch_bytes: int = 128 * 2**10
    behind: int = 1000
    behind_bytes: int = 2**20


class Gap(Exception):
    """The log does not go on where this feed ended: it was trimmed beyond us, or began a new epoch."""


class Follower(Protocol):
    """Somebody who reads the feed at an offset of his own."""

    def advance(self) -> None:
        """There may be more."""


class Batches:
    """What goes out to those who stand at the same place and are to get the same: made once; so many are kept."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._made: dict[tuple[int, Filter | None, int, int, Reach], tuple[Batch | None, int, int]] = {}

    def of(
        self, events: Callable[[], Sequence[Encoded]], subscription_id: int, wanted: Filter | None, after: int,
        previous: int, reach: Reach, limit: int = 2**62,
    ) -> tuple[Batch | None, int, int]:  # fmt: skip
        """See make_batch."""
        key = (subscription_id, wanted, after, previous, reach)
        found = self._made.get(key)
        if found is None:
            found = make_batch(events(), subscription_id, wanted, after, previous, reach=reach, limit=limit)
            if len(self._made) < self._most:
                self._made[key] = found
        return found

    def clear(self) -> None:
        self._made.clear()


class Feed:
    """Recent events of a topic, encoded. A reader holds an offset, not a queue: memory does not grow with readers."""

    def __init__(self, topic: str, position: Position, limits: FeedLimits) -> None:
        self.topic = topic
        self.epoch = position.epoch
        self.head = position.offset
        self.limits = limits
        self.over = False  # where it does not go on: nobody is to follow it any more
        self.followers: dict[Follower, None] = {}
        self._events: list[Encoded] = []
        self._sizes: list[int] = []  # bytes of all events up to and with the one at the same index
        self._batches = Batches(SHARED_BATCHES)

    @property
    def first(self) -> int:
        """The oldest offset in memory; head + 1 where there is none."""
        return self._events[0].offset if self._events else self.head + 1

    def append(self, events: Sequence[StoredEvent]) -> None:
        """Takes what the log has after the head; what is known already is passed over. Raises Gap."""
        for event in events:
            if event.offset <= self.head:
                continue
            if event.offset != self.head + 1:
                raise Gap
            encoded = Encoded.of(event)
            self._events.append(encoded)
            self._sizes.append((self._sizes[-1] if self._sizes else 0) + len(encoded.body))
            self.head = event.offset
        self._batches.clear()
        self._forget()

    def forget(self) -> None:
        """What is stored was written anew: nothing of it is in memory any more, and who is behind reads the log."""
        self._events.clear()
        self._sizes.clear()
        self._batches.clear()

    def batch(
        self, subscription_id: int, wanted: Filter | None, after: int, previous: int, reach: Reach = EVERYTHING
    ) -> tuple[Batch | None, int, int]:
        """What follows `after`, at most `batch_bytes`: the messages, up to where, and the last one among them."""
        limit = self.limits.batch_bytes
        return self._batches.of(lambda: self._after(after), subscription_id, wanted, after, previous, reach, limit)

    def too_far_behind(self, cursor: int) -> bool:
        """Whether somebody at that offset reads too slowly."""
        if self.head - cursor > self.limits.behind:
            return True
        at = cursor - self.first
        if not self._sizes:
            return False
        seen = self._sizes[at] if at >= 0 else self._sizes[0] - len(self._events[0].body)
        return self._sizes[-1] - seen > self.limits.behind_bytes

    def _after(self, cursor: int) -> Sequence[Encoded]:
        return self._events[max(0, cursor + 1 - self.first) :]

    def _forget(self) -> None:
        # In bulk, when twice the bound is reached: cutting a list costs as much as what stays.
        limits = self.limits
        if len(self._events) <= 2 * limits.keep and self._held() <= 2 * limits.keep_bytes:
            return
        cut = max(0, len(self._events) - limits.keep)
        while self._sizes[-1] - self._sizes[cut] > limits.keep_bytes:
            cut += 1
        del self._events[:cut]
        del self._sizes[:cut]

    def _held(self) -> int:
        return self._sizes[-1] - self._sizes[0] if self._sizes else 0


def make_batch(
    events: Sequence[Encoded],
    subscription_id: int,
    wanted: Filter | None,
    after: int,
    previous: int,
    *,
    reach: Reach = EVERYTHING,
    limit: int = 2**62,
) -> tuple[Batch | None, int, int]:
    """The messages of those that match and are within reach, up to where was looked, and the offset of the last one."""
    payloads = []
    size = 0
    for event in events:
        after = event.offset
        if not event.matches(wanted, reach):
            continue
        payloads.append(event.shown_to(reach).stored_message(subscription_id, previous))
        previous = event.offset
        size += len(event.body)
        if size >= limit:
            break
    return (Batch(payloads) if payloads else None), after, previous
