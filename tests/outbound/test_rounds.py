"""Rounds: what waits is served, some at once, each by one task; and looked for again, whatever goes wrong."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from structlog.testing import capture_logs

from server.bus.memory import MemoryBus
from server.outbound.rounds import Rounds
from tests.outbound.conftest import until_that

OFTEN, NEVER = 0.01, 3600.0


class Work:
    """What waits, and what is told of it; each is served until it is let on."""

    def __init__(self, *waiting: str) -> None:
        self.waiting = list(waiting)
        self.begun: list[str] = []
        self.rooms: list[int] = []
        self.open = asyncio.Event()
        self.failures = 0

    async def look(self, room: int) -> Sequence[str]:
        self.rooms.append(room)
        if self.failures:
            self.failures -= 1
            raise ConnectionError("no database")
        return self.waiting if room else ()

    async def serve(self, one: str) -> bool:
        self.begun.append(one)
        await self.open.wait()
        self.waiting.remove(one)
        if one == "broken":
            raise RuntimeError(one)
        if one == "away":
            raise ConnectionRefusedError(one)
        return False


@asynccontextmanager
async def running(work: Work, bus: MemoryBus, *, poll_s: float, at_once: int = 2) -> AsyncIterator[Rounds]:
    rounds = Rounds(bus, ("news",), work.look, what="thing", at_once=at_once, poll_s=poll_s)
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(rounds.run(work.serve))
        yield rounds
        task.cancel()


async def test_some_at_once_and_each_once() -> None:
    """However often it is looked; the others as soon as there is room, also without a look by the clock."""
    work = Work("a", "b", "c", "d")
    bus = MemoryBus()
    async with running(work, bus, poll_s=NEVER) as rounds:
        await until_that(lambda: work.begun == ["a", "b"])
        bus.publish("news", b"")
        await until_that(lambda: rounds.heard == 1 and work.rooms == [2, 0])
        assert work.begun == ["a", "b"]
        work.open.set()
        await until_that(lambda: not work.waiting)
    assert sorted(work.begun) == ["a", "b", "c", "d"]


async def test_whoever_says_that_there_is_more_is_heard() -> None:
    """No need to wait for the next look."""
    work, bus = Work(), MemoryBus()
    work.open.set()
    async with running(work, bus, poll_s=NEVER):
        await until_that(lambda: work.rooms == [2])
        work.waiting.append("a")
        bus.publish("news", b"")
        await until_that(lambda: work.begun == ["a"])


@pytest.mark.parametrize("failures", [0, 3])
async def test_nothing_ends_it(failures: int) -> None:
    """Neither a look that fails nor something that does: the next look comes."""
    work = Work("broken", "b")
    work.failures = failures
    work.open.set()
    async with running(work, MemoryBus(), poll_s=OFTEN, at_once=1):
        await until_that(lambda: work.begun == ["broken", "b"] and not work.waiting)


@pytest.mark.parametrize(("which", "is_ours"), [("broken", True), ("away", False)])
async def test_only_a_fault_of_ours_has_a_traceback(which: str, is_ours: bool) -> None:
    """A database that is away is named, and that is all there is to it."""
    work = Work(which)
    work.open.set()
    with capture_logs() as lines:
        async with running(work, MemoryBus(), poll_s=NEVER):
            await until_that(lambda: len(lines) == 1)
    assert (lines[0]["event"], bool(lines[0]["exc_info"])) == ("thing_left", is_ours)
    assert which in lines[0]["reason"]
