"""Files of jobs that nobody knows of any more: whoever wrote them was killed before it could say so, or remove them."""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from uuid import UUID

from server.jobs import audit_export, rebuild_job, uploads
from server.objects.objects import Objects
from server.store import jobs
from server.store.engine import Store

FOLDERS = (uploads.FOLDER, audit_export.FOLDER, rebuild_job.REPORTS)
KEPT = timedelta(days=1)  # what is newer may be of a job that is just being asked for, or done
AT_ONCE = 200


async def remove_leftovers(store: Store, objects: Objects, now: datetime) -> int:
    """Removes what is neither for a job that is open nor the result of one, and half written files of whatever; how
    many. May be repeated."""
    removed = await objects.remove_unfinished(now - KEPT)
    for folder in FOLDERS:
        old = [key async for key in objects.keys(folder) if (made := made_at(key)) is not None and made < now - KEPT]
        for first in range(0, len(old), AT_ONCE):
            lost = await _unknown(store, old[first : first + AT_ONCE])
            if lost:
                await objects.delete(*lost)
            removed += len(lost)
    return removed


def made_at(key: str) -> datetime | None:
    """By the id of the upload or of the job that is in its name; None where there is none."""
    try:
        number = UUID(_id_in(key)).int
    except ValueError:
        return None
    return datetime.fromtimestamp((number >> 80) / 1000, UTC)


async def _unknown(store: Store, keys: Collection[str]) -> list[str]:
    async with store.read() as session:
        known = await jobs.results_of(session, {_id_in(key) for key in keys})
        known |= {key for arguments in await jobs.arguments_of_open(session) for key in uploads.keys_of(arguments)}
    return [key for key in keys if key not in known]


def _id_in(key: str) -> str:
    return key.split("/")[1][:36]
