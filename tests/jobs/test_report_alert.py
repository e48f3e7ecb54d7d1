"""The alert of a report: raised with what failed, cleared once, and told after the commit."""

from typing import Any

from server.jobs.report_alert import KIND, ReportAlert
from server.jobs.work import Place
from server.store import alerts
from server.store.paging import Page
from server.store.tables import Report


async def test_it_is_raised_and_cleared(place: Place) -> None:
    """Once while it is open, and without an address."""
    waker: Any = place.waker
    alert, now = ReportAlert(place.log, waker.wake), place.clock.now()
    report = Report(
        name="Days", kind="day", format="csv", recipients=["a@example.com"], frequency="daily", time="07:30",
        time_zone="UTC", created_by="u",
    )  # fmt: skip
    for _ in range(2):
        async with place.store.transaction() as session:
            await alert.failed(session, report, "Refused: 550 (a@example.com).", now)
            told = list(waker.topics)
    assert (told, waker.topics) == (["alerts"], ["alerts"])
    async with place.store.read() as session:
        [row] = (await alerts.page(session, Page(), state="open")).rows
    assert (row.kind, row.severity, row.subject) == (KIND, "warning", f"reports/{report.id}")
    assert row.message == "The report “Days” was not sent: Refused: 550 (…)."
    for _ in range(2):
        async with place.store.transaction() as session:
            await alert.over(session, report.id, now)
    assert waker.topics == ["alerts", "alerts"]
    async with place.store.read() as session:
        assert (await alerts.page(session, Page(), state="open")).total == 0
