"""An erasure that is repeated; tests/routes/test_privacy.py has whole ones."""

from pathlib import Path

from server.clock import ManualClock
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
