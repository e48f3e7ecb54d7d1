"""What was read a moment ago, so that not every request asks the database who is asking."""

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from server.clock import Clock
from server.reading import Abandoned, Reading

T = TypeVar("T")

TTL_S = 3.0


class ShortMemory(Generic[T]):
    """Answers at most `ttl_s` old. Beyond `max_items`, the oldest answer is forgotten. What is missing is not kept."""

    def __init__(self, clock: Clock, *, ttl_s: float = TTL_S, max_items: int = 4096) -> None:
        self._clock = clock
        self._ttl_s = ttl_s
        self._max_items = max_items
        self._items: OrderedDict[str, tuple[T, float]] = OrderedDict()
        self._readings: dict[str, Reading[T | None]] = {}

    def __len__(self) -> int:
        return len(self._items)

    async def get(self, key: str, load: Callable[[], Awaitable[T | None]]) -> T | None:
        """From memory, or loaded now."""
        now = self._clock.monotonic()
        known = self._items.get(key)
        if known is not None and known[1] > now:
            return known[0]
        while (under_way := self._readings.get(key)) is not None:
            try:
                return await under_way.result()
            except Abandoned:
                continue
        reading = self._readings[key] = Reading()
        try:
            item = await reading.by(load)
        finally:
            # What was told to be forgotten while this was read may be what was read: good for now, not for later.
            still_wanted = self._readings.get(key) is reading
            if still_wanted:
                del self._readings[key]
        if still_wanted:
            self._items.pop(key, None)
            if item is not None:
                self._items[key] = (item, now + self._ttl_s)
                while len(self._items) > self._max_items:
                    self._items.popitem(last=False)
        return item

    def forget(self) -> None:
        """All of it: changes are rare, and reading again is cheap."""
        self._items.clear()
        self._readings.clear()
