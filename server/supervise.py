"""Runs something again until cancelled, with a jittered pause that grows while it keeps failing."""

import asyncio
import random
from collections.abc import Awaitable, Callable

import structlog

from server.clock import Clock, SystemClock

UNASKED = "It was cancelled, and nobody had asked for that."


class Backoff:
    """Pauses that double from `first_s` to `cap_s`; each is shortened by chance so that many do not return at once."""

    def __init__(
        self,
        first_s: float = 0.5,
        cap_s: float = 30.0,
        *,
        factor: float = 2.0,
        jitter: float = 0.5,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._first_s = first_s
        self._cap_s = cap_s
        self._factor = factor
        self._jitter = jitter
        self._chance = chance
        self._next_s = first_s

    def next(self) -> float:
        """The pause before the next try: between (1 - jitter) and 1 of the full pause."""
        full_s = min(self._next_s, self._cap_s)
        self._next_s = min(full_s * self._factor, self._cap_s)
        return full_s * (1.0 - self._jitter * self._chance())

    def reset(self) -> None:
        """Begin again with the shortest pause."""
        self._next_s = self._first_s


def soon() -> Backoff:
    """For what follows the database, and is to be back within seconds when that is."""
    return Backoff(cap_s=5.0)


async def supervise(
    name: str,
    run: Callable[[], Awaitable[None]],
    *,
    backoff: Backoff | None = None,
    on_failure: Callable[[Exception], None] | None = None,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    clock: Clock | None = None,
    steady_after_s: float = 60.0,
) -> None:
    """Awaits `run()` again and again, also when it returns; ends only by cancellation.

    A run of at least `steady_after_s` makes the next pause short again.
    """
    log = structlog.get_logger(__name__)
    backoff = backoff or Backoff()
    clock = clock or SystemClock()
    while True:
        started_s = clock.monotonic()
        error = await _outcome(run)
        reason = "returned" if error is None else said(error)
        if error is not None and on_failure is not None:
            on_failure(error)
        del error  # and what its frames hold
        if clock.monotonic() - started_s >= steady_after_s:
            backoff.reset()
        pause_s = backoff.next()
        log.warning("part_starts_again", part=name, reason=reason, pause_s=round(pause_s, 2))
        await sleep(pause_s)


async def _outcome(run: Callable[[], Awaitable[None]]) -> Exception | None:
    """What it ends with, in a task of its own. Until Python 3.13 a group whose task fails while it waits for its tasks
    leaves whoever awaits it looking cancelled, which could not be told from a cancel that is meant."""

    async def caught() -> Exception | None:
        try:
            await run()
        except Exception as error:  # noqa: BLE001 - whatever it was, the one who is supervised must come back
            return error
        return None

    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(caught())
    if running.cancelled():  # and we were not, or the group would have said so
        return RuntimeError(UNASKED)
    return running.result()


async def uncancelled(part: Awaitable[object]) -> None:
    """For a task of a group that the others cannot do without: a group goes on without one that ends by a cancel, also
    where nobody asked for it."""
    try:
        await part
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise RuntimeError(UNASKED) from None


def said(error: BaseException) -> str:
    """What it is, for a line of the log; of a group, what the first in it is."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}"


def mind_cancel() -> None:
    """Raises the cancel that something has swallowed, such as a client that was connecting. Not after a group of tasks
    that has failed: that may look like a cancel, see `_outcome`."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
