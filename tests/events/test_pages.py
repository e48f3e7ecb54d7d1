"""What was missed, on a real log."""

import asyncio
from collections.abc import Sequence

from server.events.pages import MOST_HELD, PAGE, Page, Pages
from server.events.schema import Filter, StoredEvent
from server.store.engine import Store
from server.store.event_log import TableLog
from tests.events.scenes import new_event, say, stored_event


class CountedLog(TableLog):
    """How often it is read; a test may hold up its answers."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.times = 0
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def read(self, topic: str, after: int, limit: int) -> list[StoredEvent]:
        self.times += 1
        found = await super().read(topic, after, limit)
        await self.may_answer.wait()
        return found


async def everything(pages: Pages, cursor: int) -> Sequence[int]:
    """The offsets that follow, as a reader gets them who asks for page after page."""
    offsets: list[int] = []
    while (page := await pages.read("alerts", cursor)).follows(cursor):
        batch, cursor, _ = page.batch(1, None, cursor, cursor)
        assert batch is not None
        offsets += range(cursor - len(batch.payloads) + 1, cursor + 1)
    return offsets


async def test_many_who_are_near_to_each_other_read_the_log_once(store: Store) -> None:
    """Each has all that follows where it was, and nothing else."""
    log = CountedLog(store)
    await say(store, log, None, *(new_event(number) for number in range(2 * PAGE + 10)))
    pages = Pages(log)
    cursors = [0, 1, 100, PAGE - 1, PAGE, PAGE + 1, 2 * PAGE + 9] * 20
    found = await asyncio.gather(*(everything(pages, cursor) for cursor in cursors))
    assert found == [list(range(cursor + 1, 2 * PAGE + 11)) for cursor in cursors]
    reads_of_the_end = log.times - 2  # whoever has all asks once more whether there is more
    assert reads_of_the_end <= len(cursors) + 1


async def test_those_who_are_to_get_the_same_get_the_same_bytes() -> None:
    """Made once for all who stand at the same place; another filter is another batch."""
    page = Page([stored_event(number, camera=f"c{number % 2}") for number in range(1, 11)])
    first, second = page.batch(1, None, 0, 0), page.batch(1, None, 0, 0)
    assert first[0] is second[0]
    filtered, upto, previous = page.batch(1, Filter(camera_id="c1"), 0, 0)
    assert filtered is not None
    assert (len(filtered.payloads), upto, previous) == (5, 10, 9)
    assert [Page([]).follows(0), page.follows(0), page.follows(9), page.follows(10), page.follows(11)] == [
        False, True, True, False, False,
    ]  # fmt: skip


async def test_a_page_that_has_grown_is_read_again(store: Store) -> None:
    """What came since the page was read is what a reader asks for."""
    log = CountedLog(store)
    await say(store, log, None, new_event(1))
    pages = Pages(log)
    assert await everything(pages, 0) == [1]
    await say(store, log, None, new_event(2), new_event(3))
    assert await everything(pages, 1) == [2, 3]


async def test_what_was_rewritten_is_not_held(store: Store) -> None:
    """Nor what was being read when it was told: it may be older than that."""
    log = CountedLog(store)
    await say(store, log, None, *(new_event(number) for number in range(5)))
    pages = Pages(log)
    await pages.read("alerts", 0)
    pages.forget()
    assert len(pages) == 0
    log.may_answer.clear()
    async with asyncio.TaskGroup() as tasks:
        reading = tasks.create_task(pages.read("alerts", 0))
        while log.times == 1:  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.001)
        pages.forget()
        log.may_answer.set()
    assert reading.result().last == 5
    assert len(pages) == 0


async def test_memory_is_bounded_and_given_back(store: Store) -> None:
    """The newest pages stay; what nobody has wanted between two sweeps goes."""
    log = CountedLog(store)
    await say(store, log, None, *(new_event(number) for number in range(10)))
    pages = Pages(log)
    for number in range(MOST_HELD + 5):
        await pages.read(f"kiosks/{number}", 0)
    assert len(pages) == MOST_HELD
    pages.sweep()
    await pages.read("alerts", 0)
    pages.sweep()
    assert len(pages) == 1
    pages.sweep()
    assert len(pages) == 0
