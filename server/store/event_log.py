"""The event log's table: appends in the caller's transaction, reads for everybody. SQLite and PostgreSQL."""

from collections.abc import Sequence
from datetime import datetime

import orjson
from sqlalchemy import delete, func, insert, text, update
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from server.events.log import Position
from server.events.schema import NewEvent, StoredEvent
from server.ids import new_id
from server.store.engine import Store
from server.store.tables import Erasure, EventRow, EventTopic, LogLife
from server.wire import rfc3339

# One statement makes the topic's row or moves its head; either way the row stays locked until the transaction ends,
# so that offsets become visible in order and without holes.
TAKE_OFFSETS = text(
    "INSERT INTO event_topics (topic, head, oldest) VALUES (:topic, :count, 1) "
    "ON CONFLICT (topic) DO UPDATE SET head = event_topics.head + excluded.head RETURNING head"
)
MAKE_EPOCH = text("INSERT INTO log_life (id, epoch) VALUES (1, :epoch) ON CONFLICT (id) DO NOTHING")
# What waited while the database was away is written late, between what has happened since: so many offsets may lie
# between an event and an older one that comes after it. That is ten cameras with all that may wait at each.
MIXED = 10_000


async def append(session: AsyncSession, events: Sequence[NewEvent]) -> list[StoredEvent]:
    """Writes the events within the transaction of what they tell; same order in the answer.

    Call it once in a transaction and as late as possible: it holds the topics' rows until the commit, taken in
    the order of their names, so that two writers never wait for each other.
    """
    counts: dict[str, int] = {}
    for event in events:
        counts[event.topic] = counts.get(event.topic, 0) + 1
    following: dict[str, int] = {}
    for topic in sorted(counts):
        taken = await (await session.connection()).execute(TAKE_OFFSETS, {"topic": topic, "count": counts[topic]})
        following[topic] = taken.scalar_one() - counts[topic] + 1
    stored = []
    for event in events:
        stored.append(_store(event, following[event.topic]))
        following[event.topic] += 1
    if stored:
        await (await session.connection()).execute(insert(EventRow), [_values(event) for event in stored])
    return stored


async def topics(session: AsyncSession) -> Sequence[str]:
    """In which something has happened."""
    return (await session.exec(select(EventTopic.topic).order_by(EventTopic.topic))).all()


async def trim(session: AsyncSession, topic: str, up_to: int) -> None:
    """Forgets the events up to and with that offset, within the caller's transaction."""
    connection = await session.connection()
    ends = select(EventTopic.oldest, EventTopic.head).where(col(EventTopic.topic) == topic)
    found = (await connection.execute(ends)).first()
    if found is None:
        return
    oldest = min(up_to, found.head) + 1  # the head may be further by now: what has come since stays
    # Not from the very first on: an index walks over what was forgotten lately as well.
    offset = col(EventRow.offset)
    gone = col(EventRow.topic) == topic, offset >= found.oldest, offset < oldest
    await connection.execute(delete(EventRow).where(*gone))
    # Last, for whoever appends waits for the topic's row. Nobody sees the one without the other.
    behind = col(EventTopic.topic) == topic, col(EventTopic.oldest) < oldest
    await connection.execute(update(EventTopic).where(*behind).values(oldest=oldest))


async def forget_old(
    session: AsyncSession, topic: str, before: datetime, now: datetime, *, most: int, limit: int
) -> int:
    """Forgets the oldest events of a topic up to the first that is young enough and among the newest `most`; `limit` at
    once. How many. The head stays, also where none is left."""
    row = (await session.exec(select(EventTopic).where(col(EventTopic.topic) == topic))).first()
    if row is None:
        return 0
    # From the oldest on, by the primary key. Times are nearly in the order of the offsets, so what is old behind the
    # first that is young gets its turn a little later.
    oldest = select(EventRow.offset, EventRow.time).where(
        col(EventRow.topic) == topic, col(EventRow.offset) >= row.oldest
    )
    up_to = row.oldest - 1
    for offset, time in await session.exec(oldest.order_by(col(EventRow.offset)).limit(limit)):
        if offset <= row.head - most or time < before:
            up_to = offset
        elif time <= now:  # of the future is what a clock said that was wrong: it keeps nothing from being forgotten
            break
    gone = up_to + 1 - row.oldest
    if gone:
        await trim(session, topic, up_to)
    return gone


class TableLog:
    """An EventLog on the store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def append(self, session: AsyncSession, events: Sequence[NewEvent]) -> list[StoredEvent]:
        """See append() above."""
        return await append(session, events)

    async def trim(self, session: AsyncSession, topic: str, up_to: int) -> None:
        """See trim() above."""
        await trim(session, topic, up_to)

    async def begin_epoch(self, session: AsyncSession) -> str:
        """A new life of the log, after its history was reset or restored: every cursor is refused from now on."""
        epoch = new_id()
        await (await session.connection()).execute(MAKE_EPOCH, {"epoch": epoch})
        await (await session.connection()).execute(text("UPDATE log_life SET epoch = :epoch"), {"epoch": epoch})
        return epoch

    async def heads(self) -> dict[str, Position]:
        """See EventLog."""
        epoch = await self.epoch()
        async with self._store.read() as session:
            rows = await session.exec(select(EventTopic))
            return {row.topic: Position(epoch, row.head) for row in rows}

    async def rewritten(self) -> int:
        """See EventLog."""
        async with self._store.read() as session:
            done = select(func.count()).select_from(Erasure).where(Erasure.state == "done")
            return (await session.exec(done)).one()

    async def head(self, topic: str) -> Position:
        """See EventLog."""
        # In one statement: of a log that begins anew meanwhile, no offset gets another life's epoch.
        query = select(LogLife.epoch, EventTopic.head).outerjoin(EventTopic, col(EventTopic.topic) == topic)
        async with self._store.read() as session:
            found = (await session.exec(query)).first()
        if found is None:  # nobody has asked for the epoch yet
            await self.epoch()
            async with self._store.read() as session:
                found = (await session.exec(query)).one()
        epoch, head = found
        return Position(epoch, head or 0)

    async def oldest(self, topic: str) -> int:
        """See EventLog."""
        async with self._store.read() as session:
            row = await session.get(EventTopic, topic)
            return row.oldest if row else 1

    async def read(self, topic: str, after: int, limit: int) -> list[StoredEvent]:
        """See EventLog."""
        query = (
            select(EventRow)
            .where(col(EventRow.topic) == topic, col(EventRow.offset) > after)
            .order_by(col(EventRow.offset))
            .limit(limit)
        )
        async with self._store.read() as session:
            return [_stored(row) for row in await session.exec(query)]

    async def before(self, topic: str, at: datetime) -> int:
        """The offset after which everything comes that happened at or after a time; what is older may be among it."""
        # By halves: about twenty reads of one row each, for no index has a topic's times. Those are not quite in the
        # order of the offsets, but this much is sure: where `low` ends, the event before it is older than `at` (or
        # there is none), and what is young in spite of coming before that one is within MIXED of it: looked for last.
        async with self._store.read() as session:
            row = await session.get(EventTopic, topic)
            if row is None:
                return 0
            low, high = row.oldest, row.head + 1
            while low < high:
                middle = (low + high) // 2
                one = select(EventRow.time).where(col(EventRow.topic) == topic, col(EventRow.offset) == middle)
                time = (await session.exec(one)).first()
                if time is not None and time >= at:
                    high = middle
                else:  # older, or forgotten meanwhile
                    low = middle + 1
            offset = col(EventRow.offset)
            near = col(EventRow.topic) == topic, offset >= low - 1 - MIXED, offset < low - 1, col(EventRow.time) >= at
            first: int | None = (await session.exec(select(func.min(offset)).where(*near))).one()
            return (low if first is None else first) - 1

    async def epoch(self) -> str:
        """Made at first use; whoever comes second takes what the first one wrote."""
        async with self._store.read() as session:
            life = await session.get(LogLife, 1)
        if life is None:
            async with self._store.transaction() as session:
                await (await session.connection()).execute(MAKE_EPOCH, {"epoch": new_id()})
            async with self._store.read() as session:
                life = await session.get_one(LogLife, 1)
        return life.epoch


def _store(event: NewEvent, offset: int) -> StoredEvent:
    # Through JSON and back, so that what a subscriber gets now and what he reads back later are equal.
    data = orjson.loads(orjson.dumps(event.data, default=_plain, option=orjson.OPT_PASSTHROUGH_DATETIME))
    return StoredEvent(event.topic, offset, new_id(), event.type, event.time, event.source, data)


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return rfc3339(value)
    raise TypeError(f"{type(value).__name__} is no JSON.")


def _stored(row: EventRow) -> StoredEvent:
    return StoredEvent(row.topic, row.offset, row.id, row.type, row.time, row.source, row.data)


def _values(event: StoredEvent) -> dict[str, object]:
    return {
        "topic": event.topic,
        "offset": event.offset,
        "id": event.id,
        "type": event.type,
        "time": event.time,
        "source": event.source,
        "data": event.data,
    }
