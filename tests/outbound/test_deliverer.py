"""Delivering, from the log to a real receiver, on both databases."""

import asyncio
from datetime import UTC, datetime, timedelta

import orjson
import pytest
from aiohttp import web
from sqlmodel import col, update

from server.clock import ManualClock, SystemClock
from server.outbound.deliverer import Pace
from server.outbound.messages import Answer, Verdict
from server.outbound.noting import Noting
from server.outbound.standard import StandardReceiver
from server.store.tables import Delivery, Webhook
from server.store.webhooks import Turn
from tests.outbound.conftest import QUICK, Office, running, until_that
from tests.outbound.receiver import Got, Receiver, open_receiver


async def test_an_event_arrives_signed(office: Office, receiver: Receiver) -> None:
    """The same JSON as on the WebSocket, with the id of the event, a signature that its library accepts, and a log."""
    office.clock = ManualClock(datetime.now(UTC))  # the library compares with the time of day
    webhook, secret = await office.add(receiver.url)
    async with running(office.deliverer()):
        (event,) = await office.happen()
        (delivery,) = await office.until_over(webhook)
        await until_that(lambda: office.outcomes == ["delivered"])
    (got,) = receiver.got
    got.check(secret)
    assert (got.method, got.id) == ("POST", event.id)
    assert got.event == {
        "id": event.id, "type": "attendance.checked_in", "source": "cameras/c1", "data": event.data,
        "time": event.time.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }  # fmt: skip
    assert (delivery.state, delivery.result, delivery.tries) == ("delivered", "taken", 1)
    (tried,) = await office.tries(delivery)
    assert (tried.status, tried.reason, tried.answer) == (200, "taken", "thanks")


async def test_what_was_before_is_not_told(office: Office, receiver: Receiver) -> None:
    """A new one begins now, in order, with what it asked for and with nothing else."""
    await office.happen(3)
    webhook, _ = await office.add(receiver.url)
    await office.happen(5)
    await office.happen(1, type_="attendance.refused")
    await office.happen(1, type_="alert.raised", subject="x")
    async with running(office.deliverer()):
        await receiver.until(5)
        await office.until_over(webhook, 5)
    assert [orjson.loads(one.body)["data"]["n"] for one in receiver.got] == [0, 1, 2, 3, 4]


async def test_only_what_is_about_the_named(office: Office, receiver: Receiver) -> None:
    """Cameras and departments limit it, as they limit people who read."""
    webhook, _ = await office.add(receiver.url)
    async with office.store.transaction() as session:
        await session.exec(update(Webhook).values(camera_ids=["c2"], department_ids=["d1"]))
    person = {"id": "p1", "fullName": "Ada", "departmentId": "d1"}
    await office.happen(person=person)
    await office.happen(cameraId="c2")
    (wanted,) = await office.happen(cameraId="c2", person=person)
    async with running(office.deliverer()):
        await office.until_over(webhook)
    assert [one.id for one in receiver.got] == [wanted.id]


async def test_it_is_tried_again(office: Office, receiver: Receiver) -> None:
    """A receiver that fails gets it again later, with the same id, and every try is in the log."""
    receiver.statuses = [500, 503]
    webhook, _ = await office.add(receiver.url)
    async with running(office.deliverer()):
        await office.happen()
        for tries in (1, 2):
            await office.until(webhook, lambda rows, n=tries: rows[0].tries == n)  # type: ignore[misc]
            office.clock.advance(61)
        (delivery,) = await office.until_over(webhook)
    assert len({one.id for one in receiver.got}) == 1
    assert [one.reason for one in await office.tries(delivery)] == ["http_500", "http_503", "taken"]
    assert (await office.load(webhook)).failures == 0


async def test_a_day_later_it_is_dead(office: Office, receiver: Receiver) -> None:
    """With an alert; sent once more by hand it begins again with the same id, and the alert is cleared."""
    receiver.always = 500
    webhook, _ = await office.add(receiver.url)
    async with running(office.deliverer()):
        await office.happen()
        for tries in range(1, 100):
            rows = await office.until(webhook, lambda rows, n=tries: rows[0].tries >= n or rows[0].state == "dead")  # type: ignore[misc]
            if rows[0].state == "dead":
                break
            waits = rows[0].next_at - office.clock.now()
            office.clock.advance(max(waits.total_seconds(), 61))
        (delivery,) = await office.deliveries(webhook)
        assert (delivery.state, delivery.finished_at) == ("dead", delivery.give_up_at)
        assert 15 < delivery.tries < 40
        await until_that(lambda: office.woken == ["alerts"])
        receiver.always = 200
        async with office.store.transaction() as session:
            row = await session.get_one(Delivery, delivery.id)
            await office.webhooks.redeliver(session, await session.get_one(Webhook, webhook.id), row, lambda _: True)
        (delivery,) = await office.until_over(webhook)
        await until_that(lambda: office.woken == ["alerts", "alerts"])
    assert delivery.state == "delivered"
    assert len({one.id for one in receiver.got}) == 1


async def test_it_waits_as_long_as_it_is_asked_to(office: Office, receiver: Receiver) -> None:
    """`Retry-After` counts for everything that goes to that receiver."""
    receiver.statuses, receiver.headers = [429], {"Retry-After": "600"}
    webhook, _ = await office.add(receiver.url)
    async with running(office.deliverer()):
        await office.happen()
        await office.until(webhook, lambda rows: rows[0].tries == 1)
        office.clock.advance(599)
        await office.happen()
        await office.until(webhook, lambda rows: len(rows) == 2)
        assert len(receiver.got) == 1
        office.clock.advance(2)
        await office.until_over(webhook, 2)


async def test_gone_switches_it_off(office: Office, receiver: Receiver) -> None:
    """410: nothing more is sent, an alert says so, and what happens meanwhile is not told later."""
    receiver.statuses = [410]
    webhook, _ = await office.add(receiver.url)
    async with running(office.deliverer()):
        await office.happen()
        (delivery,) = await office.until_over(webhook)
        row = await office.load(webhook)
        assert (row.active, row.disabled_reason, delivery.state, delivery.result) == (False, "gone", "dead", "gone")
        await until_that(lambda: office.woken == ["alerts"])
        await office.happen()
        async with office.store.transaction() as session:
            await office.webhooks.test(session, await session.get_one(Webhook, webhook.id))
        await receiver.until(2)  # a test goes out all the same
    assert [one.event["type"] for one in receiver.got] == ["attendance.checked_in", "webhook.test"]


async def test_a_slow_receiver_holds_nobody_up(office: Office, receiver: Receiver) -> None:
    """While one says nothing, another gets everything; what took too long is tried again."""

    async def never(_request: web.Request) -> web.StreamResponse:
        await asyncio.Event().wait()
        raise AssertionError

    async with open_receiver() as slow:
        slow.answer = never
        stuck, _ = await office.add(slow.url)
        webhook, _ = await office.add(receiver.url)
        async with running(office.deliverer()):
            await office.happen(5)
            await slow.until(1)
            await office.until_over(webhook, 5)
            assert [one.state for one in await office.deliveries(stuck)] == ["pending"] * 5
            assert len(slow.got) == 1  # one at a time
        async with running(office.deliverer("w2", within_s=0.2)):
            office.clock.advance(31)  # the lease of who was stopped may have stayed
            rows = await office.until(stuck, lambda rows: rows[0].tries == 1)
        assert rows[0].result == "timed_out"


async def test_two_processes_deliver_once(office: Office, receiver: Receiver) -> None:
    """However many look: each event goes out once, in order."""
    webhook, _ = await office.add(receiver.url)
    async with running(*(office.deliverer(f"w{n}") for n in range(3))):
        for _ in range(5):
            await office.happen(6)
        await office.until_over(webhook, 30)
    ids = [one.id for one in receiver.got]
    assert len(ids) == len(set(ids)) == 30


async def test_who_was_killed_is_followed(office: Office, receiver: Receiver) -> None:
    """A lease that is held by nobody runs out, and another process goes on with what was pending."""
    webhook, _ = await office.add(receiver.url)
    held = office.clock.now() + timedelta(seconds=30)
    async with office.store.transaction() as session:
        await session.exec(
            update(Webhook).where(col(Webhook.id) == webhook.id).values(worker="killed", lease_until=held)
        )
    other, _ = await office.add(f"{receiver.url}/other")
    async with running(office.deliverer()):
        await office.happen()
        await office.until_over(other)  # so it has looked
        assert [one.path for one in receiver.got] == ["/hook/other"]
        office.clock.advance(31)
        await office.until_over(webhook)


async def test_a_lost_turn_writes_nothing(office: Office, receiver: Receiver) -> None:
    """Somebody else has taken over meanwhile: what came of the try is theirs to find out."""
    webhook, _ = await office.add(receiver.url)

    async def taken_over(_request: web.Request) -> web.StreamResponse:
        async with office.store.transaction() as session:
            later = office.clock.now() + timedelta(hours=1)
            await session.exec(update(Webhook).values(worker="other", lease_until=later))
        return web.Response()

    receiver.answer = taken_over
    async with running(office.deliverer()):
        await office.happen()
        await receiver.until(1)
        other, _ = await office.add(f"{receiver.url}/other", "alert.raised")
        receiver.answer = None
        await office.happen(1, type_="alert.raised", subject="x")
        await office.until_over(other)  # so it has gone on after that answer
    (delivery,) = await office.deliveries(webhook)
    assert (delivery.state, delivery.tries, (await office.load(webhook)).worker) == ("pending", 0, "other")


async def test_an_event_that_is_gone(office: Office, receiver: Receiver) -> None:
    """Trimmed before it went out: dead with the reason, and those after it go out."""
    receiver.statuses = [500]
    webhook, _ = await office.add(receiver.url)
    async with running(office.deliverer()):
        await office.happen(2)
        await office.until(webhook, lambda rows: rows[0].tries == 1)
        async with office.store.transaction() as session:
            await office.log.trim(session, "attendance", 1)
        office.clock.advance(61)
        rows = await office.until_over(webhook, 2)
    assert sorted((one.state, one.result or "") for one in rows) == [("dead", "event_gone"), ("delivered", "taken")]


async def test_after_a_restore_it_begins_now(office: Office, receiver: Receiver) -> None:
    """Another life of the log: offsets of the old one mean nothing, and what waited is dead."""
    receiver.statuses = [500]
    webhook, _ = await office.add(receiver.url)
    async with running(office.deliverer()):
        await office.happen()
        await office.until(webhook, lambda rows: rows[0].tries == 1)
        async with office.store.transaction() as session:
            await office.log.begin_epoch(session)
        office.clock.advance(61)
        (old,) = await office.until_over(webhook)
        assert (old.state, old.result) == ("dead", "history_reset")
        await office.happen()
        await office.until(webhook, lambda rows: len(rows) == 2 and rows[1].state == "delivered")


async def test_a_receiver_that_is_back_gets_all_at_once(office: Office, receiver: Receiver) -> None:
    """What waited for a later try is tried as soon as one is taken."""
    receiver.statuses = [500] * 3
    webhook, _ = await office.add(receiver.url)
    async with running(office.deliverer()):
        await office.happen(3)
        for failures in (1, 2, 3):
            await office.until_failures(webhook, failures)
            office.clock.advance(4 * 2**failures)
        await office.until_over(webhook, 3)
    ids: list[Got] = receiver.got
    assert len(ids) == 6


async def refuse(receiver: Receiver, status: int, refused: set[int]) -> None:
    """Events with these numbers are answered with that status, always; the others are taken."""

    async def answer(_request: web.Request) -> web.StreamResponse:
        number = orjson.loads(receiver.got[-1].body)["data"]["n"]
        return web.Response(status=status if number in refused else 200)

    receiver.answer = answer


async def test_events_that_are_refused_hold_up_no_others(office: Office, receiver: Receiver) -> None:
    """All the good ones go out at once, in order, before a refused one is tried again; and it is not hurried."""
    await refuse(receiver, 400, {0, 1, 2})
    webhook, _ = await office.add(receiver.url)
    async with running(office.deliverer()):
        await office.happen(12)
        await office.until(webhook, lambda rows: sum(one.state == "delivered" for one in rows) == 9)
        await office.happen(12)
        await office.until(webhook, lambda rows: sum(one.state == "delivered" for one in rows) == 18)
        rows = await office.until(webhook, lambda rows: all(one.tries == 1 for one in rows))
    assert [one.result for one in rows[:3]] == ["http_400"] * 3
    assert len(receiver.got) == 24


async def test_events_that_break_the_receiver_are_hurried_once(office: Office, receiver: Receiver) -> None:
    """It looks as if it were away. They are tried again as soon as it is back, and after that in their own time."""
    await refuse(receiver, 500, {0, 1})
    webhook, _ = await office.add(receiver.url)
    async with running(office.deliverer()):
        await office.happen(3)
        for failures in (1, 2):
            await office.until_failures(webhook, failures)
            office.clock.advance(61 if failures == 2 else 4)  # no longer than until the next new one
        rows = await office.until(webhook, lambda rows: [one.tries for one in rows] == [2, 2, 1])
        assert [one.result for one in rows] == ["keeps_failing", "keeps_failing", "taken"]
        receiver.answer = None
        await office.happen(10)
        await office.until(webhook, lambda rows: sum(one.state == "delivered" for one in rows) == 11)
        rows = await office.deliveries(webhook)
    assert [one.tries for one in rows[:2]] == [2, 2]


async def test_a_test_comes_before_all_that_waits(office: Office, receiver: Receiver) -> None:
    """Whoever asks for one wants to know now."""
    webhook, _ = await office.add(receiver.url)
    await office.happen(3)
    async with office.store.transaction() as session:
        await office.webhooks.test(session, await session.get_one(Webhook, webhook.id))
    async with running(office.deliverer()):
        await office.until_over(webhook, 4)
    assert [one.event["type"] for one in receiver.got] == ["webhook.test"] + ["attendance.checked_in"] * 3


async def test_an_error_is_not_repeated_without_a_pause(
    office: Office, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever fails here: its lease has to run out first, and meanwhile the others are served."""
    asked: list[str] = []
    note = Noting.note

    async def breaking(
        self: Noting, turn: Turn, webhook: Webhook, delivery: Delivery, answer: Answer | None, verdict: Verdict
    ) -> bool:
        if webhook.id == broken.id:
            asked.append(delivery.id)
            raise RuntimeError("a fault of ours")
        return await note(self, turn, webhook, delivery, answer, verdict)

    monkeypatch.setattr(Noting, "note", breaking)
    broken, _ = await office.add(f"{receiver.url}/broken")
    webhook, _ = await office.add(f"{receiver.url}/whole")
    async with running(office.deliverer()):
        for count in range(1, 6):
            await office.happen()
            await office.until_over(webhook, count)
        await until_that(lambda: len(asked) == 1)
        office.clock.advance(31)
        await until_that(lambda: len(asked) == 2)


@pytest.mark.parametrize(("place", "sent"), [("request", 0), ("judge", 2)])
async def test_a_fault_of_ours_is_a_try(
    office: Office, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, place: str, sent: int
) -> None:
    """It is in the log without a word of the error, is tried again later, and ends; others are not held up by it."""
    faulty, faults = getattr(StandardReceiver, place), list[str]()

    def breaking(self: StandardReceiver, *given: object) -> object:
        if len(faults) < 2:
            faults.append(place)
            raise RuntimeError("secret words")
        return faulty(self, *given)

    monkeypatch.setattr(StandardReceiver, place, breaking)
    webhook, _ = await office.add(receiver.url)
    async with running(office.deliverer()):
        await office.happen()
        (first,) = await office.until(webhook, lambda rows: rows[0].tries == 1)
        assert (first.state, first.result) == ("pending", "internal_error")
        assert first.next_at > office.clock.now()
        assert (await office.load(webhook)).resumes_at is None
        office.clock.advance(61)
        await office.until(webhook, lambda rows: rows[0].tries == 2)
        office.clock.advance(61)
        (delivery,) = await office.until_over(webhook)
    assert [(one.reason, one.answer) for one in await office.tries(delivery)][:2] == [
        ("internal_error", "thanks" if sent else "")
    ] * 2
    assert (delivery.state, len(receiver.got)) == ("delivered", sent + 1)


async def test_so_much_waits_and_no_more(office: Office, receiver: Receiver) -> None:
    """Beyond a bound events stay where they are, in the log, until there is room."""
    office.most_pending = 1
    receiver.statuses = [500]
    webhook, _ = await office.add(receiver.url)
    async with running(office.deliverer()):
        await office.happen()
        await office.until(webhook, lambda rows: rows[0].tries == 1)
        other, _ = await office.add(f"{receiver.url}/other")
        await office.happen(3)
        await office.until_over(other, 3)  # so it has looked
        assert len(await office.deliveries(webhook)) == 1
        office.clock.advance(61)
        await office.until_over(webhook, 4)


def test_a_turn_is_shorter_than_its_lease() -> None:
    """What is sent has come to its end before somebody else may take over."""
    for pace in (Pace(), QUICK):
        assert pace.lease_s > 15.0
    assert SystemClock().now().tzinfo is UTC
