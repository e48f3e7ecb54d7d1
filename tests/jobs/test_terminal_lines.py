"""The job that takes up lines which have waited."""

from datetime import UTC, datetime
from pathlib import Path

from server.jobs.kinds import Work
from server.jobs.terminal_lines import HOURLY
from server.store import people
from server.store.tables import Person, Terminal, TerminalLine
from tests.opened import parts_in


async def test_it_takes_up_what_waits(tmp_path: Path) -> None:
    """And says how many; done again it does nothing."""
    async with parts_in(tmp_path / "state", users=False) as parts:
        terminal = Terminal(serial_number="OID7", name="Gate")
        async with parts.store.transaction() as session:
            session.add(terminal)
            await session.flush()
            session.add(
                TerminalLine(
                    terminal_id=terminal.id, digest="d", pin="7", local_time="2026-01-05 08:00:00",
                    at=parts.clock.now(), status="0", verify="1", work_code="", state="unknown_person",
                )
            )  # fmt: skip
        async with parts.store.transaction() as session:
            await people.save_person(session, Person(full_name="Ada", employee_id="7"))
        work: Work = None  # type: ignore[assignment]  # it asks nothing of it
        kind = parts.jobs.kinds["terminal-lines"]
        assert (await kind.do(work)).figures == {"entries": 1}
        assert (await kind.do(work)).figures == {"entries": 0}
        assert kind.every is HOURLY  # for what nobody has called for


def test_it_comes_round_every_hour() -> None:
    assert HOURLY.slot(datetime(2026, 1, 5, 9, 30, tzinfo=UTC)) == datetime(2026, 1, 5, 8, 37, tzinfo=UTC)
