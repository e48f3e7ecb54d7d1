"""Rows of reports: which are due, who has a run, and which runs go."""

from datetime import timedelta
from typing import Any

from server.store import reports
from server.store.engine import Store
from server.store.paging import Page
from server.store.reports import REPORTS, Turn
from server.store.tables import Report, ReportRun
from tests.store.conftest import NOON, after

LEASE = timedelta(seconds=60)


async def add(store: Store, name: str = "Week", **more: Any) -> Report:
    given: dict[str, Any] = {
        "name": name, "kind": "day", "format": "csv", "recipients": ["a@example.com"], "frequency": "daily",
        "time": "07:30", "time_zone": "UTC", "created_by": "u", "next_at": NOON,
    }  # fmt: skip
    row = Report(**(given | more))
    async with store.transaction() as session:
        session.add(row)
    return row


async def add_run(store: Store, report: Report, minutes: float = 0, **more: Any) -> ReportRun:
    given: dict[str, Any] = {
        "report_id": report.id, "first_date": NOON.date(), "last_date": NOON.date(), "due_at": after(minutes),
        "state": "waiting", "next_at": after(minutes), "give_up_at": after(1440), "recipients": 1,
        "left": ["a@example.com"],
    }  # fmt: skip
    async with store.transaction() as session:
        return await reports.add_run(session, ReportRun(**(given | more)))


async def test_which_are_due(store: Store) -> None:
    """Those whose moment has come and that are switched on, the longest waiting first; moving it on is no edit."""
    later, soon = await add(store, next_at=after(-1)), await add(store, next_at=after(-2))
    astray = await add(store, next_at=after(61))  # further away than any can be
    await add(store, next_at=after(1))
    await add(store, enabled=False)
    async with store.transaction() as session:
        assert list(await reports.due(session, NOON, after(60), 10)) == [soon.id, later.id, astray.id]
        await reports.write(session, soon.id, next_at=after(10))
    async with store.read() as session:
        assert list(await reports.due(session, NOON, after(70), 10)) == [later.id]
        assert (await REPORTS.get(session, soon.id)).updated_at == soon.updated_at


async def test_one_has_a_run_at_a_time(store: Store) -> None:
    """Until the lease has run out; whoever lost it notes nothing."""
    run = await add_run(store, await add(store))
    async with store.transaction() as session:
        assert list(await reports.waiting(session, NOON, 10)) == [run.id]
        taken = await reports.take(session, run.id, "one", NOON, LEASE)
        assert taken is not None
        assert (taken[0].state, taken[0].tries, taken[1].name) == ("sending", 1, "Week")
        assert await reports.take(session, run.id, "two", after(1), LEASE) is None
    async with store.transaction() as session:
        assert list(await reports.waiting(session, after(2), 10)) == [run.id]
        assert await reports.take(session, run.id, "two", after(2), LEASE) is not None
        assert not await reports.note(session, Turn(run.id, "one", 1), state="sent")
        assert await reports.note(session, Turn(run.id, "two", 2), state="sent", finished_at=NOON)
        assert not await reports.note(session, Turn(run.id, "two", 2), state="waiting")
        assert list(await reports.waiting(session, after(60), 10)) == []


async def test_runs_of_a_report(store: Store) -> None:
    """The newest first; of several reports the last run of each."""
    one, two, none = await add(store), await add(store), await add(store)
    first, second = await add_run(store, one, state="sent", finished_at=NOON), await add_run(store, one, 5)
    other = await add_run(store, two)
    async with store.read() as session:
        listed = await reports.page_runs(session, Page(), one.id)
        assert [run.id for run in listed.rows] == [second.id, first.id]
        last = await reports.last_runs(session, [one.id, two.id, none.id])
        assert {report_id: run.id for report_id, run in last.items()} == {one.id: second.id, two.id: other.id}
        assert await reports.has_run(session, one.id, after(5))
        assert not await reports.has_run(session, two.id, after(5))
        assert await reports.count_open(session, one.id) == 1


async def test_what_is_open_is_ended(store: Store) -> None:
    """What waits and what is being sent; one that some have got was sent. What is over stays as it is."""
    report = await add(store)
    over = await add_run(store, report, state="sent", finished_at=after(-1))
    sending, part = await add_run(store, report, 1), await add_run(store, report, 2, recipients=2)
    other = await add_run(store, await add(store))
    async with store.transaction() as session:
        assert await reports.take(session, sending.id, "one", after(1), LEASE) is not None
    async with store.transaction() as session:
        await reports.end_open(session, report.id, after(1), "Changed.")
        assert not await reports.note(session, Turn(sending.id, "one", 1), lease_until=after(9))
    async with store.read() as session:
        rows = [await session.get_one(ReportRun, run.id) for run in (over, sending, part, other)]
    assert [row.state for row in rows] == ["sent", "failed", "sent", "waiting"]
    assert [row.reason for row in rows] == [None, "Changed.", "Changed.", None]
    assert [(row.left, row.refused, row.worker) for row in rows[1:3]] == [([], 1, None)] * 2


async def test_old_runs_go(store: Store) -> None:
    """What waits stays, and so does the newest of each, which says how it stands."""
    one, two = await add(store), await add(store)
    gone = [await add_run(store, one, n, state="sent", finished_at=after(n)) for n in range(3)]
    waits = await add_run(store, one, 10)
    only = await add_run(store, two, state="failed", finished_at=NOON)
    async with store.transaction() as session:
        assert await reports.forget_old(session, after(30), 2) == 2
        assert await reports.forget_old(session, after(30), 2) == 1
        assert await reports.forget_old(session, after(30), 2) == 0
        left = {run.id for report in (one, two) for run in (await reports.page_runs(session, Page(), report.id)).rows}
    assert left == {waits.id, only.id}
    assert len(gone) == 3


async def test_one_that_goes_takes_its_runs_along(store: Store) -> None:
    """And one that cannot go on is switched off, which is an edit."""
    report = await add(store)
    await add_run(store, report)
    async with store.transaction() as session:
        await reports.disable(session, report.id)
    async with store.transaction() as session:
        row = await reports.lock(session, report.id)
        assert row is not None
        assert (row.enabled, row.next_at) == (False, None)
        assert row.updated_at > report.updated_at
        await REPORTS.remove(session, row)
        assert await reports.count(session) == 0
        assert (await reports.page_runs(session, Page(), report.id)).total == 0


async def test_whose_reports(store: Store) -> None:
    """Of one user, or everybody's."""
    await add(store, "A", created_by="u1")
    await add(store, "B", created_by="u2")
    async with store.read() as session:
        own = await REPORTS.page(session, Page(), conditions=reports.made_by("u1"))
        assert [row.name for row in own.rows] == ["A"]
        assert (await REPORTS.page(session, Page(), conditions=reports.made_by(None))).total == 2
