"""Several cameras write what waits for the database in one order: what was decided first is written first."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Protocol


class Line(Protocol):
    """What one camera has waiting, while it is being written."""

    def goes_before(self, decided_s: float) -> bool:
        """Whether it is late, and the next of it was decided before that."""


class InOrder:
    """Who came in by one camera and went out by another has done it in this order, whichever is the first to reach a
    database that is back. Nobody waits for a camera that writes in time, and the oldest waits for nobody.
    """

    def __init__(self) -> None:
        self._lines: set[Line] = set()
        self._moved = asyncio.Event()
        self._listeners: set[Callable[[], None]] = set()

    @contextmanager
    def taking_part(self, line: Line) -> Iterator[None]:
        """While it is being written: it holds up what is newer elsewhere. One that ends holds up nobody."""
        self._lines.add(line)
        try:
            yield
        finally:
            self._lines.discard(line)
            self.moved()

    async def turn(self, line: Line, decided_s: float) -> None:
        """Waits until nothing older is late elsewhere."""
        while any(other is not line and other.goes_before(decided_s) for other in self._lines):
            await self._moved.wait()

    def moved(self) -> None:
        """Somebody goes before others no longer."""
        self._moved.set()
        self._moved = asyncio.Event()

    def wrote(self) -> None:
        """One more is written."""
        self.moved()
        for tell in tuple(self._listeners):
            tell()

    @asynccontextmanager
    async def patiently(self, within_s: float, longest_s: float) -> AsyncIterator[None]:
        """Raises TimeoutError when nothing has been written by any camera for so long, or when it lasts too long."""
        clock = asyncio.get_running_loop()
        latest_s = clock.time() + longest_s
        async with asyncio.timeout(within_s) as limit:

            def go_on() -> None:
                if not limit.expired():
                    limit.reschedule(min(clock.time() + within_s, latest_s))

            self._listeners.add(go_on)
            try:
                yield
            finally:
                self._listeners.discard(go_on)
