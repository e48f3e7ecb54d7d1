"""Whether those who are connected are still welcome: asked for all of them together, by one task."""

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Protocol

import structlog
from sqlalchemy.exc import SQLAlchemyError

from server.clock import Clock
from server.events.gate import Gate, Principal
from server.events.schema import CloseCode

CHECK_EVERY_S = 1.5  # what the gate remembers may be 3 s old, and 5 s are promised
ANSWER_WITHIN_S = 5.0
AT_ONCE = 64
AWAY = "The database does not answer. Come back in a moment."


class Visitor(Protocol):
    """A connection, as far as it is asked about."""

    @property
    def gate(self) -> Gate: ...

    @property
    def principal(self) -> Principal | None:
        """None before somebody was let in."""

    def turned_away(self) -> None:
        """They are not welcome any more."""

    def end(self, code: CloseCode, reason: str) -> None: ...


class Keeper:
    """Goes round every `check_every_s`, and at once where it is asked to. Where the database does not answer for
    ANSWER_WITHIN_S, all who were not asked about yet are sent away, to come back."""

    def __init__(self, clock: Clock, check_every_s: float = CHECK_EVERY_S) -> None:
        self.visitors: set[Visitor] = set()
        self._clock = clock
        self._check_every_s = check_every_s
        self._wanted = asyncio.Event()

    def look_now(self) -> None:
        """Somebody's session or key ended: whose, is found out."""
        self._wanted.set()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._check_every_s):
                    await self._wanted.wait()
            self._wanted.clear()
            await self._go_round(tuple(self.visitors))

    async def _go_round(self, visitors: Sequence[Visitor]) -> None:
        answered = True
        for first in range(0, len(visitors), AT_ONCE):
            by_gate: dict[Gate, list[tuple[Visitor, Principal]]] = {}
            for one in visitors[first : first + AT_ONCE]:
                if (principal := one.principal) is not None:
                    by_gate.setdefault(one.gate, []).append((one, principal))
            for gate, asked in by_gate.items():
                try:
                    answered = answered and await self._check(gate, asked)
                    if not answered:
                        for one, _ in asked:
                            one.end(CloseCode.RESTARTING, AWAY)
                except Exception:  # noqa: BLE001 - one who cannot be asked about is no reason not to ask about others
                    structlog.get_logger(__name__).exception("sessions_not_checked")
            await asyncio.sleep(0)  # mostly all are known, and nothing has waited

    async def _check(self, gate: Gate, asked: Sequence[tuple[Visitor, Principal]]) -> bool:
        """Whether there was an answer."""
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                answers = await self._answers(gate, [principal for _, principal in asked])
        except TimeoutError:
            return False
        for (one, principal), welcome in zip(asked, answers, strict=True):
            if not welcome and one.principal is principal:  # else they have shown another token meanwhile
                one.turned_away()
        return True

    async def _answers(self, gate: Gate, principals: Sequence[Principal]) -> Iterable[bool]:
        while True:
            try:
                return await gate.still_valid(principals)
            except (SQLAlchemyError, OSError) as error:
                structlog.get_logger(__name__).warning("session_not_checked", reason=type(error).__name__)
                await asyncio.sleep(ANSWER_WITHIN_S / 10)
