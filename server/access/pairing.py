"""Pairing codes: six digits that make a screen the kiosk it is meant to be. Kept in the memory of this process."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from server.access.throttle import Throttle
from server.clock import Clock
from server.errors import Invalid

TTL_S = 600
MAX_OPEN = 1000


@dataclass(frozen=True, slots=True)
class PairingCode:
    """Good once, until it expires or a newer one is made for the same kiosk."""

    code: str
    kiosk_id: str
    expires_at: datetime


class Pairings:
    """Makes and redeems codes. Guessing is slowed for each address and for all together."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._open: dict[str, PairingCode] = {}
        self._by_address = Throttle(clock, limit=10, window_s=TTL_S)
        self._by_all = Throttle(clock, limit=300, window_s=TTL_S)

    def issue(self, kiosk_id: str) -> PairingCode:
        """Beyond a thousand open codes, the oldest is dropped."""
        now = self._clock.now()
        self._open = {
            code: paired
            for code, paired in self._open.items()
            if paired.expires_at > now and paired.kiosk_id != kiosk_id
        }
        while len(self._open) >= MAX_OPEN:
            del self._open[next(iter(self._open))]
        code = _digits()
        while code in self._open:
            code = _digits()
        issued = PairingCode(code, kiosk_id, now + timedelta(seconds=TTL_S))
        self._open[code] = issued
        return issued

    def redeem(self, code: str, address: str) -> str:
        """The kiosk's id; raises Invalid for a code that is not good, TooMany for too many such."""
        self._by_address.take(address)
        self._by_all.take("")
        code = "".join(code.split())
        paired = self._open.pop(code, None)
        if paired is None or paired.expires_at <= self._clock.now():
            raise Invalid.field("code", "unknown_code", "This code is not good, or not any more. Ask for a new one.")
        self._by_address.give_back(address)
        self._by_all.give_back("")
        return paired.kiosk_id


def _digits() -> str:
    return f"{secrets.randbelow(1_000_000):06d}"
