"""The newest event of one volatile topic, for one reader that is not a WebSocket."""

import asyncio
from types import TracebackType
from typing import Self

from server.events.encoding import Batch
from server.events.hub import Hub
from server.events.limits import EVERYTHING, Reach
from server.events.subscription import Subscription


class Latest:
    """A slot: the newest wins, and what the reader was too slow for is skipped."""

    def __init__(self, hub: Hub, topic: str, reach: Reach = EVERYTHING) -> None:
        self._hub = hub
        self._subscription = Subscription(0, topic, None, self, reach=reach, on_behind=_nothing, on_slow=_nothing)
        self._newest: bytes | None = None
        self._arrival = asyncio.Event()

    def __enter__(self) -> Self:
        self._hub.watch(self._subscription)
        self._subscription.release()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._hub.leave(self._subscription)

    async def take(self) -> bytes:
        """The newest message, as a subscriber of the WebSocket with subscription 0 would get it. May be cancelled."""
        await self._arrival.wait()
        self._arrival.clear()
        assert self._newest is not None
        return self._newest

    # What the subscription sees of it.

    @property
    def ready(self) -> bool:
        return True

    def write(self, batch: Batch) -> None:
        self._newest = batch.payloads[-1]
        self._arrival.set()


def _nothing() -> None:
    """A volatile topic has no history to fall behind of."""
