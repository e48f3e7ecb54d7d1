"""An erasure that is repeated; tests/routes/test_privacy.py has whole ones."""

from pathlib import Path

import pytest

from server.clock import ManualClock
from server.events.schema import NewEvent
from server.store.event_log import TableLog
from server.store.tables import Person
from tests.opened import parts_in


async def test_finishing_again_changes_nothing(tmp_path: Path) -> None:
    """The receipt keeps its hash and its time."""
    async with parts_in(tmp_path / "state", ManualClock()) as parts:
        async with parts.store.transaction() as session:
            person = Person(full_name="Ada")
            session.add(person)
            await session.flush()
            receipt = await parts.eraser.begin(session, person, "biometrics", "ada")
        done = await parts.eraser.finish(receipt.id)
        assert done.state == "done"
        again = await parts.eraser.finish(receipt.id)
        assert (again.sha256, again.finished_at) == (done.sha256, done.finished_at)


async def test_those_that_are_done_count_for_how_far_it_is(tmp_path: Path) -> None:
    """Also once the job is begun again: each erasure looks through the same events, so those alone say nothing."""
    told: list[tuple[int, int, int]] = []
    killed_at = 2

    async def tell(done: int, total: int, reached: int) -> None:
        told.append((done, total, reached))
        if len(told) == killed_at:
            raise RuntimeError("killed")

    async with parts_in(tmp_path / "state", ManualClock()) as parts:
        async with parts.store.transaction() as session:
            await TableLog(parts.store).append(
                session, [NewEvent("alerts", "alert.raised", "a", {}, parts.clock.now())] * 4
            )
            for name in ("Ada", "Ben", "Cy"):
                person = Person(full_name=name)
                session.add(person)
                await session.flush()
                await parts.eraser.begin(session, person, "biometrics", "ada")
        with pytest.raises(RuntimeError, match="killed"):
            await parts.eraser.finish_all(tell)
        assert await parts.eraser.finish_all(tell) == 2
    assert told == [(4, 12, 1000), (8, 12, 2000), (4, 8, 2000), (8, 8, 3000)]
