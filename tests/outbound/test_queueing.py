"""Events become deliveries, each once."""

from server.outbound.queueing import TYPES, Queueing, topics_of, wants
from server.store import deliveries, webhooks
from server.store.tables import EventRow, Webhook
from server.store.webhooks import Turn
from tests.outbound.conftest import Office


async def advanced(office: Office, webhook: Webhook, epoch: str | None = None) -> bool:
    """One step of the one who serves it."""
    life = epoch or await office.log.epoch()
    async with office.store.transaction() as session:
        row = await session.get_one(Webhook, webhook.id)
        row.worker = "w"
        await session.flush()
        return await office.queueing.advance(session, row, Turn(row.id, "w"), life, office.clock.now())


def test_which_events_there_are() -> None:
    """Those of topics that are stored and not of one screen alone."""
    assert {"attendance.checked_in", "sighting.unknown", "camera.offline", "alert.raised", "job.done"} <= set(TYPES)
    assert not {one for one in TYPES if one.startswith(("kiosk", "tracks", "system"))}
    assert topics_of(["alert.raised", "alert.cleared", "job.done"]) == ["alerts", "jobs"]


async def test_each_once(office: Office) -> None:
    """However often it is asked; more than one batch takes more than one step."""
    webhook, _ = await office.add("http://127.0.0.1:1/")
    await office.happen(250)
    assert await advanced(office, webhook)
    assert not await advanced(office, webhook)
    assert not await advanced(office, webhook)
    async with office.store.read() as session:
        assert await deliveries.count_pending(session, webhook.id) == 250


async def test_what_was_added_later_begins_later(office: Office) -> None:
    """Another type is told of from its adding on; what is there goes on where it was."""
    webhook, _ = await office.add("http://127.0.0.1:1/")
    await office.happen(2)
    await office.happen(2, type_="alert.raised", subject="x")
    async with office.store.transaction() as session:
        row = await session.get_one(Webhook, webhook.id)
        row.types = [*row.types, "alert.raised"]
        await office.queueing.follow(session, row)
    await office.happen(1, type_="alert.raised", subject="x")
    while await advanced(office, webhook):
        pass
    assert sorted(one.type for one in await office.deliveries(webhook)) == [
        "alert.raised", "attendance.checked_in", "attendance.checked_in",
    ]  # fmt: skip


async def test_one_that_is_off_stays_where_it_is(office: Office) -> None:
    """Until it is switched on, and then it begins there."""
    webhook, _ = await office.add("http://127.0.0.1:1/", active=False)
    await office.happen(2)
    assert not await advanced(office, webhook)
    assert await office.deliveries(webhook) == []


async def test_trimmed_beyond_it(office: Office) -> None:
    """What the log has forgotten cannot be told; what it has is."""
    webhook, _ = await office.add("http://127.0.0.1:1/")
    await office.happen(5)
    async with office.store.transaction() as session:
        await office.log.trim(session, "attendance", 3)
    await advanced(office, webhook)
    assert [one.offset for one in await office.deliveries(webhook)] == [4, 5]
    async with office.store.transaction() as session:
        await office.log.trim(session, "attendance", 5)
    await advanced(office, webhook)
    assert (await office.load(webhook)).cursor == {"attendance": 5}


async def test_moving_on_is_no_edit(office: Office) -> None:
    """Whoever has the webhook open in a form can still save it."""
    webhook, _ = await office.add("http://127.0.0.1:1/")
    await office.happen()
    before = (await office.load(webhook)).updated_at
    async with office.store.transaction() as session:
        turn = Turn(webhook.id, "w")
        assert await webhooks.take(session, turn, office.clock.now(), office.clock.now() - office.clock.now())
        await webhooks.write(session, turn, cursor={"attendance": 1}, failures=3)
    assert (await office.load(webhook)).updated_at == before


def test_the_person_of_another_department() -> None:
    """Is for nobody who asked for some departments."""
    event = EventRow(
        topic="attendance", offset=1, id="e", type="attendance.checked_in", source="s",
        data={"person": {"id": "p", "departmentId": "d2"}, "cameraId": "c"},
    )  # fmt: skip
    row = Webhook(name="x", kind="standard", url="u", types=["attendance.checked_in"], department_ids=["d1"])
    assert not wants(row, event)
    row.department_ids = ["d2"]
    assert wants(row, event)
    row.types = ["attendance.checked_out"]
    assert not wants(row, event)
    assert "attendance" in Queueing.topics
