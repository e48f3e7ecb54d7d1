"""The import of entries as a job: the upload is fetched, gone through, and answered with a table of every refusal."""

import asyncio
import tempfile
from collections.abc import Mapping
from datetime import datetime

from server.errors import Invalid
from server.events.limits import Reach
from server.jobs import asker
from server.jobs.entries_import import EntriesImporter, EntriesReport
from server.jobs.entries_plan import entries_in
from server.jobs.kinds import Kind, Outcome, Work
from server.jobs.uploads import fetch_upload
from server.objects.objects import Objects
from server.store.audit import Actor
from server.store.engine import Store

NAME = "attendance-import"
PERMISSION = "attendance:write"
REPORTS = "reports"
LIMIT_S = 3 * 3600.0


def entries_import(objects: Objects, store: Store, importer: EntriesImporter) -> Kind:
    """The kind. Whoever asked must still be allowed to when it is done, and within the limits that hold by then."""

    async def do(work: Work) -> Outcome:
        begun, dry = _asked(work.arguments)
        actor, reach = await asker.still_allowed(store, work, PERMISSION, "add entries")
        key = await work.result_key(REPORTS, "csv")
        with tempfile.TemporaryFile() as file:  # without a name: it is gone with the process, however that ends
            await fetch_upload(objects, work.arguments, file)
            plan = await asyncio.to_thread(entries_in, file)
        report = EntriesReport()
        work.tell_if_cancelled(lambda: ({**report.figures, "dry": int(dry)}, report.as_table()))
        await importer.run(plan, work.progress, begun=begun, dry=dry, actor=actor, reach=reach, report=report)
        await objects.put(key, await asyncio.to_thread(report.as_table))
        return Outcome({**report.figures, "dry": int(dry)})

    return Kind(NAME, do, "low", tries=5, limit_s=LIMIT_S, permission=PERMISSION, open_at_once=2, askers_own=True)


def arguments_of(actor: Actor, reach: Reach, begun: datetime, *, dry: bool) -> dict[str, object]:
    """What to submit beside the upload."""
    return {**asker.arguments_of(actor, reach), "begun": begun.isoformat(), "dry": dry}


def _asked(arguments: Mapping[str, object]) -> tuple[datetime, bool]:
    match arguments:
        case {"begun": str() as begun, "dry": bool() as dry}:
            return datetime.fromisoformat(begun), dry
    raise Invalid("The job does not say when it was asked for.")
