"""The open parts of a server."""

from datetime import UTC, datetime
from pathlib import Path

from server.clock import ManualClock
from tests.opened import parts_in


async def test_the_day_begins_at_the_sites_midnight(tmp_path: Path) -> None:
    """In New York it is still the evening before when UTC has a new day."""
    clock = ManualClock(datetime(2026, 1, 6, 2, 0, tzinfo=UTC))
    async with parts_in(tmp_path, clock, users=False, attendance={"timezone": "America/New_York"}) as parts:
        assert parts.midnight() == datetime(2026, 1, 5, 5, 0, tzinfo=UTC)
