"""The bus between processes: best effort, so nobody may depend on a message to arrive."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Protocol, Self


class Bus(Protocol):
    """Wake-ups, volatile messages and revocations. What must not be lost is in the log."""

    async def run(self) -> None:
        """The owner's task; returns only by being cancelled."""

    def publish(self, channel: str, payload: bytes, *, replaces: bool = False) -> None:
        """Never waits and never fails: what cannot be delivered is lost.

        `replaces`: it makes what still waits to be sent on this channel needless, as a whole state does.
        """

    @property
    def away(self) -> str | None:
        """What carries the messages and does not answer now; None while it does."""

    async def drained(self) -> None:
        """Waits until what was published here has been sent, while `run()` runs."""

    def subscribe(self, *channels: str) -> AbstractAsyncContextManager[AsyncIterator[tuple[str, bytes]]]:
        """Messages of these channels, one's own included, from entering the block on."""


class Inbox:
    """What arrived for one subscriber. Bounded: when full, the oldest message is lost and counted."""

    def __init__(self, channels: tuple[str, ...], limit: int = 1000) -> None:
        self.channels = frozenset(channels)
        self.lost = 0
        self._limit = limit
        self._messages: deque[tuple[str, bytes]] = deque()
        self._arrived = asyncio.Event()

    def put(self, channel: str, payload: bytes) -> None:
        if len(self._messages) >= self._limit:
            self._messages.popleft()
            self.lost += 1
        self._messages.append((channel, payload))
        self._arrived.set()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> tuple[str, bytes]:
        while not self._messages:
            self._arrived.clear()
            await self._arrived.wait()
        return self._messages.popleft()
