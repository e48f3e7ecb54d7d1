"""Terminals that were not let in, so that an operator can register one; and how often those that are may ask."""

from collections import OrderedDict, deque
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

import structlog

from server.clock import Clock
from server.errors import TooMany

MOST_KNOCKS = 50  # the oldest is forgotten
SAID_EVERY_S = 60.0  # one line of the log, whoever knocks
WINDOW_S = 60.0
MOST_ASKED = 240  # requests of one terminal in that time
MOST_TERMINALS = 10_000

Why = Literal["unknown", "inactive", "address"]


@dataclass(frozen=True, slots=True)
class Knock:
    """Who it says that it is, from where, and why it was not let in."""

    serial_number: str
    address: str
    firmware: str
    reason: Why
    first_at: datetime
    last_at: datetime
    count: int


class Knocks:
    """In memory, of this process. Terminals knock again every minute or so."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, Knock] = OrderedDict()
        self._asked: OrderedDict[str, deque[float]] = OrderedDict()
        self._said_at_s: float | None = None
        self._unsaid = 0

    def note(self, serial_number: str, address: str, firmware: str, reason: Why, clock: Clock) -> None:
        """Somebody has knocked. One line in the log a minute says so."""
        now = clock.now()
        before = self._known.pop(serial_number, None)
        knock = Knock(serial_number, address[:64], firmware[:100], reason, now, now, 1)
        if before is not None:
            firmware = firmware[:100] or before.firmware
            knock = replace(knock, first_at=before.first_at, count=before.count + 1, firmware=firmware)
        self._known[serial_number] = knock
        if len(self._known) > MOST_KNOCKS:
            self._known.popitem(last=False)
        now_s = clock.monotonic()
        if self._said_at_s is not None and now_s - self._said_at_s < SAID_EVERY_S:
            self._unsaid += 1
            return
        structlog.get_logger(__name__).warning(
            "terminal_refused", serial_number=serial_number, address=address, reason=reason, unsaid=self._unsaid
        )
        self._said_at_s, self._unsaid = now_s, 0

    def forget(self, serial_number: str) -> None:
        """It has been let in."""
        self._known.pop(serial_number, None)

    def all(self) -> list[Knock]:
        """The newest first."""
        return list(reversed(self._known.values()))

    def pace(self, terminal_id: str, clock: Clock) -> None:
        """Raises TooMany for a terminal that asks without end."""
        now_s = clock.monotonic()
        asked = self._asked.pop(terminal_id, deque())
        self._asked[terminal_id] = asked
        if len(self._asked) > MOST_TERMINALS:
            self._asked.popitem(last=False)
        while asked and now_s - asked[0] >= WINDOW_S:
            asked.popleft()
        if len(asked) >= MOST_ASKED:
            wait_s = int(WINDOW_S - (now_s - asked[0])) + 1
            raise TooMany("This terminal asks too often.", retry_after_s=wait_s)
        asked.append(now_s)
