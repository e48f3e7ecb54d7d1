"""Deliveries: what is due, what is over, and what is kept of it."""

from typing import Any

import pytest

from server.errors import NotFound
from server.store import deliveries
from server.store.engine import Store
from server.store.paging import Page
from server.store.tables import Delivery, DeliveryTry, Webhook
from tests.store.conftest import NOON, after
from tests.store.test_webhooks import add


async def add_all(store: Store, webhook: Webhook, *several: dict[str, Any]) -> list[Delivery]:
    usual: dict[str, Any] = {
        "webhook_id": webhook.id, "type": "alert.raised", "topic": "alerts", "state": "pending", "next_at": NOON,
        "give_up_at": after(1440),
    }  # fmt: skip
    rows = [Delivery(**(usual | {"message_id": f"m{n}"} | more)) for n, more in enumerate(several)]
    async with store.transaction() as session:
        await deliveries.add(session, rows)
        for row in rows:
            await deliveries.note_try(
                session, DeliveryTry(delivery_id=row.id, at=NOON, reason="taken", answer=f"You said {row.message_id}")
            )
    return rows


async def test_the_oldest_of_those_that_are_due(store: Store) -> None:
    """Tests first, then what is new or set free, and then what has failed. Of one that is off, tests alone."""
    webhook = await add(store, "x")
    rows = await add_all(
        store, webhook, {"result": "http_400"}, {"next_at": after(1)}, {"result": deliveries.BACK}, {}, {"topic": ""},
        {"state": "dead"},
    )  # fmt: skip
    for tests_only, at, n in ((True, NOON, 4), (False, after(1), 4), (False, NOON, 2), (False, NOON, 3),
                              (False, after(1), 1), (False, after(1), 0)):  # fmt: skip
        async with store.transaction() as session:
            assert await deliveries.due(session, webhook.id, after(-1), tests_only=False) is None
            found = await deliveries.due(session, webhook.id, at, tests_only=tests_only)
            assert found is not None
            assert found.id == rows[n].id
            if not tests_only:
                found.state = "delivered"


async def test_the_receiver_is_back(store: Store) -> None:
    """What it had no answer for is tried now, once; what it refused is not, nor what it keeps failing for."""
    webhook = await add(store, "x")
    results = ("http_500", "http_429", "timed_out", "redirected", "http_400", deliveries.KEEPS_FAILING, None)
    waits = [{"result": result, "next_at": after(60)} for result in results]
    rows = await add_all(store, webhook, *waits)
    for at in (NOON, after(1)):
        async with store.transaction() as session:
            await deliveries.hurry(session, webhook.id, at)
    async with store.read() as session:
        found = [await session.get_one(Delivery, row.id) for row in rows]
    assert [one.next_at for one in found] == [NOON] * 4 + [after(60)] * 3
    assert [one.result for one in found] == [deliveries.BACK] * 4 + [*results[4:]]


async def test_how_a_webhook_stands(store: Store) -> None:
    """Counted for several at once."""
    one, other = await add(store, "one"), await add(store, "other")
    await add_all(store, one, {}, {"state": "dead"}, {"state": "delivered", "finished_at": after(3)})
    async with store.read() as session:
        found = await deliveries.tallies(session, [one.id, other.id])
        assert found == {one.id: deliveries.Tally(1, 1, after(3))}
        assert await deliveries.count_pending(session, one.id) == 1
        page = await deliveries.page(session, Page(search="raised"), one.id, state="dead", type_="alert.raised")
        assert page.total == 1
        tries = await deliveries.tries_of(session, [row.id for row in page.rows])
        assert [each.answer for each in tries[page.rows[0].id]] == ["You said m1"]
        with pytest.raises(NotFound):
            await deliveries.get(session, other.id, page.rows[0].id)


async def test_a_change_that_comes_too_late(store: Store) -> None:
    """Of one that somebody has sent again or ended meanwhile, nothing is written."""
    webhook = await add(store, "x")
    (row,) = await add_all(store, webhook, {})
    async with store.transaction() as session:
        assert await deliveries.change(session, row, tries=1, next_at=after(1), result="http_500")
        assert not await deliveries.change(session, row, state="dead")
    async with store.transaction() as session:
        await deliveries.hurry(session, webhook.id, NOON)
        assert await deliveries.give_up(session, webhook.id, after(1441), "gave_up") == 1
    async with store.read() as session:
        after_all = await session.get_one(Delivery, row.id)
    assert (after_all.next_at, after_all.state, after_all.result) == (NOON, "dead", "gave_up")


async def test_what_is_old_goes_with_its_tries(store: Store) -> None:
    """So many at once; what is pending stays."""
    webhook = await add(store, "x")
    over = {"state": "delivered", "finished_at": after(-10)}
    rows = await add_all(store, webhook, over, over, {"state": "dead", "finished_at": after(5)}, {})
    async with store.transaction() as session:
        assert await deliveries.forget_old(session, NOON, 1) == 1
        assert await deliveries.forget_old(session, NOON, 9) == 1
        assert await deliveries.forget_old(session, NOON, 9) == 0
    async with store.read() as session:
        assert set(await deliveries.tries_of(session, [row.id for row in rows])) == {rows[2].id, rows[3].id}


@pytest.mark.parametrize("forget_who", [False, True])
async def test_what_receivers_said_back_of_somebody(store: Store, forget_who: bool) -> None:
    """Is emptied when they are erased; of the person as a whole nothing says any more that it was about them."""
    webhook = await add(store, "x")
    hers, his = await add_all(store, webhook, {"person_id": "ada"}, {"person_id": "bob"})
    async with store.transaction() as session:
        assert await deliveries.forget_answers(session, ["ada"], forget_who=forget_who) == 1
    async with store.read() as session:
        tries = await deliveries.tries_of(session, [hers.id, his.id])
        assert [tries[one.id][0].answer for one in (hers, his)] == ["", "You said m1"]
        assert (await session.get_one(Delivery, hers.id)).person_id == (None if forget_who else "ada")


def test_whom_an_event_tells_of() -> None:
    """In either of the shapes that events have."""
    assert deliveries.person_in({"person": {"id": "ada"}}) == "ada"
    assert deliveries.person_in({"personId": "ada", "person": None}) == "ada"
    assert deliveries.person_in({"person": None}) is None
    assert deliveries.person_in({}) is None
