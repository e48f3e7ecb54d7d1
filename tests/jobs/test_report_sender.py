"""Reports by mail, with a mail server on loopback: each moment once, what is in it, and what comes of refusals."""

import asyncio
from dataclasses import replace
from datetime import date, timedelta
from email.message import EmailMessage

import pytest
from sqlmodel import select

from server.clock import ManualClock
from server.jobs.reports import NOT_SET_UP
from server.outbound.mail import Mailer
from server.store.tables import AuditRow, Department, Person, Report, Role, Site, User
from tests.jobs.conftest import until_that
from tests.jobs.report_house import MONDAY, RECIPIENTS, House, running
from tests.jobs.report_house import clock as clock
from tests.jobs.report_house import house as house
from tests.jobs.report_house import server as server


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


async def test_who_is_refused_altogether_fails(house: House, clock: ManualClock) -> None:
    """At once: a refusal for good is not tried again. An alert says so until the next one is sent."""
    house.server.refuses = dict.fromkeys(RECIPIENTS, "550 Unknown")
    await house.report()
    run = await house.now(house.sender())
    assert (run.state, run.tries, run.refused, run.sent_at) == ("failed", 1, 2, None)
    [said] = await house.alarms()
    assert said == "The report “Yesterday” was not sent: The mail server refused recipients: 550 Unknown."
    house.server.refuses.clear()
    clock.advance(86400)
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
