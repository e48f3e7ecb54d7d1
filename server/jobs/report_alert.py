"""The alert that a report was not sent: raised by a run that has failed, cleared by the next that is sent."""

from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import event
from sqlmodel.ext.asyncio.session import AsyncSession

from server.outbound.mail import without_addresses
from server.store import alerts
from server.store.alerts import Log
from server.store.tables import Report

KIND = "report_failed"


class ReportAlert:
    """Within the caller's transaction, as its last step; once that is committed, the hub is woken."""

    def __init__(self, log: Log, wake: Callable[[Sequence[str]], None]) -> None:
        self._log = log
        self._wake = wake

    async def failed(self, session: AsyncSession, report: Report, reason: str, now: datetime) -> None:
        """Its message has nobody's address in it."""
        message = f"The report “{report.name}” was not sent: {without_addresses(reason)}"
        told = await alerts.raise_alert(
            session, self._log, kind=KIND, severity="warning", subject=_subject(report.id), message=message, at=now
        )
        self._tell(session, bool(told))

    async def over(self, session: AsyncSession, report_id: str, now: datetime) -> None:
        """One was sent, or the report is gone."""
        told = await alerts.clear_alert(session, self._log, KIND, _subject(report_id), now)
        self._tell(session, bool(told))

    def _tell(self, session: AsyncSession, told: bool) -> None:
        if told:
            event.listen(
                session.sync_session, "after_commit", lambda _session: self._wake([alerts.TOPIC]), once=True
            )  # fmt: skip


def _subject(report_id: str) -> str:
    return f"reports/{report_id}"
