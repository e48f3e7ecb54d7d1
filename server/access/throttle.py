"""How often something may be tried: a sliding window for each key, kept in the memory of this process."""

import math
from collections import OrderedDict, deque

from server.clock import Clock
from server.errors import TooMany


class Throttle:
    """At most `limit` attempts in `window_s` for one key. Beyond `max_keys`, the one unused for longest goes."""

    def __init__(self, clock: Clock, *, limit: int, window_s: float, max_keys: int = 10_000) -> None:
        self._clock = clock
        self._limit = limit
        self._window_s = window_s
        self._max_keys = max_keys
        self._attempts: OrderedDict[str, deque[float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._attempts)

    def take(self, key: str) -> None:
        """Counts an attempt before it is made, so that many at once do not slip through; raises TooMany."""
        now = self._clock.monotonic()
        attempts = self._attempts.setdefault(key, deque())
        self._attempts.move_to_end(key)
        while attempts and attempts[0] <= now - self._window_s:
            attempts.popleft()
        if len(attempts) >= self._limit:
            wait_s = max(1, math.ceil(attempts[0] + self._window_s - now))
            raise TooMany("Too many attempts. Wait a little and try again.", retry_after_s=wait_s)
        attempts.append(now)
        while len(self._attempts) > self._max_keys:
            self._attempts.popitem(last=False)

    def give_back(self, key: str) -> None:
        """The newest attempt was a good one and does not count."""
        attempts = self._attempts.get(key)
        if attempts:
            attempts.pop()
        if attempts is not None and not attempts:
            del self._attempts[key]

    def forget(self, key: str) -> None:
        """Whoever has shown who they are starts afresh."""
        self._attempts.pop(key, None)
