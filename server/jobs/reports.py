"""Reports as administrators see them: when one is due next, one sent now, and whether mail can be sent at all."""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Protocol, cast
from zoneinfo import ZoneInfo

from sqlalchemy import event
from sqlmodel.ext.asyncio.session import AsyncSession

from server.access.attempts import Attempts
from server.access.throttle import Throttle
from server.clock import Clock
from server.errors import Conflict, Invalid, TooMany, Unavailable
from server.jobs.report_alert import ReportAlert
from server.jobs.report_mail import trial_mail
from server.jobs.report_times import Frequency, Rule, next_due, period_of
from server.outbound.mail import Mailer
from server.outbound.schedule import FOR
from server.store import reports
from server.store.tables import Report, ReportRun

CHANNEL = "reports"
MOST_OPEN = 5  # runs of one report that are not over
COME_BACK_AFTER_S = 60
TRIAL_S = 60.0  # somebody waits for it
SCHEDULE = {"frequency", "weekday", "month_day", "time", "time_zone", "enabled"}
CONTENT = {"name", "kind", "format", "recipients", "site_id", "department_id"}
CHANGED = "The report was changed meanwhile."
NOT_SET_UP = "No mail server is set up: see ROLLCALL_SMTP__HOST."


class Publishing(Protocol):
    """What is needed of the bus."""

    def publish(self, channel: str, payload: bytes) -> None: ...


def rule_of(report: Report) -> Rule:
    """Its schedule."""
    return Rule(
        cast(Frequency, report.frequency), time.fromisoformat(report.time), ZoneInfo(report.time_zone),
        report.weekday, report.month_day,
    )  # fmt: skip


def run_of(report: Report, day: date, due_at: datetime, now: datetime) -> ReportRun:
    """A run of that moment, of the latest whole period before that date."""
    first, last = period_of(cast(Frequency, report.frequency), day)
    return ReportRun(
        report_id=report.id, first_date=first, last_date=last, due_at=due_at, state="waiting", next_at=now,
        give_up_at=now + FOR, recipients=len(report.recipients), left=list(report.recipients),
    )  # fmt: skip


def trials_of_mail(attempts: Attempts) -> Throttle:
    """How often somebody may send a test."""
    return Throttle(attempts, limit=5, window_s=300, name="mail_test")


@dataclass(frozen=True, slots=True)
class Reports:
    """Everything within the caller's transaction; once that is committed, whoever sends looks."""

    bus: Publishing
    clock: Clock
    trials: Throttle
    mailer: Mailer | None
    alert: ReportAlert

    @property
    def address(self) -> str | None:
        """Where mail comes from; None: there is no mail server."""
        return self.mailer.server.sender if self.mailer else None

    def plan(self, report: Report) -> None:
        """Says when it is due next."""
        report.next_at = next_due(rule_of(report), self.clock.now()) if report.enabled else None

    async def create(self, session: AsyncSession, report: Report) -> Report:
        """Raises Conflict where there are too many."""
        if await reports.count(session) >= reports.MOST:
            raise Conflict(f"There are {reports.MOST} reports. Remove one first.", code="too_many_reports")
        self.plan(report)
        return await reports.REPORTS.save(session, report)

    async def change(self, session: AsyncSession, report: Report, changed: Collection[str]) -> Report:
        """With these fields not as they were. One that is due stays due unless its schedule is another one; what is
        under way goes to nobody where what it contains or whom it is for is not the same any more."""
        if SCHEDULE & set(changed):
            self.plan(report)
        report = await reports.REPORTS.save(session, report)
        if CONTENT & set(changed):
            await reports.end_open(session, report.id, self.clock.now(), CHANGED)
        return report

    async def remove(self, session: AsyncSession, report: Report) -> None:
        """With its runs, and the alert that is open about it."""
        await reports.REPORTS.remove(session, report)
        await self.alert.over(session, report.id, self.clock.now())

    async def send(self, session: AsyncSession, report: Report) -> ReportRun:
        """A run now, whatever the schedule says. Raises Conflict without a mail server, and TooMany."""
        self.check_set_up()
        if await reports.count_open(session, report.id) >= MOST_OPEN:
            raise TooMany(
                f"{MOST_OPEN} mails of this report are under way. Wait for one.", retry_after_s=COME_BACK_AFTER_S,
                code="too_many_runs",
            )  # fmt: skip
        now = due_at = self.clock.now()
        while await reports.has_run(session, report.id, due_at):
            due_at += timedelta(microseconds=1)
        today = now.astimezone(ZoneInfo(report.time_zone)).date()
        run = await reports.add_run(session, run_of(report, today, due_at, now))
        event.listen(session.sync_session, "after_commit", lambda _session: self.bus.publish(CHANNEL, b""))
        return run

    async def try_out(self, recipient: str, place: str) -> None:
        """A mail that tells of nothing. Raises Conflict without a mail server, Invalid where it refuses the recipient,
        and Unavailable."""
        mailer = self.check_set_up()
        try:
            async with asyncio.timeout(TRIAL_S):
                posted = await mailer.send(trial_mail(mailer.server, place, self.clock.now()), [recipient])
        except TimeoutError:
            raise Unavailable(f"The mail server has not answered within {TRIAL_S:g} s.", code="mail_not_sent") from None
        if posted.refused:
            raise Invalid.field("to", "refused", f"{posted.said}.")
        if posted.later:
            raise Unavailable(f"{posted.said}.", code="mail_not_sent")

    def check_set_up(self) -> Mailer:
        """Raises Conflict."""
        if self.mailer is None:
            raise Conflict(NOT_SET_UP, code="mail_not_set_up")
        return self.mailer
