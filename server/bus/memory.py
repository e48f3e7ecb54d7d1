"""The bus within one process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from server.bus.channels import Inbox


class MemoryBus:
    """Hands a message straight to every subscriber's inbox."""

    def __init__(self) -> None:
        self._inboxes: list[Inbox] = []

    async def run(self) -> None:
        """Nothing to do; here because every bus has it."""
        await asyncio.Event().wait()

    def publish(self, channel: str, payload: bytes, *, replaces: bool = False) -> None:
        """Nothing waits to be sent here, so nothing is replaced."""
        for inbox in self._inboxes:
            if channel in inbox.channels:
                inbox.put(channel, payload)

    @property
    def away(self) -> str | None:
        """It never is."""
        return None

    async def drained(self) -> None:
        """It always has."""

    @asynccontextmanager
    async def subscribe(self, *channels: str) -> AsyncIterator[AsyncIterator[tuple[str, bytes]]]:
        inbox = Inbox(channels)
        self._inboxes.append(inbox)
        try:
            yield inbox
        finally:
            self._inboxes.remove(inbox)
