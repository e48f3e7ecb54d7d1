"""Files of jobs that nobody knows of any more."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from server.clock import ManualClock
from server.ids import new_id
from server.jobs.leftovers import made_at, remove_leftovers
from server.jobs.uploads import FOLDER
from server.jobs.work import Place
from server.store import jobs
from server.store.tables import Job


async def test_half_a_file_goes_after_a_day(place: Place, tmp_path: Path) -> None:
    """Of whatever was being written when its process was killed."""
    await place.objects.put("exports/by-hand.csv", b"rows")
    half, now = tmp_path / f"objects/exports/.{new_id()}.part", datetime.now(UTC)
    half.write_bytes(b"ro")
    assert await remove_leftovers(place.store, place.objects, now + timedelta(hours=23)) == 0
    assert await remove_leftovers(place.store, place.objects, now + timedelta(hours=25)) == 1
    assert not half.exists()


async def test_what_belongs_to_no_job_goes_after_a_day(place: Place, clock: ManualClock) -> None:
    """Uploads of jobs that never came to be or are over, and results of tries that were killed; nothing else."""
    sent, over, in_vain = (f"{FOLDER}/{new_id()}" for _ in range(3))
    async with place.store.transaction() as session:
        rows = {
            state: await jobs.add(session, Job(kind="work", state=state, run_at=clock.now(), arguments=arguments))
            for state, arguments in (
                ("running", {"upload": sent, "pieces": 1}), ("done", {"upload": over, "pieces": 1}),
            )
        }  # fmt: skip
        rows["done"].result_key = f"exports/{rows['done'].id}-2.csv"
    done = rows["done"].id
    kept = {f"{sent}/0000.part", f"exports/{done}-2.csv", "exports/by-hand.csv", "people/x/y.jpg"}
    lost = {f"{over}/0000.part", f"{in_vain}/0000.part", f"exports/{done}-1.csv", f"reports/{new_id()}-1.csv"}
    for key in kept | lost:
        await place.objects.put(key, b"rows")
    now = made_at(f"exports/{done}-1.csv")
    assert now is not None
    assert await remove_leftovers(place.store, place.objects, now + timedelta(hours=23)) == 0
    assert await remove_leftovers(place.store, place.objects, now + timedelta(hours=25)) == len(lost)
    assert {key async for key in place.objects.keys("")} == kept
    assert await remove_leftovers(place.store, place.objects, now + timedelta(hours=25)) == 0
