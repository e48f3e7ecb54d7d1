"""Pairing codes: six digits that make a screen the kiosk it is meant to be."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from server.access.attempts import Attempts
from server.access.one_time import OneTimeCodes
from server.access.throttle import Throttle
from server.clock import Clock
from server.errors import Conflict, Invalid, Unavailable

PURPOSE = "pairing"
TTL_S = 600
TRIES = 20


@dataclass(frozen=True, slots=True)
class PairingCode:
    """Good once, until it expires or a newer one is made for the same kiosk."""

    code: str
    kiosk_id: str
    expires_at: datetime


class Pairings:
    """Makes and redeems codes. Guessing is slowed for each address and for all together."""

    def __init__(self, codes: OneTimeCodes, attempts: Attempts, clock: Clock) -> None:
        self._codes = codes
        self._clock = clock
        self._by_address = Throttle(attempts, limit=10, window_s=TTL_S, name="pairing-address")
        self._by_all = Throttle(attempts, limit=300, window_s=TTL_S, name="pairing")

    async def issue(self, kiosk_id: str) -> PairingCode:
        """An older one of this kiosk is good no more."""
        expires_at = self._clock.now() + timedelta(seconds=TTL_S)
        for _ in range(TRIES):
            try:
                code = await self._codes.issue(PURPOSE, {"kiosk_id": kiosk_id}, TTL_S, _digits(), only_one=True)
            except Conflict:  # another kiosk's code, just now
                continue
            return PairingCode(code, kiosk_id, expires_at)
        raise Unavailable("Too many codes are open. Try again in some minutes.", code="no_free_code")

    async def redeem(self, code: str, address: str) -> str:
        """The kiosk's id; raises Invalid for a code that is not good, TooMany for too many such."""
        await self._by_address.take(address)
        await self._by_all.take("")
        found = await self._codes.redeem(PURPOSE, "".join(code.split()))
        if found is None:
            raise Invalid.field("code", "unknown_code", "This code is not good, or not any more. Ask for a new one.")
        await self._by_address.give_back(address)
        await self._by_all.give_back("")
        return str(found["kiosk_id"])


def _digits() -> str:
    return f"{secrets.randbelow(1_000_000):06d}"
