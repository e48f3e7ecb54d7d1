"""server/supervise.py: runs something again until cancelled, with a growing pause."""

import asyncio

import pytest
from structlog.testing import capture_logs

from server.clock import ManualClock
from server.supervise import Backoff, soon, supervise, uncancelled


def test_pauses_double_up_to_the_cap() -> None:
    """Without jitter: twice the last, never over the cap, and short again after a reset."""
    backoff = Backoff(0.5, 30.0, jitter=0.0)
    assert [backoff.next() for _ in range(8)] == [0.5, 1, 2, 4, 8, 16, 30, 30]
    backoff.reset()
    assert backoff.next() == 0.5


def test_jitter_only_shortens() -> None:
    """With jitter a pause is between half and all of the full one."""
    assert Backoff(4.0, chance=lambda: 1.0).next() == 2.0
    assert Backoff(4.0, chance=lambda: 0.0).next() == 4.0


def test_what_follows_the_database_is_soon_back() -> None:
    """However long that was away."""
    backoff = soon()
    assert max(backoff.next() for _ in range(50)) <= 5.0


class Tired:
    """Fails, returns, fails …, and lets the clock run meanwhile."""

    def __init__(self, clock: ManualClock, lasts_s: list[float]) -> None:
        self.clock = clock
        self.lasts_s = lasts_s
        self.runs = 0
        self.pauses: list[float] = []

    async def run(self) -> None:
        self.clock.advance(self.lasts_s[self.runs])
        self.runs += 1
        if self.runs % 2:
            raise ValueError("tired")

    async def sleep(self, pause_s: float) -> None:
        self.pauses.append(pause_s)
        if self.runs == len(self.lasts_s):
            raise asyncio.CancelledError


async def test_starts_again() -> None:
    """After a failure and after a return it starts again; a long good run makes the pause short again."""
    tired = Tired(ManualClock(), [1, 1, 1, 100, 1])
    failures: list[Exception] = []
    with pytest.raises(asyncio.CancelledError):
        await supervise(
            "part",
            tired.run,
            backoff=Backoff(1.0, jitter=0.0),
            on_failure=failures.append,
            sleep=tired.sleep,
            clock=tired.clock,
        )
    assert tired.pauses == [1, 2, 4, 1, 2]
    assert [str(failure) for failure in failures] == ["tired"] * 3


async def test_cancel_is_not_a_failure() -> None:
    """Cancelling ends it at once, and is not told as a failure."""
    failures: list[Exception] = []

    async def forever() -> None:
        await asyncio.Event().wait()

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await supervise("part", forever, on_failure=failures.append)
    assert not failures


async def test_a_cancel_is_not_lost_in_a_failure() -> None:
    """Of a group of tasks, one of which fails while it is cancelled, as one does that waits for a silent database."""
    running = asyncio.Event()

    async def waits() -> None:
        running.set()
        try:
            await asyncio.sleep(60)
        finally:
            raise OSError("away")

    async def group() -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(waits())

    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        task = tasks.create_task(supervise("part", group))
        await running.wait()
        task.cancel()
    assert task.cancelled()


async def test_a_group_whose_task_fails_starts_again() -> None:
    """While it waits for its tasks: until Python 3.13 that leaves whoever awaits the group looking cancelled."""
    runs = 0
    again = asyncio.Event()

    async def fails() -> None:
        await asyncio.sleep(0)
        raise OSError("away")

    async def group() -> None:
        nonlocal runs
        runs += 1
        if runs == 3:
            again.set()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(asyncio.sleep(60))
            tasks.create_task(fails())

    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        task = tasks.create_task(supervise("part", group, backoff=Backoff(0.01)))
        await again.wait()
        task.cancel()
    assert task.cancelled()


async def test_a_cancel_that_nobody_asked_for_is_a_failure() -> None:
    """As a library raises it of a call that it gave up: the part starts again, and the log says so."""
    failures: list[Exception] = []

    async def run() -> None:
        await asyncio.sleep(0)
        raise asyncio.CancelledError

    async def sleep(_pause_s: float) -> None:
        if len(failures) == 2:
            raise KeyboardInterrupt

    with capture_logs() as lines, pytest.raises(KeyboardInterrupt):
        await supervise("part", run, on_failure=failures.append, sleep=sleep)
    assert [line["event"] for line in lines] == ["part_starts_again"] * 2
    assert "nobody" in str(lines[0]["reason"])


async def test_one_of_a_group_that_is_cancelled_by_itself_ends_the_group() -> None:
    """One that is cancelled with the group does not."""

    async def cancels_itself() -> None:
        raise asyncio.CancelledError

    async def group() -> None:
        async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
            tasks.create_task(uncancelled(asyncio.Event().wait()))
            tasks.create_task(uncancelled(cancels_itself()))

    with pytest.raises(ExceptionGroup):
        await group()
    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        task = tasks.create_task(uncancelled(asyncio.Event().wait()))
        await asyncio.sleep(0)
        task.cancel()
    assert task.cancelled()


async def test_it_says_what_is_in_a_group() -> None:
    """That there is one says nothing."""

    async def run() -> None:
        raise ExceptionGroup("unhandled errors", [ExceptionGroup("inner", [ConnectionRefusedError("nobody listens")])])

    async def sleep(_pause_s: float) -> None:
        raise asyncio.CancelledError

    with capture_logs() as lines, pytest.raises(asyncio.CancelledError):
        await supervise("part", run, sleep=sleep)
    assert [line["reason"] for line in lines] == ["ConnectionRefusedError: nobody listens"]
