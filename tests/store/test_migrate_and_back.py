"""Rows that an older version has no place for wait in the settings, and are there again after the way forward."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlmodel import col, select
from sqlmodel.sql.expression import SelectOfScalar

from server.store import migrate, tables
from server.store.engine import Store


async def test_webhooks_wait_for_the_way_forward(empty_url: str) -> None:
    """With where they stand and what waits; of what is over the version before keeps nothing."""
    await migrate.upgrade(empty_url)
    at = datetime(2026, 1, 5, 8, 0, 0, 1234, tzinfo=UTC)
    async with Store(empty_url) as store:
        ada, gone = tables.Person(full_name="Ada"), tables.Person(full_name="Gone")
        whole = tables.Webhook(
            name="Zoë", kind="frappe", url="https://hr.example", types=["attendance.checked_in"], camera_ids=["c1"],
            options={"deviceId": "Gate"}, active=False, disabled_reason="gone", key_id="k", sealed="s",
            previous_until=at, epoch="e", cursor={"attendance": 2**40}, failures=3, resumes_at=at, worker="w",
            lease_until=at,
        )  # fmt: skip
        plain = tables.Webhook(name="Plain", kind="standard", url="u", types=["alert.raised"])
        usual: dict[str, Any] = {
            "type": "attendance.checked_in", "topic": "attendance", "epoch": "e", "next_at": at, "give_up_at": at,
        }  # fmt: skip
        given: tuple[tuple[tables.Person, str], ...] = ((ada, "pending"), (gone, "pending"), (ada, "dead"))
        rows = [
            tables.Delivery(
                webhook_id=whole.id, message_id=f"m{n}", offset=2**40 + n, state=state, tries=n, result="http_500",
                person_id=who.id, **usual,
            )
            for n, (who, state) in enumerate(given)
        ]  # fmt: skip
        for some in ([ada, gone, whole, plain], rows):
            async with store.transaction() as session:
                session.add_all(some)
        async with store.read() as session:
            before = {row.name: row.model_dump() for row in (await session.exec(select(tables.Webhook))).all()}
            waited = [row.model_dump() for row in (await session.exec(_waiting())).all()]
    await migrate.downgrade(empty_url, "0012")
    async with Store(empty_url) as store, store.engine.begin() as connection:
        await connection.execute(text("DELETE FROM people WHERE full_name = 'Gone'"))
    await migrate.upgrade(empty_url)
    async with Store(empty_url) as store, store.read() as session:
        after = {row.name: row.model_dump() for row in (await session.exec(select(tables.Webhook))).all()}
        back = [row.model_dump() for row in (await session.exec(_waiting())).all()]
        assert (await session.exec(select(tables.Setting))).all() == []
        assert len((await session.exec(select(tables.Delivery))).all()) == 2
    before["Zoë"] |= {"worker": None, "lease_until": None}
    waited[1]["person_id"] = None
    assert (after, back) == (before, waited)


def _waiting() -> SelectOfScalar[tables.Delivery]:
    return select(tables.Delivery).where(tables.Delivery.state == "pending").order_by(tables.Delivery.message_id)


async def test_reports_wait_for_the_way_forward(empty_url: str) -> None:
    """With their schedules and the newest of their runs."""
    await migrate.upgrade(empty_url)
    at = datetime(2026, 1, 5, 8, 0, 0, 1234, tzinfo=UTC)
    async with Store(empty_url) as store:
        report = tables.Report(
            name="Zoë", kind="day", format="csv", recipients=["a@example.com", "b@example.com"], frequency="monthly",
            month_day=28, time="07:30", time_zone="Europe/Berlin", created_by="u", next_at=at,
        )  # fmt: skip
        runs = [
            tables.ReportRun(
                report_id=report.id, first_date=at.date(), last_date=at.date(), due_at=at + timedelta(days=n),
                state=state, next_at=at, give_up_at=at, recipients=2, left=left, reason=state, rows=n, sent_at=sent,
            )
            for n, (state, left, sent) in enumerate((("sent", [], at), ("waiting", ["b@example.com"], None)))
        ]  # fmt: skip
        for some in ([report], runs):
            async with store.transaction() as session:
                session.add_all(some)
        before = await _reports(store)
    await migrate.downgrade(empty_url, "0015")
    await migrate.upgrade(empty_url)
    async with Store(empty_url) as store:
        assert await _reports(store) == before
        assert [len(rows) for rows in before] == [1, 2]
        async with store.read() as session:
            assert (await session.exec(select(tables.Setting))).all() == []


async def _reports(store: Store) -> list[list[dict[str, Any]]]:
    async with store.read() as session:
        reports = (await session.exec(select(tables.Report))).all()
        runs = (await session.exec(select(tables.ReportRun).order_by(col(tables.ReportRun.due_at)))).all()
    return [[row.model_dump() for row in reports], [row.model_dump() for row in runs]]


async def test_terminals_wait_for_the_way_forward(empty_url: str) -> None:
    """With their lines and the origin of entries; a line of somebody who was removed meanwhile is gone with them."""
    await migrate.upgrade(empty_url)
    at = datetime(2026, 1, 5, 8, 0, 0, 1234, tzinfo=UTC)
    async with Store(empty_url) as store:
        ada, gone = tables.Person(full_name="Ada"), tables.Person(full_name="Gone")
        site = tables.Site(name="S", timezone="UTC")
        door = tables.Terminal(
            serial_number="Z1", name="Door", site_id=site.id, role="both", networks=["10.0.0.0/8"], last_seen_at=at
        )
        entry = tables.Entry(person_id=ada.id, at=at, direction="in", origin="terminal", terminal_id=door.id)
        of: tuple[tuple[str | None, str | None], ...] = ((ada.id, entry.id), (gone.id, None), (None, None))
        lines = [
            tables.TerminalLine(
                terminal_id=door.id, digest=f"d{n}", pin="7", local_time="", at=at, status="", verify="", work_code="",
                text="t", state="taken", reason="", person_id=person_id, entry_id=entry_id,
            )
            for n, (person_id, entry_id) in enumerate(of)
        ]  # fmt: skip
        for some in ([ada, gone, site], [door], [entry], lines):
            async with store.transaction() as session:
                session.add_all(some)
        async with store.read() as session:
            terminals = [row.model_dump() for row in (await session.exec(select(tables.Terminal))).all()]
            read = (await session.exec(select(tables.TerminalLine).order_by(tables.TerminalLine.digest))).all()
            told = [row.model_dump() for row in read]
    await migrate.downgrade(empty_url, "0013")
    async with Store(empty_url) as store, store.engine.begin() as connection:
        assert (await connection.execute(text("SELECT origin FROM entries"))).scalar_one() == "import"
        await connection.execute(text("DELETE FROM people WHERE full_name = 'Gone'"))
    await migrate.upgrade(empty_url)
    async with Store(empty_url) as store, store.read() as session:
        assert [row.model_dump() for row in (await session.exec(select(tables.Terminal))).all()] == terminals
        read = (await session.exec(select(tables.TerminalLine).order_by(tables.TerminalLine.digest))).all()
        assert [row.model_dump() for row in read] == [told[0], told[2]]
        [found] = (await session.exec(select(tables.Entry))).all()
        assert (found.origin, found.terminal_id) == ("terminal", door.id)
        assert (await session.exec(select(tables.Setting))).all() == []


async def test_a_kiosks_own_language_waits_for_the_way_forward(empty_url: str) -> None:
    """With its time zone; a kiosk that has neither has neither afterwards."""
    await migrate.upgrade(empty_url)
    own = {"Lobby": ("ar", "Asia/Kathmandu"), "Hall": (None, "Europe/Berlin"), "Gate": (None, None)}
    async with Store(empty_url) as store, store.transaction() as session:
        for name, (language, time_zone) in own.items():
            session.add(tables.Kiosk(name=name, language=language, time_zone=time_zone))
    await migrate.downgrade(empty_url, "0016")
    await migrate.upgrade(empty_url)
    async with Store(empty_url) as store, store.read() as session:
        found = (await session.exec(select(tables.Kiosk))).all()
        assert {row.name: (row.language, row.time_zone) for row in found} == own
        assert (await session.exec(select(tables.Setting))).all() == []
