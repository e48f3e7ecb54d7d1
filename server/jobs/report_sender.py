"""Sends reports: moments of their schedules become runs, and each run is sent by one process at a time.

Nothing depends on this process: where it stands is in the rows. A run is taken before it is sent, under a lease that
runs out when its process is killed; what was sent and not noted by then is sent again, with the same Message-ID.
"""

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

import structlog

from server.clock import Clock
from server.errors import Forbidden, NotFound, RollcallError
from server.events.hub import Wires
from server.jobs.days_export import Asked, DaysExport, allowed
from server.jobs.days_file import Format
from server.jobs.kinds import reason_of
from server.jobs.report_alert import ReportAlert
from server.jobs.report_days import Kind, Made, make
from server.jobs.report_mail import Heading, report_mail
from server.jobs.report_times import LONGEST_DAYS, latest_due, next_due
from server.jobs.reports import CHANNEL, NOT_SET_UP, rule_of, run_of
from server.jobs.trail import Trail
from server.outbound.mail import Mailer, Posted
from server.outbound.rounds import Rounds
from server.outbound.schedule import next_try
from server.store import reports
from server.store.audit import SYSTEM
from server.store.away import is_away
from server.store.reports import Turn
from server.store.tables import Department, Report, ReportRun, Site
from server.supervise import said

AT_ONCE = 2  # each has a whole file in memory
DUE_AT_ONCE = 50
NAMED = 5  # recipients who did not get it, in a reason
LONGEST_REASON = 500
GIVE_BACK_S = 3.0
FURTHEST = timedelta(days=LONGEST_DAYS)
GIVEN_UP_FOR = timedelta(hours=1)  # one whose senders die, or that nobody took, is not tried after it


@dataclass(frozen=True, slots=True)
class Pace:
    """How long a turn is good, how often it is looked for more, and how long making a file may take."""

    lease_s: float = 60.0
    poll_s: float = 5.0
    within_s: float = 600.0
    stop_s: float = 8.0  # how long one that is being sent may hold up the end of the process


@dataclass(frozen=True, slots=True)
class Letter:
    """What is sent, and how many rows its file has."""

    message: bytes
    rows: int


@dataclass(frozen=True, slots=True)
class Ended:
    """What came of a try. `over`: it will never do; `ends`: nor will the next one of this report."""

    posted: Posted
    rows: int | None = None
    over: bool = False
    ends: bool = False


class Lost(Exception):
    """The run is somebody else's by now."""


class ReportSender:
    """One in a process that works on jobs."""

    def __init__(
        self,
        export: DaysExport,
        bus: Wires,
        trail: Trail,
        mailer: Mailer | None,
        alert: ReportAlert,
        *,
        name: str,
        pace: Pace | None = None,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._export = export
        self._store = export.store
        self._clock: Clock = export.clock
        self._trail = trail
        self._mailer = mailer
        self._alert = alert
        self._name = name
        self._pace = pace or Pace()
        self._chance = chance
        self._rounds = Rounds(
            bus, (CHANNEL,), self._waiting, what="report", at_once=AT_ONCE, poll_s=self._pace.poll_s
        )  # fmt: skip
        self._log = structlog.get_logger(__name__)

    async def run(self) -> None:
        """The owner's task: until cancelled."""
        await self._rounds.run(self._serve)

    async def plan(self) -> None:
        """Moments that have come become runs: each once, whoever looks, and of several missed only the last. One that
        is due further away than any schedule reaches was planned by a clock that was wrong, and is planned anew."""
        async with self._store.read() as session:
            now = self._clock.now()
            found = await reports.due(session, now, now + FURTHEST, DUE_AT_ONCE)
        for report_id in found:
            try:
                await self._plan(report_id)
            except Exception as error:  # noqa: BLE001 - one that cannot be planned holds up no other
                self._log.warning("report_not_planned", report=report_id, reason=said(error))

    async def _plan(self, report_id: str) -> None:
        async with self._store.transaction() as session:
            report, now = await reports.lock(session, report_id), self._clock.now()
            if report is None or not report.enabled or report.next_at is None:
                return
            if now < report.next_at <= now + FURTHEST:
                return
            rule = rule_of(report)
            if report.next_at <= now:
                day, due_at = latest_due(rule, report.next_at, now)
                if not await reports.has_run(session, report.id, due_at):
                    await reports.add_run(session, run_of(report, day, due_at, now))
            await reports.write(session, report.id, next_at=next_due(rule, now))

    async def _waiting(self, room: int) -> Sequence[str]:
        await self.plan()
        if not room:
            return ()
        async with self._store.read() as session:
            return await reports.waiting(session, self._clock.now(), AT_ONCE * 2)

    async def _serve(self, run_id: str) -> bool:
        """One try, after which there may be another run to send."""
        await self.serve(run_id)
        return True

    async def serve(self, run_id: str) -> None:
        """Takes the run, sends it and notes what came of it."""
        async with self._store.transaction() as session:
            lease = timedelta(seconds=self._pace.lease_s)
            found = await reports.take(session, run_id, self._name, self._clock.now(), lease)
        if found is None:
            return
        run, report = found
        turn = Turn(run.id, self._name, run.tries)
        try:
            await self._held(turn, run, report)
        except asyncio.CancelledError:
            await self._give_back(turn)
            raise

    async def _held(self, turn: Turn, run: ReportRun, report: Report) -> None:
        """The try, for as long as the run is ours. What has begun to be sent is waited for when cancelled, for a while:
        it cannot be told otherwise whether it was taken."""
        try:
            async with asyncio.TaskGroup() as tasks:
                keeping = tasks.create_task(self._keep(turn))
                ready = await self._ready(run, report)
                ending = tasks.create_task(self._end(turn, run, report, ready))
                try:
                    await asyncio.wait([ending])
                except asyncio.CancelledError:
                    await asyncio.wait([ending], timeout=self._pace.stop_s)
                    raise
                keeping.cancel()
        except* Lost:
            self._log.warning("report_taken_away", run=run.id)

    async def _end(self, turn: Turn, run: ReportRun, report: Report, ready: Letter | Ended) -> None:
        """Raises Lost where the run is over meanwhile, as it is when the report was changed."""
        if isinstance(ready, Letter):
            assert self._mailer is not None
            if not await self._renew(turn):
                raise Lost
            ready = Ended(await self._mailer.send(ready.message, run.left), ready.rows)
        await self._note(turn, run, report, ready)

    async def _keep(self, turn: Turn) -> None:
        """Keeps the lease. Raises Lost when the run is ours no more, or may be so soon."""
        lease_s, renewed_s = self._pace.lease_s, self._clock.monotonic()
        while True:
            await asyncio.sleep(lease_s / 6)
            now_s = self._clock.monotonic()
            try:
                async with asyncio.timeout(lease_s / 6):
                    ours = await self._renew(turn)
                renewed_s = now_s
            except Exception as error:  # noqa: BLE001 - the database may be back before the lease ends
                self._log.warning("lease_not_renewed", run=turn.run_id, reason=type(error).__name__)
                ours = now_s - renewed_s < lease_s * 2 / 3
            if not ours:
                raise Lost

    async def _renew(self, turn: Turn) -> bool:
        async with self._store.transaction() as session:
            until = self._clock.now() + timedelta(seconds=self._pace.lease_s)
            return await reports.note(session, turn, lease_until=until)

    async def _give_back(self, turn: Turn) -> None:
        """The process ends: another may go on at once, and this try does not count. Nothing where it is noted."""
        try:
            async with asyncio.timeout(GIVE_BACK_S), self._store.transaction() as session:
                await reports.note(
                    session, turn, state="waiting", worker=None, lease_until=None, next_at=self._clock.now(),
                    tries=turn.tries - 1,
                )  # fmt: skip
        except Exception as error:  # noqa: BLE001 - its lease runs out, and somebody looks again
            self._log.warning("report_left", run=turn.run_id, reason=type(error).__name__)

    async def _ready(self, run: ReportRun, report: Report) -> Letter | Ended:
        """What is to be sent, or why nothing is."""
        everybody = tuple(run.left)
        if self._clock.now() > run.give_up_at + GIVEN_UP_FOR:
            return Ended(Posted(refused=everybody, never="Its time was over before it could be sent."), over=True)
        if self._mailer is None:
            return Ended(Posted(later=everybody, not_now=NOT_SET_UP))
        try:
            async with asyncio.timeout(self._pace.within_s):
                about, made = await self._made(run, report)
                message = await asyncio.to_thread(report_mail, self._mailer.server, about, made, self._clock.now())
        except TimeoutError:
            return Ended(Posted(later=everybody, not_now=f"It took longer than {self._pace.within_s:g} s to make."))
        except RollcallError as error:
            ends = isinstance(error, Forbidden | NotFound)
            return Ended(Posted(refused=everybody, never=error.message), over=True, ends=ends)
        except Exception as error:  # noqa: BLE001 - the database may be back the next time
            fault = None if is_away(error) else error
            self._log.warning("report_not_made", run=run.id, reason=said(error), exc_info=fault)
            return Ended(Posted(later=everybody, not_now=reason_of(error, self._pace.within_s)))
        return Letter(message, made.rows)

    async def _made(self, run: ReportRun, report: Report) -> tuple[Heading, Made]:
        """Raises Forbidden where whoever made the report may not see days any more, and NotFound where what it is of is
        gone."""
        asked = Asked(
            format=cast(Format, report.format), first=run.first_date, last=run.last_date,
            department_id=report.department_id, site_id=report.site_id,
        )  # fmt: skip
        try:
            asked = await allowed(self._store, asked, report.created_by)
        except Forbidden:
            raise Forbidden("Whoever made this report may not see days any more.") from None
        async with self._store.read() as session:
            site = await session.get(Site, report.site_id) if report.site_id else None
            department = await session.get(Department, report.department_id) if report.department_id else None
        if (report.site_id and site is None) or (report.department_id and department is None):
            raise NotFound("The site or the department of this report is gone.")
        if department is not None and not asked.reach.has_department(department.id):
            raise Forbidden("Whoever made this report may not see its department any more.")
        place = site.name if site else self._export.runtime.current.site.name
        place = f"{place}, {department.name}" if department else place
        made = await make(self._export, asked, cast(Kind, report.kind))
        return Heading(
            run.id, report.name, place, run.first_date, run.last_date, report.time_zone, report.format
        ), made  # fmt: skip

    async def _note(self, turn: Turn, run: ReportRun, report: Report, ended: Ended) -> None:
        now, posted = self._clock.now(), ended.posted
        following: datetime | None = None
        if posted.later and not ended.over:
            following = next_try(now, run.tries, run.give_up_at, self._chance)
        left = list(posted.later) if following else []
        refused = run.refused + len(run.left) - len(posted.taken) - len(left)
        got = run.recipients > refused + len(left)
        values: dict[str, Any] = {
            "worker": None, "lease_until": None, "left": left, "refused": refused, "reason": _reason(run, posted),
            "rows": run.rows if ended.rows is None else ended.rows, "sent_at": now if posted.taken else run.sent_at,
        }  # fmt: skip
        if following is not None:
            values |= {"state": "waiting", "next_at": following}
        else:
            values |= {"state": "sent" if got else "failed", "finished_at": now}
        await self._write(turn, report, ended, values)
        if posted.taken:
            self._log.info("report_sent", report=report.id, run=run.id, recipients=len(posted.taken))
        if posted.refused or posted.later:
            self._log.warning(
                "report_not_sent", report=report.id, run=run.id, recipients=len(posted.refused) + len(posted.later),
                reason=posted.said, over=following is None,
            )  # fmt: skip

    async def _write(self, turn: Turn, report: Report, ended: Ended, values: dict[str, Any]) -> None:
        """Until the database takes it or the lease is lost: what was sent is to be known."""
        while True:
            try:
                async with asyncio.timeout(self._pace.lease_s / 6), self._store.transaction() as session:
                    await reports.lock(session, report.id)  # before its run, as an edit does
                    noted = await reports.note(session, turn, **values)
                    if noted and ended.ends:
                        await reports.disable(session, report.id)
                        after = {"enabled": False, "reason": ended.posted.said}
                        await self._trail.record(session, SYSTEM, "report.disabled", "reports", report.id, after=after)
                    if noted and values["state"] == "failed":
                        await self._alert.failed(session, report, values["reason"], self._clock.now())
                    elif noted and values["state"] == "sent":
                        await self._alert.over(session, report.id, self._clock.now())
                return
            except Exception as error:  # noqa: BLE001 - it may be back before the lease ends
                self._log.warning("report_not_noted", run=turn.run_id, reason=type(error).__name__)
            await asyncio.sleep(self._pace.lease_s / 60)


def _reason(run: ReportRun, posted: Posted) -> str | None:
    """A line of who was refused for good, which stays, and one of those who did not get it at the last try."""
    lasting = [run.reason.partition("\n")[0]] if run.refused and run.reason else []
    lasting += _missed(posted.never, posted.refused, run.recipients)
    lines = [*([" ".join(lasting)] if lasting else []), *_missed(posted.not_now, posted.later, run.recipients)]
    return "\n".join(lines)[:LONGEST_REASON] or None


def _missed(said: str, who: Sequence[str], recipients: int) -> list[str]:
    """A sentence, with names where it is not about everybody."""
    if not who:
        return []
    more = f" and {len(who) - NAMED} more" if len(who) > NAMED else ""
    names = f" ({', '.join(who[:NAMED])}{more})" if len(who) < recipients else ""
    return [f"{said.rstrip('.')}{names}."]
