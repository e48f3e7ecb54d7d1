"""The event log's table, on both databases."""

import asyncio
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import event
from sqlmodel import col, select

from server.events.log import Position
from server.events.schema import NewEvent
from server.store.engine import Store
from server.store.event_log import TableLog, forget_old, topics
from server.store.tables import EventRow

AT = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)


def fact(number: int, topic: str = "alerts") -> NewEvent:
    kind = {"alerts": "alert.raised", "jobs": "job.progress"}[topic]
    return NewEvent(topic, kind, "test", {"number": number}, AT + timedelta(seconds=number))


@pytest.fixture
def log(store: Store) -> TableLog:
    return TableLog(store)


async def test_offsets_begin_at_one_and_are_counted_by_topic(store: Store, log: TableLog) -> None:
    """Each topic counts for itself, and the answer keeps the order of the question."""
    async with store.transaction() as session:
        stored = await log.append(session, [fact(1), fact(2, "jobs"), fact(3)])
    assert [(event.topic, event.offset) for event in stored] == [("alerts", 1), ("jobs", 1), ("alerts", 2)]
    heads = await log.heads()
    assert {topic: position.offset for topic, position in heads.items()} == {"alerts": 2, "jobs": 1}
    assert await log.head("alerts") == heads["alerts"]


async def test_what_is_read_equals_what_was_told(store: Store, log: TableLog) -> None:
    """An event read back is the event that append() gave: id, time in UTC and data as JSON values."""
    zone = timezone(timedelta(hours=2))
    event = NewEvent(
        "alerts", "alert.raised", "cameras/1", {"at": AT, "list": (1, None), "name": "Zoë"}, AT.astimezone(zone)
    )
    async with store.transaction() as session:
        stored = await log.append(session, [event])
    assert await log.read("alerts", 0, 10) == stored
    assert stored[0].data == {"at": "2026-01-05T08:00:00.000Z", "list": [1, None], "name": "Zoë"}


async def test_reads_pages_in_order(store: Store, log: TableLog) -> None:
    """`after` is exclusive and `limit` is kept."""
    async with store.transaction() as session:
        await log.append(session, [fact(number) for number in range(10)])
    assert [event.offset for event in await log.read("alerts", 3, 4)] == [4, 5, 6, 7]
    assert [event.offset for event in await log.read("alerts", 8, 4)] == [9, 10]
    assert await log.read("alerts", 10, 4) == []
    assert await log.read("jobs", 0, 4) == []


async def test_a_transaction_that_fails_leaves_no_hole(store: Store, log: TableLog) -> None:
    """The offset goes back with the transaction."""

    async def fail() -> None:
        async with store.transaction() as session:
            await log.append(session, [fact(1), fact(2)])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    async with store.transaction() as session:
        stored = await log.append(session, [fact(3)])
    assert [event.offset for event in stored] == [1]
    assert (await log.head("alerts")).offset == 1


async def test_many_writers_make_no_hole_and_no_double(store: Store, log: TableLog) -> None:
    """Twelve writers on two topics, some of which give up: offsets are 1, 2, 3 … and a reader never sees a later one
    before an earlier one."""
    seen: list[int] = []

    async def write(writer: int) -> None:
        for number in range(8):
            try:
                async with store.transaction() as session:
                    await log.append(session, [fact(number, "jobs"), fact(number)][:: 1 if writer % 2 else -1])
                    if (writer + number) % 5 == 0:
                        raise ZeroDivisionError
            except ZeroDivisionError:
                continue

    async def watch() -> None:
        while True:
            seen.extend(event.offset for event in await log.read("alerts", len(seen), 100))
            await asyncio.sleep(0.001)

    async with asyncio.TaskGroup() as tasks:
        watching = tasks.create_task(watch())
        async with asyncio.TaskGroup() as writers:
            for writer in range(12):
                writers.create_task(write(writer))
        watching.cancel()
    seen.extend(event.offset for event in await log.read("alerts", len(seen), 1000))
    kept = sum((writer + number) % 5 != 0 for writer in range(12) for number in range(8))
    assert seen == list(range(1, kept + 1))
    assert (await log.head("jobs")).offset == kept


async def test_the_epoch_is_made_once_and_stays(store: Store, log: TableLog) -> None:
    """Also where several ask first at the same time; another one begins only on purpose."""
    epochs = {position.epoch for position in await asyncio.gather(*(TableLog(store).head("alerts") for _ in range(8)))}
    assert len(epochs) == 1
    assert await TableLog(store).head("alerts") == Position(epochs.pop(), 0)
    async with store.transaction() as session:
        begun = await log.begin_epoch(session)
    assert (await log.head("alerts")).epoch == begun


async def test_trim_moves_the_oldest(store: Store, log: TableLog) -> None:
    """What was trimmed is gone, the head stays, and counting goes on."""
    assert await log.oldest("alerts") == 1
    async with store.transaction() as session:
        await log.append(session, [fact(number) for number in range(5)])
    async with store.transaction() as session:
        await log.trim(session, "alerts", 3)
        await log.trim(session, "jobs", 3)
    assert await log.oldest("alerts") == 4
    assert [event.offset for event in await log.read("alerts", 0, 10)] == [4, 5]
    async with store.transaction() as session:
        await log.trim(session, "alerts", 99)
        stored = await log.append(session, [fact(6)])
    assert await log.oldest("alerts") == 6
    assert stored[0].offset == 6
    async with store.read() as session:
        left = await session.exec(select(EventRow).where(col(EventRow.topic) == "alerts"))
        assert [row.offset for row in left] == [6]


async def test_data_that_is_no_json_is_refused(store: Store, log: TableLog) -> None:
    """Before anything is stored."""

    async def append() -> None:
        async with store.transaction() as session:
            await log.append(session, [NewEvent("alerts", "alert.raised", "test", {"it": object()}, AT)])

    with pytest.raises(TypeError):
        await append()
    assert (await log.head("alerts")).offset == 0


async def test_where_a_time_is(store: Store, log: TableLog) -> None:
    """After which offset comes what happened at or after it; the newest where nothing did, 0 where nothing ever."""
    async with store.transaction() as session:
        await log.append(session, [fact(number) for number in (1, 2, 2, 5)])
    times = [AT + timedelta(seconds=second) for second in (0, 2, 3, 6)]
    assert [await log.before("alerts", at) for at in times] == [0, 1, 3, 4]
    assert await log.before("jobs", AT) == 0
    async with store.transaction() as session:
        await log.trim(session, "alerts", 2)
    assert [await log.before("alerts", at) for at in times] == [2, 2, 3, 4]


async def test_where_a_time_is_among_what_was_written_late(
    store: Store, log: TableLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing that happened at or after it is left out, however times are mixed within the margin; nor is much read."""
    monkeypatch.setattr("server.store.event_log.MIXED", 20)
    chance = random.Random(4)
    late = sorted(range(300), key=lambda number: number + chance.choice([0, 0, 0, 10]))
    async with store.transaction() as session:
        await log.append(session, [fact(number) for number in late])
    asked: list[str] = []

    def count(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        asked.append(statement)

    for second in range(0, 310, 7):
        at = AT + timedelta(seconds=second)
        young = [offset for offset, number in enumerate(late, 1) if number >= second]
        asked.clear()
        event.listen(store.engine.sync_engine, "before_cursor_execute", count)
        found = await log.before("alerts", at)
        event.remove(store.engine.sync_engine, "before_cursor_execute", count)
        assert found == min(young, default=len(late) + 1) - 1, second
        assert len(asked) <= 12, "a topic of three hundred, halved nine times"


async def forgotten(store: Store, topic: str = "alerts", *, days_ago: float = 9, most: int = 1000) -> list[int]:
    """How many at a time, three at most, until all is gone that is older than AT and so many days before."""
    before, done = AT - timedelta(days=days_ago), []
    while True:
        async with store.transaction() as session:
            done.append(await forget_old(session, topic, before, AT, most=most, limit=3))
        if not done[-1]:
            return done


def days_ago(*ages: float) -> list[NewEvent]:
    return [replace(fact(0), time=AT - timedelta(days=age)) for age in ages]


async def test_what_is_old_is_forgotten(store: Store, log: TableLog) -> None:
    """Some at a time, up to the first that is young enough; of others' topics nothing. A time that has not come yet,
    which a wrong clock said, keeps nothing old from going."""
    async with store.transaction() as session:
        await log.append(session, [*days_ago(30, -3650, 28, 27, 8, 26, -1), fact(0, "jobs")])
        assert await topics(session) == ["alerts", "jobs"]
    assert await forgotten(store) == [3, 1, 0]
    assert await log.oldest("alerts") == 5
    assert [event.offset for event in await log.read("alerts", 0, 10)] == [5, 6, 7]
    assert await forgotten(store, "jobs") == await forgotten(store, "weather") == [0]
    assert len(await log.read("jobs", 0, 10)) == 1


async def test_so_many_stay_at_most(store: Store, log: TableLog) -> None:
    """The newest, however young the others are; no fewer for being as many as that."""
    async with store.transaction() as session:
        await log.append(session, days_ago(*[1] * 7))
    assert await forgotten(store, most=7) == [0]
    assert await forgotten(store, most=2) == [3, 2, 0]
    assert [event.offset for event in await log.read("alerts", 0, 10)] == [6, 7]


async def test_all_may_be_forgotten(store: Store, log: TableLog) -> None:
    """The head stays where it is, and counting goes on."""
    async with store.transaction() as session:
        await log.append(session, days_ago(30, 29, 28, 27))
    head = await log.head("alerts")
    assert await forgotten(store) == [3, 1, 0]
    assert (await log.head("alerts"), await log.oldest("alerts")) == (head, 5)
    assert await log.before("alerts", AT) == 4
    async with store.transaction() as session:
        assert [event.offset for event in await log.append(session, days_ago(0))] == [5]
    assert [event.offset for event in await log.read("alerts", 4, 10)] == [5]


async def test_writers_go_on_while_it_is_trimmed(store: Store, log: TableLog) -> None:
    """Retention and writers at once: no hole, no event of the new ones lost, and the two ends meet."""
    async with store.transaction() as session:
        await log.append(session, days_ago(*[30] * 20))

    async def write() -> None:
        for _ in range(10):
            async with store.transaction() as session:
                await log.append(session, days_ago(0))

    async with asyncio.TaskGroup() as tasks:
        for _ in range(2):
            tasks.create_task(write())
            tasks.create_task(forgotten(store))
    assert [event.offset for event in await log.read("alerts", 0, 99)] == list(range(21, 41))
    assert await log.oldest("alerts") == 21
