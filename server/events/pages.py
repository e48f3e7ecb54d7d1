"""What was missed, read from the log for many at once: after a restart all come back at the same place."""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence

from server.events.encoding import Batch, Encoded
from server.events.feed import Batches
from server.events.limits import EVERYTHING, Reach
from server.events.log import EventLog
from server.events.schema import Filter, StoredEvent

PAGE = 256
MOST_HELD = 16
SHARED_BATCHES = 4


class Page:
    """Events of a topic that follow each other, encoded; what goes out of them is shared by all who get the same."""

    def __init__(self, events: Sequence[StoredEvent]) -> None:
        self._events = [Encoded.of(event) for event in events]
        self._batches = Batches(SHARED_BATCHES)

    @property
    def last(self) -> int:
        """The newest offset in it; 0 where there is none."""
        return self._events[-1].offset if self._events else 0

    def follows(self, cursor: int) -> bool:
        """Whether it has the event after that one."""
        return bool(self._events) and self._events[0].offset <= cursor + 1 <= self.last

    def batch(
        self, subscription_id: int, wanted: Filter | None, after: int, previous: int, reach: Reach = EVERYTHING
    ) -> tuple[Batch | None, int, int]:
        """See Feed; to the end of the page."""
        return self._batches.of(lambda: self._after(after), subscription_id, wanted, after, previous, reach)

    def _after(self, cursor: int) -> Sequence[Encoded]:
        return self._events[max(0, cursor + 1 - self._events[0].offset) :]


class Pages:
    """Reads the log in pages that begin at fixed places, so that those who are near to each other share them.

    One at a time: who waits finds what was read for another. A page that nobody has wanted between two sweeps goes.
    """

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._held: OrderedDict[tuple[str, int], Page] = OrderedDict()
        self._wanted: set[tuple[str, int]] = set()
        self._forgotten = 0
        self._reading = asyncio.Lock()

    def __len__(self) -> int:
        return len(self._held)

    async def read(self, topic: str, cursor: int) -> Page:
        """The page with what follows the cursor, unless that is not in the log (any more)."""
        key = topic, cursor // PAGE * PAGE
        self._wanted.add(key)
        async with self._reading:
            page = self._held.get(key)
            if page is None or page.last <= cursor:  # the topic has grown since
                page = await self._load(key)
            return page

    def sweep(self) -> None:
        """Call it now and then."""
        for key in [key for key in self._held if key not in self._wanted]:
            del self._held[key]
        self._wanted.clear()

    def forget(self) -> None:
        """What is stored was written anew, or is another history."""
        self._held.clear()
        self._forgotten += 1

    async def _load(self, key: tuple[str, int]) -> Page:
        topic, before = key
        forgotten = self._forgotten
        page = Page(await self._log.read(topic, before, PAGE))
        if (
            forgotten == self._forgotten
        ):  # or what was read may be what was to be forgotten: good for now, not for later
            self._held[key] = page
            self._held.move_to_end(key)
            while len(self._held) > MOST_HELD:
                self._held.popitem(last=False)
        return page
