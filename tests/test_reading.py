"""One answer for all who ask at once."""

import asyncio

import pytest

from server.reading import Readings


class Source:
    """Counts its readings, each of which answers when the test says so."""

    def __init__(self) -> None:
        self.begun = 0
        self.may_end = asyncio.Event()
        self.error: Exception | None = None

    async def load(self) -> int:
        self.begun += 1
        number = self.begun
        await self.may_end.wait()
        if self.error is not None:
            raise self.error
        return number


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_who_asks_meanwhile_shares_the_next_one() -> None:
    """The one that is under way may have begun before what they want to hear of."""
    source = Source()
    readings = Readings(source.load)
    async with asyncio.TaskGroup() as tasks:
        first = tasks.create_task(readings.get())
        await settle()
        others = [tasks.create_task(readings.get()) for _ in range(100)]
        await settle()
        assert source.begun == 1
        source.may_end.set()
    assert first.result() == 1
    assert {other.result() for other in others} == {2}
    assert await readings.get() == 3


async def test_an_error_is_everybodys() -> None:
    """Nobody stands in line to meet it again; the next question is a new reading."""
    source = Source()
    source.error = OSError("away")
    readings = Readings(source.load)
    asked = asyncio.gather(*(readings.get() for _ in range(50)), return_exceptions=True)
    await settle()
    source.may_end.set()
    assert [str(answer) for answer in await asked] == ["away"] * 50
    assert source.begun == 2
    source.error = None
    assert await readings.get() == 3


@pytest.mark.parametrize("begun", [True, False])
async def test_another_reads_when_the_first_is_cancelled(begun: bool) -> None:
    """While it reads, and while it still waits for its turn."""
    source = Source()
    readings = Readings(source.load)
    async with asyncio.TaskGroup() as tasks:
        before = None if begun else tasks.create_task(readings.get())
        await settle()
        first = tasks.create_task(readings.get())
        await settle()
        others = [tasks.create_task(readings.get()) for _ in range(10)]
        await settle()
        first.cancel()
        await settle()
        source.may_end.set()
    assert len({other.result() for other in others}) == 1
    assert source.begun == 2
    assert before is None or before.result() == 1
