"""Reports as they are planned and asked for; over HTTP: tests/routes."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlmodel.ext.asyncio.session import AsyncSession

from server.access.attempts import MemoryAttempts
from server.bus.memory import MemoryBus
from server.clock import ManualClock
from server.errors import Conflict, TooMany
from server.events.schema import NewEvent, StoredEvent
from server.jobs.report_alert import ReportAlert
from server.jobs.reports import CHANGED, CONTENT, MOST_OPEN, SCHEDULE, Reports, rule_of, run_of, trials_of_mail
from server.jobs.work import Place
from server.outbound.mail import Mailer, MailServer
from server.store import reports
from server.store.tables import Report

NOW = datetime(2026, 1, 5, 23, 30, tzinfo=UTC)  # Tuesday in Berlin


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


def report() -> Report:
    return Report(
        name="Week", kind="day", format="csv", recipients=["a@example.com", "b@example.com"], frequency="weekly",
        weekday=2, time="07:30", time_zone="Europe/Berlin", created_by="u",
    )  # fmt: skip


class Nothing:
    """A log that no alert is told to."""

    async def append(self, _session: AsyncSession, _events: Sequence[NewEvent]) -> list[StoredEvent]:
        return []


def opened(clock: ManualClock, *, mail: bool = True) -> Reports:
    mailer = Mailer(MailServer("127.0.0.1", 1, "none", "rollcall@example.com")) if mail else None
    alert = ReportAlert(Nothing(), lambda _topics: None)
    return Reports(MemoryBus(), clock, trials_of_mail(MemoryAttempts(clock)), mailer, alert)


def test_a_run_is_of_the_period_before_its_moment(clock: ManualClock) -> None:
    """By the dates of the report's zone, for who gets it by now, and for a day."""
    run = run_of(report(), date(2026, 1, 6), NOW, NOW)
    assert (run.first_date, run.last_date) == (date(2025, 12, 29), date(2026, 1, 4))
    assert (run.recipients, run.left) == (2, ["a@example.com", "b@example.com"])
    assert run.give_up_at == datetime(2026, 1, 6, 23, 30, tzinfo=UTC)
    assert rule_of(report()).weekday == 2


def test_when_it_is_due(clock: ManualClock) -> None:
    """One that is switched off is not."""
    row = report()
    opened(clock).plan(row)
    assert row.next_at == datetime(2026, 1, 6, 6, 30, tzinfo=UTC)
    row.enabled = False
    opened(clock).plan(row)
    assert row.next_at is None


async def test_a_change_ends_only_what_it_is_about(place: Place, clock: ManualClock) -> None:
    """What is under way goes out as it was meant, or to nobody; and one that is due stays due."""
    ours, due = opened(clock), NOW - timedelta(minutes=1)
    async with place.store.transaction() as session:
        row = await ours.create(session, report())
        run = await ours.send(session, row)
        row.next_at = due  # and not planned yet
        await ours.change(session, row, ["updated_at"])
        assert (run.state, row.next_at) == ("waiting", due)
        await ours.change(session, row, ["time"])
        assert (run.state, row.next_at) == ("waiting", datetime(2026, 1, 6, 6, 30, tzinfo=UTC))
        for field in sorted(CONTENT):
            run = await ours.send(session, row)
            await ours.change(session, row, [field])
            assert (run.state, run.reason, run.left, run.refused) == ("failed", CHANGED, [], 2)


def test_every_field_that_can_be_changed_is_of_the_content_or_of_the_schedule() -> None:
    """None is forgotten."""
    fixed = {"id", "created_at", "updated_at", "created_by", "next_at"}
    assert set(Report.model_fields) - fixed == CONTENT | SCHEDULE


async def test_only_so_many_wait(place: Place, clock: ManualClock) -> None:
    """Each has a moment of its own, although no time has passed; whoever sends is woken once that is committed."""
    ours = opened(clock)
    async with place.store.transaction() as session:
        row = await ours.create(session, report())
        runs = [await ours.send(session, row) for _ in range(MOST_OPEN)]
        assert len({run.due_at for run in runs}) == MOST_OPEN
        with pytest.raises(TooMany):
            await ours.send(session, row)


async def test_without_a_mail_server(place: Place, clock: ManualClock) -> None:
    """Nothing is promised."""
    ours = opened(clock, mail=False)
    assert (ours.address, opened(clock).address) == (None, "rollcall@example.com")
    async with place.store.transaction() as session:
        row = await ours.create(session, report())
        with pytest.raises(Conflict):
            await ours.send(session, row)


async def test_there_is_an_end(place: Place, clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of how many reports there may be."""
    monkeypatch.setattr(reports, "MOST", 1)
    async with place.store.transaction() as session:
        await opened(clock).create(session, report())
        with pytest.raises(Conflict):
            await opened(clock).create(session, report())
