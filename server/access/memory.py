"""What was read a moment ago, so that not every request asks the database who is asking."""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
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
        self._forgotten = 0
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
            self._keep(key, item, now)
        return item

    async def learn(self, keys: Iterable[str], load: Callable[[Sequence[str]], Awaitable[Mapping[str, T]]]) -> None:
        """Many at once: what is not in memory is loaded together."""
        now, forgotten = self._clock.monotonic(), self._forgotten
        missing = [key for key in dict.fromkeys(keys) if key not in self._items or self._items[key][1] <= now]
        found = await load(missing) if missing else {}
        if forgotten == self._forgotten:
            for key in missing:
                self._keep(key, found.get(key), now)

    def _keep(self, key: str, item: T | None, since: float) -> None:
        self._items.pop(key, None)
        if item is not None:
            self._items[key] = (item, since + self._ttl_s)
            while len(self._items) > self._max_items:
                self._items.popitem(last=False)

    def forget(self) -> None:
        """All of it: changes are rare, and reading again is cheap."""
        self._items.clear()
        self._readings.clear()
        self._forgotten += 1
