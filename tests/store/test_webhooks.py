"""Who delivers to a webhook: one at a time, and whose turn it is next."""

from datetime import timedelta
from typing import Any

from server.store import webhooks
from server.store.engine import Store
from server.store.tables import Delivery, Webhook
from server.store.webhooks import Turn
from tests.store.conftest import NOON, after

LEASE = timedelta(seconds=30)


async def add(store: Store, name: str, **more: Any) -> Webhook:
    fields: dict[str, Any] = {"name": name, "kind": "standard", "url": "u", "types": ["alert.raised"]} | more
    row = Webhook(**fields)
    async with store.transaction() as session:
        session.add(row)
    return row


async def add_delivery(store: Store, webhook: Webhook, topic: str = "alerts", minutes: float = 0) -> None:
    one = Delivery(
        webhook_id=webhook.id, message_id=f"{topic}{minutes}", type="t", topic=topic, state="pending",
        next_at=after(minutes), give_up_at=after(1440),
    )  # fmt: skip
    async with store.transaction() as session:
        session.add(one)


async def waiting(
    store: Store, heads: dict[str, int] | None = None, minutes: float = 0, most: int = 10_000
) -> list[str]:
    async with store.read() as session:
        return await webhooks.waiting(session, after(minutes), heads or {}, 10, most)


async def test_whom_there_is_something_for(store: Store) -> None:
    """Who has something due and may get it, and who is behind the log; the others can wait."""
    due, behind = await add(store, "due"), await add(store, "behind", cursor={"alerts": 4})
    rests = await add(store, "rests", resumes_at=after(1))
    off = await add(store, "off", active=False, cursor={"alerts": 0})
    later, served = await add(store, "later"), await add(store, "served", lease_until=after(1), cursor={"alerts": 0})
    for one in (due, rests, off):
        await add_delivery(store, one)
    await add_delivery(store, later, minutes=5)
    assert set(await waiting(store, {"alerts": 4})) == {due.id}
    assert set(await waiting(store, {"alerts": 5})) == {due.id, behind.id}
    assert served.id in await waiting(store, {"alerts": 5}, minutes=2)
    assert rests.id in await waiting(store, minutes=2)
    assert later.id in await waiting(store, minutes=6)
    await add_delivery(store, off, topic="")
    assert off.id in await waiting(store)  # for a test


async def test_one_that_is_full_waits_for_what_is_due(store: Store) -> None:
    """Behind the log, but without room for more: nobody has to look before something of it can be sent."""
    full = await add(store, "full", cursor={"alerts": 4}, resumes_at=after(2))
    await add_delivery(store, full, minutes=1)
    assert await waiting(store, {"alerts": 5}, most=1) == []
    assert await waiting(store, {"alerts": 5}, minutes=1, most=1) == []
    assert await waiting(store, {"alerts": 5}, minutes=2, most=1) == [full.id]
    assert await waiting(store, {"alerts": 5}, most=2) == [full.id]


async def test_one_at_a_time(store: Store) -> None:
    """Until its lease ends; who has lost it writes nothing any more."""
    row = await add(store, "x")
    first, second = Turn(row.id, "w1"), Turn(row.id, "w2")
    async with store.transaction() as session:
        assert await webhooks.take(session, first, NOON, LEASE)
        assert await webhooks.take(session, second, NOON, LEASE) is None
        assert await webhooks.write(session, first, failures=1)
        assert not await webhooks.write(session, second, failures=2)
    async with store.transaction() as session:
        assert await webhooks.take(session, second, after(1), LEASE)
        assert not await webhooks.write(session, first, failures=3)
    async with store.read() as session:
        assert (await session.get_one(Webhook, row.id)).failures == 1


async def test_the_longest_unserved_first(store: Store) -> None:
    """So that none that has much to do keeps the others waiting."""
    new, old = await add(store, "new"), await add(store, "old", served_at=after(-9))
    recent = await add(store, "recent", served_at=after(-1))
    for one in (recent, old, new):
        await add_delivery(store, one)
    assert await waiting(store) == [new.id, old.id, recent.id]


async def test_sealed_anew(store: Store) -> None:
    """What was changed meanwhile stays as it is now."""
    row = await add(store, "x", key_id="old", sealed="a")
    async with store.transaction() as session:
        assert await webhooks.sealed_otherwise(session, "new") == [(row.id, "a")]
        await webhooks.reseal(session, row.id, "b", "new", "c")
        assert await webhooks.count_by_key(session) == {"old": 1}
        await webhooks.reseal(session, row.id, "a", "new", "c")
        assert await webhooks.count_by_key(session) == {"new": 1}
        assert await webhooks.heads(session, ["alerts"]) == {"alerts": 0}
