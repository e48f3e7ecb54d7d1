"""How often something may be tried: at most so many attempts in a sliding window for each key."""

from server.access.attempts import LONGEST_S, Attempts
from server.access.tokens import fingerprint
from server.errors import TooMany


class Throttle:
    """One rule on shared attempts; `name` keeps its keys apart from those of others."""

    def __init__(self, attempts: Attempts, *, limit: int, window_s: float, name: str = "") -> None:
        if limit < 1 or not 0 < window_s <= LONGEST_S:
            raise ValueError("A throttle lets something through, and its window ends within a day.")
        self._attempts = attempts
        self._limit = limit
        self._window_s = window_s
        self._name = name

    async def take(self, key: str) -> None:
        """Counts an attempt before it is made, so that many at once do not slip through; raises TooMany."""
        retry_after_s = await self._attempts.take(self._stored(key), self._limit, self._window_s)
        if retry_after_s is not None:
            raise TooMany("Too many attempts. Wait a little and try again.", retry_after_s=retry_after_s)

    async def give_back(self, key: str) -> None:
        """The newest attempt was a good one and does not count."""
        await self._attempts.give_back(self._stored(key))

    async def forget(self, key: str) -> None:
        """Whoever has shown who they are starts afresh."""
        await self._attempts.forget(self._stored(key))

    def _stored(self, key: str) -> str:
        """Hashed: keys are addresses and what somebody typed, of any length and with any character."""
        return f"{self._name}:{fingerprint(key)}"
