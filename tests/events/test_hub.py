"""The hub, on a real log."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from server.bus.channels import Bus
from server.bus.memory import MemoryBus
from server.clock import SystemClock
from server.errors import RollcallError
from server.events.feed import FeedLimits
from server.events.hub import Hub
from server.events.log import Position
from server.events.schema import CloseCode, Cursor, Filter, StoredEvent
from server.events.subscription import Subscription
from server.store.engine import Store
from server.store.event_log import TableLog
from server.store.tables import Erasure
from tests.events.scenes import Pipe, new_event, say


class Client:
    """A connection as the hub sees it."""

    def __init__(self) -> None:
        self.pipe = Pipe()
        self.checked = 0
        self.ended: CloseCode | None = None

    def recheck(self) -> None:
        self.checked += 1

    def end(self, code: CloseCode, reason: str) -> None:
        self.ended = code

    def subscription(self, topic: str = "alerts", wanted: Filter | None = None) -> Subscription:
        return Subscription(1, topic, wanted, self.pipe, on_behind=lambda: None, on_slow=lambda: None)


@asynccontextmanager
async def running(*hubs: Hub) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as tasks:
        started = [tasks.create_task(hub.run()) for hub in hubs]
        await asyncio.sleep(0)
        yield
        for task in started:
            task.cancel()


async def until(condition: Callable[[], bool], within_s: float = 5.0) -> None:
    async with asyncio.timeout(within_s):
        while not condition():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.005)


@pytest.fixture
def hub(log: TableLog) -> Hub:
    return Hub(log, MemoryBus(), SystemClock(), poll_s=0.2)


async def test_what_is_appended_is_delivered_in_order(store: Store, log: TableLog, hub: Hub) -> None:
    """After a wake-up at once, from the head at the time of subscribing."""
    await say(store, log, None, new_event(0), new_event(1))
    client = Client()
    async with running(hub):
        opened = await hub.follow(subscription := client.subscription(), None)
        assert (opened.offset, opened.recovered) == (2, True)
        subscription.release()
        for number in range(20):
            await say(store, log, hub, new_event(number))
        await until(lambda: len(client.pipe.payloads) == 20)
    assert client.pipe.offsets == list(range(3, 23))
    assert [message["previous"] for message in client.pipe.messages] == list(range(2, 22))


async def test_a_lost_wake_up_only_delays(store: Store, log: TableLog, hub: Hub) -> None:
    """The slow poll finds it."""
    client = Client()
    async with running(hub):
        await hub.follow(subscription := client.subscription(), None)
        subscription.release()
        await say(store, log, None, new_event(1))
        await until(lambda: client.pipe.offsets == [1])


class HeldLog(TableLog):
    """Its `head` answers when the test says so: each call waits for the next of these."""

    def __init__(self, store: Store, *until: asyncio.Event) -> None:
        super().__init__(store)
        self.asked = 0
        self._until = list(until)

    async def head(self, topic: str) -> Position:
        self.asked += 1
        if self._until:
            await self._until.pop(0).wait()
        return await super().head(topic)


async def test_who_comes_while_an_unused_feed_is_closed_is_told_too(store: Store) -> None:
    """After a start all come at once, and nobody follows yet when the tail looks for feeds that nobody follows."""
    at_once, first_may, second_may = asyncio.Event(), asyncio.Event(), asyncio.Event()
    at_once.set()
    log = HeldLog(store, at_once, first_may, second_may)
    hub = Hub(log, MemoryBus(), SystemClock(), poll_s=0.05)
    first, second = Client(), Client()
    async with running(hub):
        async with asyncio.TaskGroup() as tasks:
            followed = tasks.create_task(hub.follow(one := first.subscription(), None))
            await until(lambda: log.asked == 2)
            await until(lambda: not hub._feeds)
            tasks.create_task(hub.follow(other := second.subscription(), None))
            await until(lambda: log.asked == 3)
            first_may.set()
            await followed
            second_may.set()
        one.release()
        other.release()
        await say(store, log, hub, new_event(1))
        await until(lambda: second.pipe.offsets == [1])
        await until(lambda: first.pipe.offsets == [1])


async def test_recovery_is_whole_or_refused(store: Store, log: TableLog, hub: Hub) -> None:
    """From any place that is still held; never from a part, another epoch or the future."""
    await say(store, log, None, *(new_event(number) for number in range(10)))
    epoch = (await log.head("alerts")).epoch
    async with store.transaction() as session:
        await log.trim(session, "alerts", 4)
    cases = {
        Cursor(epoch=epoch, offset=10): [],
        Cursor(epoch=epoch, offset=4): [5, 6, 7, 8, 9, 10],
        Cursor(epoch=epoch, offset=3): None,
        Cursor(epoch=epoch, offset=11): None,
        Cursor(epoch="another", offset=10): None,
    }
    for cursor, offsets in cases.items():
        client = Client()
        opened = await hub.follow(subscription := client.subscription(), cursor)
        assert (opened.epoch, opened.offset, opened.recovered) == (epoch, 10, offsets is not None)
        subscription.release()
        assert client.pipe.offsets == (offsets or [])


async def test_a_cursor_that_another_process_gave_is_not_refused(store: Store, log: TableLog, hub: Hub) -> None:
    """This hub has not heard of the event yet; the log has."""
    client = Client()
    await hub.follow(client.subscription(), None)
    await say(store, log, None, new_event(1), new_event(2))
    opened = await hub.follow(subscription := client.subscription(), Cursor(epoch=(await log.epoch()), offset=1))
    assert opened.recovered
    subscription.release()
    assert client.pipe.offsets == [2]


async def test_two_hubs_on_one_log_and_one_bus_both_deliver(
    store: Store, log: TableLog, buses: tuple[Bus, Bus]
) -> None:
    """Whoever appends wakes the other; each client gets each event once; volatile events cross too."""
    hubs = [Hub(TableLog(store), bus, SystemClock(), poll_s=60) for bus in buses]
    clients = [Client(), Client()]
    async with running(*hubs):
        for hub, client in zip(hubs, clients, strict=True):
            hub.watch(watching := client.subscription("system/stats"))
            watching.release()
            await hub.follow(subscription := client.subscription(), None)
            subscription.release()
        for number in range(10):
            await say(store, log, hubs[number % 2], new_event(number))
        hubs[0].publish_volatile("system/stats", "system.stats", "system", {"cameras": 2})
        await until(lambda: all(len(client.pipe.payloads) == 11 for client in clients))
    for client in clients:
        stored = [message for message in client.pipe.messages if "offset" in message]
        assert [message["offset"] for message in stored] == list(range(1, 11))
        assert sum("offset" not in message for message in client.pipe.messages) == 1


async def test_volatile_events_reach_who_watches_and_are_never_stored(log: TableLog, hub: Hub) -> None:
    """And nobody after he left."""
    client = Client()
    hub.watch(subscription := client.subscription("cameras/c1/tracks"))
    subscription.release()
    assert hub.watched("cameras/c1/tracks")
    hub.publish_volatile("cameras/c1/tracks", "tracks.updated", "cameras/c1", {"cameraId": "c1"})
    hub.publish_volatile("cameras/c2/tracks", "tracks.updated", "cameras/c2", {"cameraId": "c2"})
    hub.leave(subscription)
    hub.publish_volatile("cameras/c1/tracks", "tracks.updated", "cameras/c1", {"cameraId": "c1"})
    assert len(client.pipe.payloads) == 1
    assert not hub.watched("cameras/c1/tracks")
    assert await log.heads() == {}
    with pytest.raises(ValueError, match="alerts"):
        hub.publish_volatile("alerts", "alert.raised", "test", {})


async def test_a_new_epoch_sends_everybody_away_to_come_back(store: Store, log: TableLog, hub: Hub) -> None:
    """They come back with their cursor and are told that history no longer reaches back."""
    await say(store, log, None, new_event(1))
    client = Client()
    hub.listeners.add(client)
    async with running(hub):
        opened = await hub.follow(client.subscription(), None)
        async with store.transaction() as session:
            await log.begin_epoch(session)
        await until(lambda: client.ended is CloseCode.RESTARTING)
        again = await hub.follow(client.subscription(), Cursor(epoch=opened.epoch, offset=opened.offset))
    assert not again.recovered


async def test_revocations_reach_every_connection_everywhere(log: TableLog) -> None:
    """Each asks the gate again."""
    bus = MemoryBus()
    hubs = [Hub(log, bus, SystemClock()) for _ in range(2)]
    clients = [Client(), Client()]
    for hub, client in zip(hubs, clients, strict=True):
        hub.listeners.add(client)
    async with running(*hubs):
        await asyncio.sleep(0)
        hubs[0].revoked()
        await until(lambda: all(client.checked for client in clients))
        bus.publish("log", b"no json")
        bus.publish("volatile", b"[1]")
        hubs[1].revoked()
        await until(lambda: clients[0].checked >= 2)


async def test_rewritten_events_are_in_no_memory_anywhere(log: TableLog, store: Store) -> None:
    """Somebody was erased: here at once, in other processes as soon as they hear of it. What comes next is told."""
    bus = MemoryBus()
    here, there = (Hub(log, bus, SystemClock(), poll_s=60.0) for _ in range(2))
    await say(store, log, None, *(new_event(number) for number in range(3)))
    followers = []
    for hub in (here, there):
        followers.append(Client().subscription())
        await hub.follow(followers[-1], None)
        followers[-1].release()
    feeds = [one.feed for one in followers]
    assert [feed.first for feed in feeds if feed is not None] == [1, 1]
    async with running(here, there):
        await asyncio.sleep(0)
        here.rewritten()
        assert feeds[0] is not None
        assert feeds[0].first == 4
        await until(lambda: [feed.first for feed in feeds if feed is not None] == [4, 4])
        await say(store, log, here, new_event(3))
        await until(lambda: [one.cursor for one in followers] == [4, 4])


async def test_a_word_of_rewritten_events_that_is_lost(log: TableLog, store: Store) -> None:
    """The next look at the log notices."""
    hub = Hub(log, MemoryBus(), SystemClock(), poll_s=0.02)
    await say(store, log, None, new_event(0))
    follower = Client().subscription()
    await hub.follow(follower, None)
    feed = follower.feed
    assert feed is not None
    async with running(hub):
        await until(lambda: feed.first == 2)  # what was read before its first look may be old
        await say(store, log, hub, new_event(1))
        await until(lambda: feed.head == 2)
        assert feed.first == 2
        async with store.transaction() as session:
            session.add(Erasure(person_id="p", scope="person", state="done", asked_by="ada"))
        await until(lambda: feed.first == 3)


async def test_what_is_remembered_is_forgotten_before_anybody_asks(log: TableLog) -> None:
    """When another process says that something ended."""
    bus, order = MemoryBus(), list[str]()
    here, there = Hub(log, bus, SystemClock()), Hub(log, bus, SystemClock())
    client = Client()
    client.recheck = lambda: order.append("asked")  # type: ignore[method-assign]
    here.listeners.add(client)
    here.on_revoked = lambda: order.append("forgotten")
    async with running(here, there):
        await asyncio.sleep(0)
        there.revoked()
        await until(lambda: len(order) == 2)
    assert order == ["forgotten", "asked"]


class Fragile(TableLog):
    """A log whose database goes away."""

    away = False

    async def read(self, topic: str, after: int, limit: int) -> list[StoredEvent]:
        if self.away:
            raise RollcallError("The database is away.")
        return await super().read(topic, after, limit)


async def test_a_database_that_goes_away_only_delays(store: Store) -> None:
    """The tail goes on when it is back."""
    log = Fragile(store)
    hub = Hub(log, MemoryBus(), SystemClock(), poll_s=0.05)
    client = Client()
    async with running(hub):
        await hub.follow(subscription := client.subscription(), None)
        subscription.release()
        log.away = True
        await say(store, log, hub, new_event(1))
        await asyncio.sleep(0.1)
        assert client.pipe.payloads == []
        log.away = False
        await until(lambda: client.pipe.offsets == [1])


async def test_a_long_absence_is_read_from_the_log(store: Store, log: TableLog) -> None:
    """More than memory holds: the subscription asks for pages, and loses nothing to what happens meanwhile."""
    hub = Hub(log, MemoryBus(), SystemClock(), limits=FeedLimits(keep=5))
    await say(store, log, None, *(new_event(number) for number in range(300)))
    client = Client()
    async with running(hub):
        opened = await hub.follow(subscription := client.subscription(), Cursor(epoch=await log.epoch(), offset=0))
        assert opened.recovered
        subscription.release()
        assert subscription.needs_log
        while subscription.needs_log:
            await say(store, log, hub, new_event(1))
            assert subscription.replay(await hub.pages.read("alerts", subscription.cursor))
        subscription.advance()
        head = (await log.head("alerts")).offset
        await until(lambda: len(client.pipe.payloads) == head)
    assert client.pipe.offsets == list(range(1, head + 1))
