"""Mailbox: one slot between a thread and the event loop; the newest wins, and what it overwrote is counted."""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Closed(Exception):
    """Nothing more will come: the reader was closed."""


class Mailbox(Generic[T]):
    """Filled from any thread, emptied by one task. One item at most: a slow reader only ever sees the newest."""

    def __init__(self, loop: asyncio.AbstractEventLoop | None = None) -> None:
        self._loop = loop or asyncio.get_running_loop()
        self._lock = threading.Lock()
        self._slot: tuple[T] | None = None
        self._waking = False
        self._closed = False
        self._arrival = asyncio.Event()
        self.dropped = 0

    def put_threadsafe(self, item: T) -> None:
        """Put from any thread. Overwrites what was not taken; after close() it does nothing."""
        with self._lock:
            if self._closed:
                return
            if self._slot is not None:
                self.dropped += 1
            self._slot = (item,)
            if self._waking:
                return
            self._waking = True
        self._call(self._arrived)

    async def take(self) -> T:
        """The newest item, once there is one. May be cancelled without losing anything; raises Closed."""
        while True:
            with self._lock:
                if self._slot is not None:
                    (item,) = self._slot
                    self._slot = None
                    return item
                if self._closed:
                    raise Closed
                self._arrival.clear()
            await self._arrival.wait()

    def close(self) -> None:
        """Ends the wait of the reader. May be called twice, from any thread."""
        with self._lock:
            self._closed = True
            self._slot = None
        self._call(self._arrival.set)

    def _arrived(self) -> None:
        with self._lock:
            self._waking = False
        self._arrival.set()

    def _call(self, callback: Callable[[], object]) -> None:
        # The loop may be closed already when a thread brings its last item.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(callback)
