"""How things stand."""

from pathlib import Path

from server.clock import ManualClock
from server.pipeline.standing import Standing
from server.store.tables import Camera, Entry, Person
from tests.opened import parts_in


async def test_cameras_and_who_is_in(tmp_path: Path) -> None:
    """With the state of each; who has left is not counted."""
    clock = ManualClock()
    async with parts_in(tmp_path, clock, users=False) as parts:
        standing = Standing(parts.store, parts.cameras, parts.runtime, clock)
        assert (list(await standing.cameras()), await standing.present()) == ([], 0)
        people = [Person(full_name=name) for name in ("Ada", "Bea")]
        async with parts.store.transaction() as session:
            session.add_all([*people, Camera(name="Door", source="", kind="push", role="in", enabled=False)])
            await session.flush()
            session.add_all(
                Entry(person_id=one.id, at=clock.now(), direction=way, origin="manual")
                for one, way in zip(people, ("in", "out"), strict=True)
            )
        assert await standing.present() == 1
        assert [(one.name, one.status.state) for one in await standing.cameras()] == [("Door", "disabled")]
