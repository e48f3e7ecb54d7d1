"""Reports by mail, with a mail server on loopback: each moment once, whoever dies, and what comes of refusals."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from email.message import EmailMessage
from typing import Any

import pytest
from sqlmodel import col, select

from server.access.audit import Audit
from server.access.keyring import Keyring
from server.bus.memory import MemoryBus
from server.clock import ManualClock
from server.jobs.days_export import DaysExport
from server.jobs.report_alert import KIND, ReportAlert
from server.jobs.report_sender import Ended, Pace, ReportSender
from server.jobs.reports import CHANGED, NOT_SET_UP
from server.jobs.work import Place
from server.outbound.mail import Mailer, Posted
from server.outbound.mail import MailServer as Server
from server.store import alerts, reports
from server.store.runtime import RuntimeSettings, RuntimeState
from server.store.tables import AuditRow, Department, Person, Report, ReportRun, Role, Site, User
from tests.jobs.conftest import until_that
from tests.mail_server import MailServer, mail_server

MONDAY = datetime(2026, 1, 5, 6, 30, tzinfo=UTC)  # half past seven in Berlin
QUICK = Pace(lease_s=30.0, poll_s=0.05)
RECIPIENTS = ["ada@example.com", "bob@example.com"]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(MONDAY)


@pytest.fixture
def server() -> Iterator[MailServer]:
    with mail_server() as kept:
        yield kept


class House:
    """Senders on one database, and what is in it."""

    def __init__(self, place: Place, server: MailServer) -> None:
        self.place, self.server, self.clock = place, server, place.clock
        self.bus = MemoryBus()
        self.mailer = Mailer(Server("127.0.0.1", server.port, "none", "rollcall@example.com", "Rollcall"))
        self.trail = Audit(place.store, Keyring(("s" * 64,)), place.clock)

    def sender(self, name: str = "one", mailer: Mailer | None = None, **more: Any) -> ReportSender:
        export = DaysExport(self.place.store, RuntimeState(self.place.store, RuntimeSettings()), self.clock)
        chosen: dict[str, Any] = {"pace": QUICK, "chance": lambda: 0.5}
        alert = ReportAlert(self.place.log, self.place.waker.wake)
        return ReportSender(export, self.bus, self.trail, mailer or self.mailer, alert, name=name, **(chosen | more))

    async def alarms(self) -> list[str]:
        """What is open."""
        async with self.place.store.read() as session:
            return [row.message for row in await alerts.open_of_kind(session, KIND)]

    async def add(self, *rows: Any) -> None:
        async with self.place.store.transaction() as session:
            session.add_all(rows)

    async def report(self, **other: Any) -> Report:
        """Of an administrator, due now."""
        role = Role(name="Boss", permissions=["attendance:read"])
        user = User(email="boss@example.com", full_name="B", password_hash="", role_id=role.id)
        given: dict[str, Any] = {
            "name": "Yesterday", "kind": "day", "format": "csv", "recipients": RECIPIENTS, "frequency": "daily",
            "time": "07:30", "time_zone": "Europe/Berlin", "created_by": user.id, "next_at": MONDAY,
        }  # fmt: skip
        report = Report(**(given | other))
        await self.add(role)
        await self.add(user, report)
        return report

    async def report_like(self, report: Report, **other: Any) -> Report:
        """Another one of the same user."""
        row = Report(**report.model_dump(exclude={"id", "created_at", "updated_at"}) | other)
        await self.add(row)
        return row

    async def runs(self) -> list[ReportRun]:
        async with self.place.store.read() as session:
            return list((await session.exec(select(ReportRun).order_by(col(ReportRun.due_at)))).all())

    async def now(self, sender: ReportSender) -> ReportRun:
        """One look and one try of what it finds; the last run."""
        await sender.plan()
        async with self.place.store.read() as session:
            found = await reports.waiting(session, self.clock.now(), 10)
        for run_id in found:
            await sender.serve(run_id)
        return (await self.runs())[-1]


@pytest.fixture
def house(place: Place, server: MailServer) -> House:
    return House(place, server)


@asynccontextmanager
async def running(*senders: ReportSender) -> AsyncIterator[None]:
    """Each as a process of its own would run it."""
    async with asyncio.TaskGroup() as tasks:
        started = [tasks.create_task(one.run()) for one in senders]
        yield
        for task in started:
            task.cancel()


def attached(message: EmailMessage) -> tuple[str, bytes]:
    [file] = message.iter_attachments()
    content = file.get_payload(decode=True)
    assert isinstance(content, bytes)
    return file.get_filename() or "", content


async def test_a_moment_that_has_come_is_mailed(house: House) -> None:
    """Of the day before, to everybody at once, and nobody sees the others."""
    await house.add(Person(full_name="Ada Lovelace"), Person(full_name='=HYPERLINK("x")'))
    report = await house.report()
    run = await house.now(house.sender())
    assert (run.state, run.tries, run.rows, run.reason, run.left) == ("sent", 1, 2, None, [])
    assert (run.first_date, run.sent_at, run.finished_at) == (date(2026, 1, 4), MONDAY, MONDAY)
    [post] = house.server.came
    assert (post.sender, post.recipients) == ("rollcall@example.com", RECIPIENTS)
    assert "example.com" not in post.message["To"]
    assert post.message["Subject"] == "Yesterday, 2026-01-04"
    name, content = attached(post.message)
    assert name == "attendance-2026-01-04-2026-01-04.csv"
    assert "Ada Lovelace" in content.decode()
    assert "'=HYPERLINK" in content.decode()
    async with house.place.store.read() as session:
        after = await session.get_one(Report, report.id)
    assert (after.next_at, after.updated_at) == (MONDAY + timedelta(days=1), report.updated_at)


async def test_each_moment_is_mailed_once_by_however_many(house: House) -> None:
    """Four look at the same time, and again."""
    await house.report()
    async with running(*(house.sender(f"s{n}") for n in range(4))):
        await until_that(lambda: bool(house.server.came))
        house.bus.publish("reports", b"")
        await asyncio.sleep(0.3)
    assert len(house.server.came) == 1
    assert [run.state for run in await house.runs()] == ["sent"]


async def test_of_a_week_without_a_server_the_last_day_is_sent(house: House, clock: ManualClock) -> None:
    """Not seven mails."""
    await house.report()
    clock.advance(7 * 86400 + 60)
    run = await house.now(house.sender())
    assert (run.due_at, run.first_date) == (MONDAY + timedelta(days=7), date(2026, 1, 11))
    assert len(await house.runs()) == len(house.server.came) == 1


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

    sender._made = and_changed  # type: ignore[method-assign]
    run = await house.now(sender)
    assert (run.state, run.reason, run.left, house.server.came) == ("failed", CHANGED, [], [])


async def test_a_clock_that_was_ahead_silences_nothing(house: House, clock: ManualClock) -> None:
    """Due further away than any schedule reaches: it is planned anew, and nothing is sent that is not due."""
    report = await house.report(next_at=MONDAY + timedelta(days=700))
    later = await house.report_like(report, next_at=MONDAY + timedelta(days=30))
    await house.sender().plan()
    assert await house.runs() == []
    async with house.place.store.read() as session:
        assert (await session.get_one(Report, report.id)).next_at == MONDAY + timedelta(days=1)
        assert (await session.get_one(Report, later.id)).next_at == later.next_at


async def test_without_an_answer_it_is_tried_for_a_day(house: House, clock: ManualClock) -> None:
    """With longer and longer pauses; then it has failed, and says why."""
    await house.report(frequency="weekly", weekday=1)
    away = house.sender(mailer=Mailer(replace(house.mailer.server, port=1, timeout_s=2.0)))
    run, waited = await house.now(away), []
    while run.state == "waiting":
        waited.append((run.next_at - clock.now()).total_seconds())
        clock.advance(waited[-1])
        run = await house.now(away)
    assert (run.state, run.finished_at) == ("failed", MONDAY + timedelta(days=1))
    assert "could not be spoken to" in (run.reason or "")
    assert 15 < run.tries < 30
    assert waited[0] < 10 < 3600 < max(waited)


async def test_whose_senders_die_is_not_tried_for_ever(house: House, clock: ManualClock) -> None:
    """Nothing was noted of it for longer than a day: it has failed."""
    await house.report(frequency="weekly", weekday=1)
    sender = house.sender()
    await sender.plan()
    clock.advance(26 * 3600)
    run = await house.now(sender)
    assert (run.state, run.reason) == ("failed", "Its time was over before it could be sent.")
    assert house.server.came == []


async def test_one_that_cannot_be_planned_holds_up_no_other(house: House) -> None:
    """A zone that this machine does not know any more."""
    report = await house.report()
    await house.report_like(report, time_zone="Mars/Olympus", next_at=MONDAY - timedelta(minutes=1))
    run = await house.now(house.sender())
    assert (run.state, run.report_id) == ("sent", report.id)


async def test_without_a_mail_server_it_waits_for_one(house: House, clock: ManualClock) -> None:
    """And says what is missing."""
    await house.report()
    without = house.sender()
    without._mailer = None
    run = await house.now(without)
    assert (run.state, run.reason) == ("waiting", NOT_SET_UP)
    clock.advance(60)
    assert (await house.now(house.sender())).reason is None


async def test_whom_the_mail_server_refuses_is_named(house: House) -> None:
    """The others get it."""
    house.server.refuses = {"bob@example.com": "550 5.1.1 bob@example.com is unknown"}
    await house.report()
    run = await house.now(house.sender())
    assert (run.state, run.refused, run.sent_at) == ("sent", 1, MONDAY)
    assert run.reason == "The mail server refused recipients: 550 5.1.1 … is unknown (bob@example.com)."
    assert house.server.came[0].recipients == ["ada@example.com"]


async def test_who_may_get_it_later_is_tried_alone(house: House, clock: ManualClock) -> None:
    """Nobody gets it twice."""
    house.server.refuses = {"bob@example.com": "451 Come back later"}
    await house.report()
    run = await house.now(house.sender())
    assert (run.state, run.left) == ("waiting", ["bob@example.com"])
    house.server.refuses = {}
    clock.advance(60)
    run = await house.now(house.sender())
    assert (run.state, run.reason, run.refused) == ("sent", None, 0)
    assert [post.recipients for post in house.server.came] == [["ada@example.com"], ["bob@example.com"]]


async def test_only_who_did_not_get_it_is_named(house: House, clock: ManualClock) -> None:
    """Who was refused for good stays named; who was refused for now is not any more once they have it."""
    house.server.refuses = {"ada@example.com": "451 Later", "bob@example.com": "550 Unknown"}
    await house.report()
    run = await house.now(house.sender())
    never, later = (run.reason or "").split("\n")
    assert never == "The mail server refused recipients: 550 Unknown (bob@example.com)."
    assert later == "The mail server refused recipients: 451 Later (ada@example.com)."
    clock.advance(60)
    assert (await house.now(house.sender())).reason == run.reason
    house.server.refuses.pop("ada@example.com")
    clock.advance(600)
    run = await house.now(house.sender())
    assert (run.state, run.refused, run.reason) == ("sent", 1, never)


async def test_who_is_refused_altogether_fails(house: House) -> None:
    """At once: a refusal for good is not tried again. An alert says so until the next one is sent."""
    house.server.refuses = dict.fromkeys(RECIPIENTS, "550 Unknown")
    await house.report()
    run = await house.now(house.sender())
    assert (run.state, run.tries, run.refused, run.sent_at) == ("failed", 1, 2, None)
    [said] = await house.alarms()
    assert said == "The report “Yesterday” was not sent: The mail server refused recipients: 550 Unknown."
    house.server.refuses.clear()
    house.clock.advance(86400)
    assert (await house.now(house.sender())).state == "sent"
    assert await house.alarms() == []


async def test_only_what_its_maker_may_see_is_sent(house: House) -> None:
    """By the limits of the moment."""
    night, day = Department(name="Night"), Department(name="Day")
    await house.add(night, day)
    people = [Person(full_name="Ada", department_id=night.id), Person(full_name="Bob", department_id=day.id)]
    await house.add(*people, Person(full_name="Cleo"))
    report = await house.report()
    async with house.place.store.transaction() as session:
        (await session.get_one(User, report.created_by)).department_ids = [night.id]
    assert (await house.now(house.sender())).rows == 1
    content = attached(house.server.came[0].message)[1].decode()
    assert "Ada" in content
    assert "Bob" not in content
    assert "Day" not in content


@pytest.mark.parametrize("lost", ["closed", "gone", "permission", "site", "department"])
async def test_what_cannot_go_on_is_switched_off(house: House, lost: str) -> None:
    """Its maker may not see days any more, or what it is of is gone; nobody else's days are sent instead."""
    site, department = Site(name="Plant", timezone="UTC"), Department(name="Night")
    await house.add(site, department, Person(full_name="Ada"))
    report = await house.report(site_id=site.id, department_id=department.id)
    async with house.place.store.transaction() as session:
        user = await session.get_one(User, report.created_by)
        match lost:
            case "closed":
                user.active = False
            case "gone":
                await session.delete(user)
            case "permission":
                (await session.get_one(Role, user.role_id)).permissions = ["people:read"]
            case "site":
                await session.delete(await session.get_one(Site, site.id))
            case _:
                await session.delete(await session.get_one(Department, department.id))
    run = await house.now(house.sender())
    assert (run.state, run.tries) == ("failed", 1)
    assert "Whoever" in (run.reason or "") or "gone" in (run.reason or "")
    assert house.server.came == []
    async with house.place.store.read() as session:
        after = await session.get_one(Report, report.id)
        assert (after.enabled, after.next_at) == (False, None)
        assert [row.action for row in (await session.exec(select(AuditRow))).all()] == ["report.disabled"]


async def test_addresses_are_not_in_the_log(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither those that got it nor those that were refused."""
    house.server.refuses = {"bob@example.com": "550 bob@example.com is unknown"}
    await house.report()
    await house.now(house.sender())
    said = capsys.readouterr()
    assert "report_not_sent" in said.out + said.err
    assert "@example.com" not in said.out + said.err
