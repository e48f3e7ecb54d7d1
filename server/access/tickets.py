"""Tickets: let one WebSocket in, once, within seconds. Kept in the memory of this process."""

import secrets
from collections import OrderedDict

from server.access.principal import Principal
from server.access.tokens import fingerprint
from server.clock import Clock

TTL_S = 30


class Tickets:
    """Beyond `max_open` tickets, the oldest is dropped."""

    def __init__(self, clock: Clock, *, ttl_s: int = TTL_S, max_open: int = 10_000) -> None:
        self._clock = clock
        self.ttl_s = ttl_s
        self._max_open = max_open
        self._open: OrderedDict[str, tuple[Principal, float]] = OrderedDict()

    def issue(self, principal: Principal) -> str:
        """A new ticket."""
        now = self._clock.monotonic()
        while self._open and next(iter(self._open.values()))[1] <= now:
            self._open.popitem(last=False)
        ticket = secrets.token_urlsafe(32)
        self._open[fingerprint(ticket)] = (principal, now + self.ttl_s)
        while len(self._open) > self._max_open:
            self._open.popitem(last=False)
        return ticket

    def redeem(self, ticket: str) -> Principal | None:
        """Who it was issued to; None the second time, or too late."""
        found = self._open.pop(fingerprint(ticket), None)
        if found is None or found[1] <= self._clock.monotonic():
            return None
        return found[0]
