"""The short memory."""

import asyncio
from collections.abc import Sequence

from server.access.memory import ShortMemory
from server.clock import ManualClock


class Source:
    """Counts how often it is asked."""

    def __init__(self) -> None:
        self.value: str | None = "one"
        self.asked = 0

    async def load(self) -> str | None:
        self.asked += 1
        return self.value


async def test_asks_again_after_its_time() -> None:
    """Answers from memory for three seconds."""
    clock, source = ManualClock(), Source()
    memory: ShortMemory[str] = ShortMemory(clock)
    for _ in range(3):
        assert await memory.get("k", source.load) == "one"
    assert source.asked == 1
    source.value = "two"
    clock.advance(3)
    assert await memory.get("k", source.load) == "two"


async def test_forget() -> None:
    """What is forgotten is asked again."""
    source = Source()
    memory: ShortMemory[str] = ShortMemory(ManualClock())
    await memory.get("k", source.load)
    memory.forget()
    await memory.get("k", source.load)
    assert source.asked == 2


async def test_all_who_ask_at_once_share_one_reading() -> None:
    """A thousand connections of one session are one question every three seconds. What is missing is told to all."""
    source = Source()
    memory: ShortMemory[str] = ShortMemory(ManualClock())
    may_end = asyncio.Event()

    async def slow() -> str | None:
        await may_end.wait()
        return await source.load()

    asked = asyncio.gather(*(memory.get("k", slow) for _ in range(1000)))
    await asyncio.sleep(0)
    may_end.set()
    assert set(await asked) == {"one"}
    assert source.asked == 1
    memory.forget()
    may_end.clear()
    source.value = None
    asked = asyncio.gather(*(memory.get("k", slow) for _ in range(1000)))
    await asyncio.sleep(0)
    may_end.set()
    assert set(await asked) == {None}
    assert source.asked == 2


async def test_who_asks_after_forget_does_not_join_what_was_begun_before() -> None:
    """It may not have seen the change that they were told of."""
    memory: ShortMemory[str] = ShortMemory(ManualClock())
    first_may_end = asyncio.Event()

    async def old() -> str:
        await first_may_end.wait()
        return "old"

    async def new() -> str:
        return "new"

    async with asyncio.TaskGroup() as tasks:
        before = tasks.create_task(memory.get("k", old))
        await asyncio.sleep(0)
        memory.forget()
        assert await memory.get("k", new) == "new"
        first_may_end.set()
    assert before.result() == "old"
    assert await memory.get("k", old) == "new"


async def test_what_is_learned_together() -> None:
    """Only what is not in memory is asked for; and nothing is kept of what was forgotten meanwhile."""
    clock = ManualClock()
    memory: ShortMemory[str] = ShortMemory(clock)
    source = Source()
    asked: list[list[str]] = []
    forgets = False

    async def load(keys: Sequence[str]) -> dict[str, str]:
        asked.append(list(keys))
        if forgets:
            memory.forget()
        return {key: key.upper() for key in keys if key != "nobody"}

    await memory.learn(["a", "b", "a", "nobody"], load)
    await memory.learn(["a", "b", "c"], load)
    assert asked == [["a", "b", "nobody"], ["c"]]
    assert [await memory.get(key, source.load) for key in ("a", "b", "c")] == ["A", "B", "C"]
    assert source.asked == 0
    clock.advance(3)
    forgets = True
    await memory.learn(["a"], load)
    assert await memory.get("a", source.load) == "one"


async def test_forget_while_reading() -> None:
    """An answer that was being read when things changed is not kept: it may be the old one."""
    memory: ShortMemory[str] = ShortMemory(ManualClock())
    changed = asyncio.Event()

    async def slow() -> str:
        await changed.wait()
        return "old"

    async with asyncio.TaskGroup() as tasks:
        reading = tasks.create_task(memory.get("k", slow))
        await asyncio.sleep(0)
        memory.forget()
        changed.set()
    assert reading.result() == "old"
    assert len(memory) == 0


async def test_what_is_missing_is_not_kept() -> None:
    """Otherwise made-up keys would push out the real ones."""
    source = Source()
    source.value = None
    memory: ShortMemory[str] = ShortMemory(ManualClock())
    assert await memory.get("k", source.load) is None
    assert len(memory) == 0


async def test_bounded() -> None:
    """The oldest answer is forgotten."""
    source = Source()
    memory: ShortMemory[str] = ShortMemory(ManualClock(), max_items=2)
    for key in ("a", "b", "c", "a"):
        await memory.get(key, source.load)
    assert len(memory) == 2
    assert source.asked == 4
