"""The stored events for readers that are not a WebSocket: the same events, the same places."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

import orjson
import pytest

from server.bus.memory import MemoryBus
from server.clock import SystemClock
from server.events.hub import Hub
from server.events.limits import EVERYTHING, Reach
from server.events.log import Position
from server.events.schema import Cursor, Filter
from server.events.tail import MOST_LOOKED_AT, Ended, Tail, read_after
from server.store.engine import Store
from server.store.event_log import TableLog
from tests.events.scenes import new_event, say

LONG_S = 20.0


@asynccontextmanager
async def running(log: TableLog) -> AsyncIterator[Hub]:
    """A hub with its own task."""
    hub = Hub(log, MemoryBus(), SystemClock(), poll_s=0.2)
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(hub.run())
        yield hub
        task.cancel()


async def tell(store: Store, log: TableLog, hub: Hub | None, *numbers: int, topic: str = "attendance") -> None:
    """An entry at camera c0, c1 or c2 for each number."""
    kind = "attendance.checked_in"
    await say(store, log, hub, *(new_event(one, topic=topic, camera=f"c{one % 3}", kind=kind) for one in numbers))


async def take(tail: Tail, count: int) -> list[int]:
    """The offsets of the next so many events."""
    found: list[int] = []
    async with asyncio.timeout(LONG_S):
        while len(found) < count:
            found += [place.offset for place, _ in await tail.take(1)]
    return found


async def until_ended(tail: Tail) -> list[int]:
    """The offsets of what it still gives."""
    found: list[int] = []
    with suppress(Ended):
        async with asyncio.timeout(LONG_S):
            while True:
                found += [place.offset for place, _ in await tail.take(1)]
    return found


def offsets(events: Sequence[object]) -> list[int]:
    return [getattr(event, "offset", -1) for event in events]


async def test_some_after_a_place(store: Store, log: TableLog) -> None:
    """As many as were asked for, and where to go on; at the end nothing, and the same place again."""
    await tell(store, log, None, *range(5))
    epoch = (await log.head("attendance")).epoch
    first = await read_after(log, "attendance", Position(epoch, 0), 3)
    assert (offsets(first.events), first.next, first.recovered) == ([1, 2, 3], Position(epoch, 3), True)
    rest = await read_after(log, "attendance", first.next, 3)
    assert (offsets(rest.events), rest.next) == ([4, 5], Position(epoch, 5))
    nothing = await read_after(log, "attendance", rest.next, 3)
    assert (nothing.events, nothing.next, nothing.recovered) == ([], rest.next, True)


async def test_without_a_place_it_is_the_newest(store: Store, log: TableLog) -> None:
    """So that a program can begin."""
    await tell(store, log, None, 0, 1)
    begun = await read_after(log, "attendance", None, 10)
    assert (begun.events, begun.next.offset, begun.recovered) == ((), 2, True)


@pytest.mark.parametrize("case", ["another epoch", "ahead", "trimmed"])
async def test_whole_or_refused(store: Store, log: TableLog, case: str) -> None:
    """What cannot be had is said; asking goes on at the head."""
    await tell(store, log, None, *range(4))
    head = await log.head("attendance")
    async with store.transaction() as session:
        await log.trim(session, "attendance", 2)
    after = {
        "another epoch": Position("other", 3),
        "ahead": Position(head.epoch, 9),
        "trimmed": Position(head.epoch, 1),
    }
    found = await read_after(log, "attendance", after[case], 10)
    assert (found.events, found.next, found.recovered) == ((), head, False)
    whole = await read_after(log, "attendance", Position(head.epoch, 2), 10)
    assert (offsets(whole.events), whole.recovered) == ([3, 4], True)


async def test_a_filter_and_limits_pass_over(store: Store, log: TableLog) -> None:
    """The place goes on past what is not shown, so that nobody reads it again."""
    await tell(store, log, None, *range(6))
    epoch = (await log.head("attendance")).epoch
    start = Position(epoch, 0)
    one = await read_after(log, "attendance", start, 10, wanted=Filter(camera_id="c1"))
    assert (offsets(one.events), one.next.offset) == ([2, 5], 6)
    none = await read_after(log, "attendance", start, 10, reach=Reach(cameras=frozenset()))
    assert (none.events, none.next.offset, none.recovered) == ([], 6, True)


async def test_a_request_looks_at_so_many(store: Store, log: TableLog) -> None:
    """Of a filter that nothing passes: it answers, and the next one goes on from there."""
    for start in range(0, MOST_LOOKED_AT + 600, 600):
        await tell(store, log, None, *range(start, start + 600))
    epoch = (await log.head("attendance")).epoch
    found = await read_after(log, "attendance", Position(epoch, 0), 10, wanted=Filter(camera_id="nowhere"))
    assert found.events == []
    assert found.recovered
    assert MOST_LOOKED_AT <= found.next.offset < (await log.head("attendance")).offset


async def test_what_was_missed_and_then_what_happens(store: Store, log: TableLog) -> None:
    """Each once and in order, also where memory does not reach back that far."""
    await tell(store, log, None, *range(700))
    async with running(log) as hub:
        epoch = (await log.head("attendance")).epoch
        async with Tail(hub, "attendance", Cursor(epoch=epoch, offset=10)) as tail:
            assert (tail.recovered, tail.start) == (True, Position(epoch, 10))
            assert await take(tail, 690) == list(range(11, 701))
            assert await tail.take(0.05) == ()
            await tell(store, log, hub, 1, 2)
            assert await take(tail, 2) == [701, 702]


async def test_the_event_is_that_of_the_websocket(store: Store, log: TableLog) -> None:
    """Its body, byte for byte as others get it."""
    await tell(store, log, None, 0)
    async with running(log) as hub:
        epoch = (await log.head("attendance")).epoch
        async with Tail(hub, "attendance", Cursor(epoch=epoch, offset=0)) as tail:
            [(place, body)] = await tail.take(LONG_S)
    assert str(place) == f"{epoch}:1"
    event = orjson.loads(body)
    assert (event["type"], event["source"], event["data"]["number"]) == ("attendance.checked_in", "cameras/c0", 0)


async def test_a_filter_that_nothing_passes_waits(store: Store, log: TableLog) -> None:
    """From the log as from memory."""
    await tell(store, log, None, *range(600))
    async with running(log) as hub:
        since = Cursor(epoch=(await log.head("attendance")).epoch, offset=0)
        async with Tail(hub, "attendance", since, wanted=Filter(camera_id="nowhere"), reach=EVERYTHING) as tail:
            assert await tail.take(0) == ()  # one look at the log, and then whoever reads is asked about again
            while tail.place.offset < 600:
                assert await tail.take(0.05) == ()


async def test_a_history_that_begins_anew_ends_it(store: Store, log: TableLog) -> None:
    """Whoever comes back is told that it is another one."""
    await tell(store, log, None, 0)
    async with running(log) as hub:
        epoch = (await log.head("attendance")).epoch
        async with Tail(hub, "attendance", None) as tail:
            async with store.transaction() as session:
                await log.begin_epoch(session)
            assert await until_ended(tail) == []
        async with Tail(hub, "attendance", Cursor(epoch=epoch, offset=1)) as again:
            assert not again.recovered
            assert again.start.epoch != epoch


async def test_who_is_asked_about_hears_at_once(log: TableLog) -> None:
    """A session that ended somewhere ends the wait; afterwards nobody is told any more."""
    async with running(log) as hub:
        async with Tail(hub, "attendance", None) as tail:
            async with asyncio.timeout(LONG_S), asyncio.TaskGroup() as tasks:
                waiting = tasks.create_task(tail.take(10 * LONG_S))
                await asyncio.sleep(0)
                hub.revoked()
                assert await waiting == ()
            assert tail.recheck_wanted
            assert len(hub.listeners) == 1
        assert not hub.listeners


async def test_a_reader_that_takes_nothing_has_to_come_back(store: Store, log: TableLog) -> None:
    """One batch waits for it, the rest stays in the log; where it was it can go on from."""
    async with running(log) as hub:
        async with Tail(hub, "attendance", None) as tail:
            await tell(store, log, hub, 0)
            assert await take(tail, 1) == [1]
            for start in range(0, 1800, 600):
                await tell(store, log, hub, *range(start, start + 600))
            async with Tail(hub, "attendance", Cursor(epoch=tail.start.epoch, offset=1)) as other:
                await take(other, 1800)  # the hub has read all of it
            taken = await until_ended(tail)
            assert taken == list(range(2, 2 + len(taken)))
            assert len(taken) <= 600
        async with Tail(hub, "attendance", Cursor(epoch=tail.start.epoch, offset=taken[-1])) as again:
            assert (await take(again, 100))[0] == taken[-1] + 1
