"""One order for several cameras; tests/pipeline/test_backlog.py has it with what really waits."""

import asyncio

import pytest

from server.pipeline.in_order import InOrder


class Late:
    """A camera that is late with what it decided then."""

    def __init__(self, decided_s: float | None) -> None:
        self.decided_s = decided_s

    def goes_before(self, decided_s: float) -> bool:
        return self.decided_s is not None and self.decided_s < decided_s


async def test_the_oldest_is_first_and_waits_for_nobody() -> None:
    """The others follow as each that is older is written, stops waiting, or ends."""
    in_order, lines, order = InOrder(), [Late(3), Late(1), Late(2), Late(4)], list[float]()

    async def write(line: Late, decided_s: float) -> None:
        with in_order.taking_part(line):
            await asyncio.sleep(0)  # all of them are there
            await in_order.turn(line, decided_s)
            order.append(decided_s)
            if decided_s == 2:
                line.decided_s = None
                in_order.wrote()
                await asyncio.sleep(0.05)

    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        for line in lines:
            tasks.create_task(write(line, line.decided_s or 0))
    assert order == [1, 2, 3, 4]


async def test_of_the_same_moment_both_are_written() -> None:
    """Neither waits for the other."""
    in_order, one, other = InOrder(), Late(1), Late(1)
    with in_order.taking_part(one), in_order.taking_part(other):
        async with asyncio.timeout(1):
            await in_order.turn(one, 1)
            await in_order.turn(other, 1)


async def test_it_is_waited_for_as_long_as_something_is_written() -> None:
    """And no longer than that."""
    in_order, begun = InOrder(), asyncio.get_running_loop().time()

    async def write(times: int) -> None:
        for _ in range(times):
            await asyncio.sleep(0.05)
            in_order.wrote()

    async with in_order.patiently(0.15, 10):
        await write(8)
    with pytest.raises(TimeoutError):
        async with in_order.patiently(0.1, 10):
            await asyncio.sleep(5)
    with pytest.raises(TimeoutError):
        async with in_order.patiently(0.15, 0.3):
            await write(100)
    assert asyncio.get_running_loop().time() - begun < 4
