"""Runs something again until cancelled, with a jittered pause that grows while it keeps failing."""

import asyncio
import random
from collections.abc import Awaitable, Callable

import structlog

from server.clock import Clock, SystemClock


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
        try:
            await run()
        except Exception as error:  # noqa: BLE001 - whatever it was, the one who is supervised must come back
            mind_cancel()
            reason = said(error)
            if on_failure is not None:
                on_failure(error)
        else:
            reason = "returned"
        if clock.monotonic() - started_s >= steady_after_s:
            backoff.reset()
        pause_s = backoff.next()
        log.warning("part_starts_again", part=name, reason=reason, pause_s=round(pause_s, 2))
        await sleep(pause_s)


def said(error: BaseException) -> str:
    """What it is, for a line of the log; of a group, what the first in it is."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}"


def mind_cancel() -> None:
    """Raises the cancel that something has swallowed: a client that was connecting, or a group of tasks one of which
    failed while it was cancelled."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
