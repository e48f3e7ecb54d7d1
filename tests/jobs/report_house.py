"""Senders of reports on one database, with a mail server on loopback: what their tests share."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlmodel import col, select

from server.access.audit import Audit
from server.access.keyring import Keyring
from server.bus.memory import MemoryBus
from server.clock import ManualClock
from server.jobs.days_export import DaysExport
from server.jobs.report_alert import KIND, ReportAlert
from server.jobs.report_sender import Pace, ReportSender
from server.jobs.work import Place
from server.outbound.mail import Mailer
from server.outbound.mail import MailServer as Server
from server.store import alerts, reports
from server.store.runtime import RuntimeSettings, RuntimeState
from server.store.tables import Report, ReportRun, Role, User
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
