"""What the tests of this room share: webhooks on a real database, a real receiver, and one who delivers."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from ipaddress import ip_network
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from server.access.keyring import Keyring
from server.access.webhook_seals import WebhookSeals
from server.address import ReceiverRules
from server.bus.memory import MemoryBus
from server.clock import ManualClock
from server.events.schema import NewEvent, StoredEvent
from server.ids import new_id
from server.outbound.deliverer import Deliverer, Pace
from server.outbound.frappe import FrappeReceiver
from server.outbound.messages import Receiver as Receives
from server.outbound.noting import Noting
from server.outbound.queueing import Queueing
from server.outbound.sending import open_sender
from server.outbound.standard import StandardReceiver
from server.outbound.webhooks import Wanted, Webhooks
from server.store import deliveries
from server.store.engine import Store
from server.store.event_log import TableLog
from server.store.paging import Page
from server.store.tables import Delivery, DeliveryTry, Webhook
from server.store.webhooks import WEBHOOKS
from tests.databases import databases as databases
from tests.databases import store as store
from tests.outbound.receiver import Receiver, open_receiver

LOOPBACK = ReceiverRules((ip_network("127.0.0.0/8"),))
QUICK = Pace(lease_s=30.0, poll_s=0.02)
SECRET = "a-secret-of-tests-0123456789-abcdefghijklmnop"


@dataclass
class Office:
    """Everything that belongs to webhooks, on one database."""

    store: Store
    clock: ManualClock
    bus: MemoryBus = field(default_factory=MemoryBus)
    rules: ReceiverRules = LOOPBACK
    woken: list[str] = field(default_factory=list)
    outcomes: list[str] = field(default_factory=list)
    seals: WebhookSeals = field(default_factory=lambda: WebhookSeals(Keyring((SECRET,))))
    most_pending: int = 10_000

    @property
    def log(self) -> TableLog:
        return TableLog(self.store)

    @property
    def queueing(self) -> Queueing:
        return Queueing(self.log, most_pending=self.most_pending)

    @property
    def webhooks(self) -> Webhooks:
        return Webhooks(self.bus, self.clock, self.rules, self.seals, self.queueing, self.noting)

    @property
    def noting(self) -> Noting:
        return Noting(self.store, self.log, self.clock, self.woken.extend, self.outcomes.append)

    def deliverer(self, name: str = "w1", pace: Pace = QUICK, within_s: float = 15.0) -> Deliverer:
        receivers: dict[str, Receives] = {
            "standard": StandardReceiver(),
            "frappe": FrappeReceiver(lambda: ZoneInfo("Europe/Berlin")),
        }
        sender = partial(open_sender, self.rules, self.clock, within_s=within_s)
        return Deliverer(
            self.store, self.bus, self.clock, self.seals, sender, receivers, self.queueing, self.noting, name=name,
            pace=pace,
        )  # fmt: skip

    async def add(self, url: str, *types: str, **more: Any) -> tuple[Webhook, str]:
        chosen: dict[str, Any] = {
            "name": f"To {new_id()}", "kind": "standard", "url": url, "types": types or ("attendance.checked_in",),
            "camera_ids": None, "department_ids": None, "active": True, "options": {},
        } | more  # fmt: skip
        wanted = Wanted(**chosen)
        await self.webhooks.check(wanted, lambda _permission: True)
        epoch = await self.log.epoch()
        async with self.store.transaction() as session:
            row, secret = await self.webhooks.create(session, wanted, epoch)
        return row, secret or ""

    async def load(self, webhook: Webhook) -> Webhook:
        async with self.store.read() as session:
            return await WEBHOOKS.get(session, webhook.id)

    async def happen(self, count: int = 1, *, type_: str = "attendance.checked_in", **data: Any) -> list[StoredEvent]:
        """So many events, with the number of each in it."""
        said = {"entryId": "e", "person": {"id": "p1", "fullName": "Ada"}, "cameraId": "c1", "direction": "in"} | data
        topic = {"attendance": "attendance", "alert": "alerts", "camera": "cameras"}[type_.partition(".")[0]]
        events = [
            NewEvent(topic, type_, "cameras/c1", {"n": n, "at": self.clock.now(), **said}, self.clock.now())
            for n in range(count)
        ]
        async with self.store.transaction() as session:
            stored = await self.log.append(session, events)
        self.bus.publish("log", b"")
        return stored

    async def until_failures(self, webhook: Webhook, count: int) -> None:
        """Its tries have failed so often, one after another."""
        for _ in range(6000):
            if (await self.load(webhook)).failures >= count:
                return
            await asyncio.sleep(0.01)
        raise AssertionError(f"it never failed {count} times")

    async def deliveries(self, webhook: Webhook) -> Sequence[Delivery]:
        async with self.store.read() as session:
            return (await deliveries.page(session, Page(page_size=200, sort="createdAt"), webhook.id)).rows

    async def tries(self, delivery: Delivery) -> list[DeliveryTry]:
        async with self.store.read() as session:
            return (await deliveries.tries_of(session, [delivery.id])).get(delivery.id, [])

    async def until(self, webhook: Webhook, holds: Callable[[Sequence[Delivery]], bool]) -> Sequence[Delivery]:
        """The deliveries, as soon as that is true of them."""
        async with asyncio.timeout(60):
            while True:
                rows = await self.deliveries(webhook)
                if rows and holds(rows):
                    return rows
                await asyncio.sleep(0.01)

    async def until_over(self, webhook: Webhook, count: int = 1) -> Sequence[Delivery]:
        return await self.until(
            webhook, lambda rows: len(rows) >= count and all(one.state != "pending" for one in rows)
        )


async def until_that(holds: Callable[[], bool]) -> None:
    for _ in range(6000):
        if holds():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never came to that")


@asynccontextmanager
async def running(*deliverers: Deliverer) -> AsyncIterator[None]:
    """Each as a process of its own would run it."""
    async with asyncio.TaskGroup() as tasks:
        started = [tasks.create_task(one.run()) for one in deliverers]
        try:
            yield
        finally:
            for task in started:
                task.cancel()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def office(store: Store, clock: ManualClock) -> Office:
    return Office(store, clock)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with open_receiver() as opened:
        yield opened
