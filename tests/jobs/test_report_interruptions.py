"""Reports by mail while something ends, is away or is changed: nothing is lost, and as little as can be goes twice."""

import asyncio
import threading
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from server.clock import ManualClock
from server.jobs.report_sender import Ended, Pace
from server.jobs.reports import CHANGED
from server.outbound.mail import Mailer, Posted
from server.store import reports
from tests.jobs.conftest import until_that
from tests.jobs.report_house import QUICK, RECIPIENTS, House, running
from tests.jobs.report_house import clock as clock
from tests.jobs.report_house import house as house
from tests.jobs.report_house import server as server


async def test_one_that_is_killed_after_sending_sends_again_under_the_same_id(house: House, clock: ManualClock) -> None:
    """It was not noted: the lease runs out, and a mail system that has the message already knows it again."""
    await house.report()
    killed = house.sender("killed")

    async def dies(*_given: object) -> None:
        raise ConnectionError

    killed._note = dies  # type: ignore[method-assign, assignment]
    with pytest.raises(ExceptionGroup):
        await house.now(killed)
    other = house.sender("other")
    assert (await house.now(other)).state == "sending"  # not before the lease has run out
    clock.advance(QUICK.lease_s + 1)
    run = await house.now(other)
    assert (run.state, run.tries) == ("sent", 2)
    first, second = house.server.came
    assert first.message["Message-ID"] == second.message["Message-ID"] == f"<{run.id}@example.com>"


async def test_once_it_is_noted_it_is_not_sent_again(house: House, clock: ManualClock) -> None:
    """Whoever comes later."""
    await house.report()
    await house.now(house.sender())
    clock.advance(3600)
    await house.now(house.sender("another"))
    assert len(house.server.came) == 1


async def test_one_that_lost_its_run_notes_nothing(house: House, clock: ManualClock) -> None:
    """Somebody else has it by now."""
    await house.report()
    slow, other = house.sender("slow"), house.sender("other")
    await slow.plan()
    [run] = await house.runs()
    async with house.place.store.transaction() as session:
        found = await reports.take(session, run.id, "slow", clock.now(), timedelta(seconds=30))
    assert found is not None
    clock.advance(31)
    assert (await house.now(other)).state == "sent"
    await slow._note(reports.Turn(run.id, "slow", 1), *found, Ended(Posted(later=tuple(RECIPIENTS), not_now="No")))
    assert (await house.runs())[0].state == "sent"


async def test_a_process_that_ends_gives_back_what_it_has(house: House, clock: ManualClock) -> None:
    """Another goes on at once, and the try does not count."""
    await house.report()
    reached = asyncio.Event()

    class Slow(Mailer):
        async def send(self, message: bytes, recipients: Any) -> Posted:
            reached.set()
            await asyncio.sleep(60)
            return Posted()

    ends = house.sender("ends", Slow(house.mailer.server), pace=replace(QUICK, stop_s=0.1))
    async with running(ends):
        await asyncio.wait_for(reached.wait(), 20)
    [run] = await house.runs()
    assert (run.state, run.tries, run.worker) == ("waiting", 0, None)
    assert (await house.now(house.sender())).state == "sent"


async def test_a_process_that_ends_waits_for_the_answer(house: House) -> None:
    """To what has been sent, for a while: given back, it would be sent twice."""
    await house.report()
    house.server.open.clear()
    async with running(house.sender()):
        await until_that(house.server.arrived.is_set)
        threading.Timer(0.3, house.server.open.set).start()
    assert [(run.state, run.tries) for run in await house.runs()] == [("sent", 1)]
    assert len(house.server.came) == 1


class Unwritable:
    """Of `reports.note`: fails as often as it is told to, where it is told the like."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, what: str, times: int) -> None:
        self.what, self.times, self.note = what, times, reports.note
        self.done = asyncio.Event()
        monkeypatch.setattr(reports, "note", self)

    async def __call__(self, session: Any, turn: reports.Turn, **values: Any) -> bool:
        if self.what not in values or not self.times:
            return await self.note(session, turn, **values)
        self.times -= 1
        if not self.times:
            self.done.set()
        raise ConnectionError("away")


async def test_a_lease_that_is_not_renewed_once_is_not_lost(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The mail server is still thinking: nothing is cut, and nothing is sent twice."""
    await house.report()
    house.server.open.clear()
    async with running(house.sender(pace=Pace(lease_s=1.2, poll_s=0.05))):
        await until_that(house.server.arrived.is_set)
        away = Unwritable(monkeypatch, "lease_until", 2)
        await asyncio.wait_for(away.done.wait(), 20)
        house.server.open.set()
        await asyncio.sleep(0.3)
    assert [run.state for run in await house.runs()] == ["sent"]
    assert len(house.server.came) == 1


async def test_what_was_sent_is_noted_once_that_can_be(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The database was away for a moment."""
    await house.report()
    Unwritable(monkeypatch, "finished_at", 2)
    run = await house.now(house.sender(pace=Pace(lease_s=3.0)))
    assert (run.state, run.tries, len(house.server.came)) == ("sent", 1, 1)


async def test_where_nothing_can_be_written_nobody_is_in_a_hurry(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that only reads is asked again when it is time, and not at once."""
    await house.report()
    sender, tried = house.sender(pace=replace(QUICK, poll_s=60.0)), 0
    await sender.plan()

    async def read_only(*_given: object) -> None:
        nonlocal tried
        tried += 1
        raise ConnectionError("read only")

    monkeypatch.setattr(reports, "take", read_only)
    async with running(sender):
        await until_that(lambda: tried > 0)
        await asyncio.sleep(0.3)
    assert tried == 1


async def test_what_was_changed_meanwhile_is_not_sent(house: House, clock: ManualClock) -> None:
    """It is made already, and would contain what is not meant for who gets it."""
    report = await house.report()
    sender = house.sender()
    made = sender._made

    async def and_changed(*given: Any) -> Any:
        found = await made(*given)
        async with house.place.store.transaction() as session:
            await reports.end_open(session, report.id, clock.now(), CHANGED)
        return found

    sender._made = and_changed  # type: ignore[method-assign, assignment]
    run = await house.now(sender)
    assert (run.state, run.reason, run.left, house.server.came) == ("failed", CHANGED, [], [])
