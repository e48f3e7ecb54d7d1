"""One answer for all who ask the same at the same time: when thousands come at once, the database is asked once."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Abandoned(Exception):
    """Whoever asked for all was cancelled: somebody else has to."""


class Reading(Generic[T]):
    """Something that one reads, and others wait for."""

    def __init__(self) -> None:
        self._over = asyncio.Event()
        self._found: list[T] = []
        self._error: Exception = Abandoned()

    async def by(self, load: Callable[[], Awaitable[T]]) -> T:
        """Reads for all."""
        try:
            found = await load()
        except Exception as error:
            self._error = error
            raise
        else:
            self._found.append(found)
            return found
        finally:
            self._over.set()

    def abandon(self) -> None:
        """It is not going to be read."""
        self._over.set()

    async def result(self) -> T:
        """What was found; raises what the reading has raised, or Abandoned."""
        await self._over.wait()
        if self._found:
            return self._found[0]
        raise self._error.with_traceback(None)  # where it was raised is of whoever has read


class Readings(Generic[T]):
    """Each answer is one of a reading that began after the question; all who ask before it begins share it."""

    def __init__(self, load: Callable[[], Awaitable[T]]) -> None:
        self._load = load
        self._one_at_a_time = asyncio.Lock()
        self._next: Reading[T] | None = None

    @property
    def wanted(self) -> bool:
        """Whether anybody waits."""
        return self._next is not None or self._one_at_a_time.locked()

    async def get(self) -> T:
        """Waits for the one that is under way, and for the next. Raises what that raises."""
        while (joined := self._next) is not None:
            try:
                return await joined.result()
            except Abandoned:
                continue
        reading = self._next = Reading[T]()
        try:
            async with self._one_at_a_time:
                self._next = None
                return await reading.by(self._load)
        except asyncio.CancelledError:
            if self._next is reading:
                self._next = None
            reading.abandon()
            raise
