"""What came of a try."""

import pytest

from server.masking import register_secret
from server.outbound.messages import Answer, Verdict
from server.outbound.noting import Noting
from server.store import alerts, deliveries, webhooks
from server.store.paging import Page
from server.store.tables import Delivery, Webhook
from server.store.webhooks import Turn
from tests.outbound.conftest import Office
from tests.outbound.test_queueing import advanced

TURN_S = 30.0


async def pending(office: Office) -> tuple[Webhook, Delivery, Noting, Turn]:
    webhook, _ = await office.add("http://127.0.0.1:1/")
    await office.happen()
    await advanced(office, webhook)
    (delivery,) = await office.deliveries(webhook)
    noting = Noting(office.store, office.log, office.clock, office.woken.extend)
    return await office.load(webhook), delivery, noting, Turn(webhook.id, "w")


async def test_the_beginning_of_an_answer_is_kept(office: Office) -> None:
    """Bounded, without what no database takes, and without secrets that it repeats."""
    webhook, delivery, noting, turn = await pending(office)
    register_secret("a-secret-that-came-back")
    body = b"\x00\xff a-secret-that-came-back " + "ä".encode() * 5000
    await noting.note(turn, webhook, delivery, Answer(500, "http_500", body, None, 12), Verdict("again", "http_500"))
    (tried,) = await office.tries(delivery)
    assert tried.duration_ms == 12
    assert len(tried.answer) <= 300
    assert "a-secret-that-came-back" not in tried.answer
    assert tried.answer.endswith("ä")


async def test_what_was_not_sent_is_no_try(office: Office) -> None:
    """It is dead with its reason, the receiver is not blamed, and an alert says so once."""
    webhook, delivery, noting, turn = await pending(office)
    assert await noting.note(turn, webhook, delivery, None, Verdict("dead", "event_gone"))
    (after,) = await office.deliveries(webhook)
    assert (after.state, after.result, after.tries) == ("dead", "event_gone", 0)
    assert await office.tries(delivery) == []
    assert (await office.load(webhook)).failures == 0
    async with office.store.read() as session:
        (alert,) = (await alerts.page(session, Page())).rows
    assert (alert.kind, alert.subject) == ("webhook_failing", f"webhooks/{webhook.id}")


@pytest.mark.parametrize(
    ("verdict", "raised"),
    [
        (Verdict("dead", "event_gone"), True), (Verdict("dead", "secret_unreadable"), True),
        (Verdict("gone", "gone"), True), (Verdict("dead", "no_employee_id"), False),
        (Verdict("dead", "person_erased"), False),
    ],
)  # fmt: skip
async def test_the_alert_is_over_with_the_next_one_that_is_taken(
    office: Office, verdict: Verdict, raised: bool
) -> None:
    """Also where no try had failed; and none is raised for what is as it should be."""
    webhook, delivery, noting, turn = await pending(office)
    await noting.note(turn, webhook, delivery, None, verdict)
    async with office.store.read() as session:
        found = await alerts.page(session, Page(), state="open")
    assert [one.subject for one in found.rows] == ([f"webhooks/{webhook.id}"] if raised else [])
    async with office.store.transaction() as session:
        test = await office.webhooks.test(session, webhook)
    webhook = await office.load(webhook)
    assert webhook.failures == 0
    await noting.note(turn, webhook, test, Answer(200, "taken"), Verdict("delivered", "taken"))
    async with office.store.read() as session:
        assert (await alerts.page(session, Page(), state="open")).rows == []


async def test_whose_turn_is_over_notes_nothing(office: Office) -> None:
    """Another one has it by now."""
    webhook, delivery, noting, _ = await pending(office)
    late = Turn(webhook.id, "somebody who was slow")
    assert not await noting.note(late, webhook, delivery, Answer(200, "taken"), Verdict("delivered", "taken"))
    (after,) = await office.deliveries(webhook)
    assert (after.state, after.tries) == ("pending", 0)


async def test_giving_up_when_the_time_is_over(office: Office) -> None:
    """Of a receiver that fails: those whose day is over, and no others; with an alert after the commit."""
    webhook, delivery, noting, _ = await pending(office)
    for later_s, left in ((3600, 1), (86_400, 0)):
        office.clock.advance(later_s)
        async with office.store.transaction() as session:
            await noting.give_up(session, webhook, office.clock.now())
        async with office.store.read() as session:
            assert await deliveries.count_pending(session, webhook.id) == left
    assert office.woken == ["alerts"]
    async with office.store.read() as session:
        assert (await webhooks.count(session), (await session.get_one(Delivery, delivery.id)).result) == (1, "gave_up")
