"""The import of people as a job: the upload is fetched, gone through, and answered with a table of every refusal."""

import asyncio
import tempfile
from collections.abc import Awaitable, Callable

from server.jobs.asker import still_allowed
from server.jobs.kinds import Kind, Outcome, Work
from server.jobs.people_import import PeopleImporter, Report
from server.jobs.people_source import plan_of, upload_source
from server.jobs.uploads import fetch_upload
from server.objects.objects import Objects
from server.store.engine import Store

NAME = "people-import"
PERMISSION = "people:write"
REPORTS = "reports"
LIMIT_S = 12 * 3600.0

GetImporter = Callable[[], Awaitable[PeopleImporter]]


def people_import(objects: Objects, store: Store, importer: GetImporter) -> Kind:
    """The kind. Whoever asked must still be allowed to when it is done, and within the limits that hold by then.

    `importer` is asked for when there is something to import: it needs the networks.
    """

    async def do(work: Work) -> Outcome:
        actor, reach = await still_allowed(store, work, PERMISSION, "import people")
        key = await work.result_key(REPORTS, "csv")
        with tempfile.TemporaryFile() as file:  # without a name: it is gone with the process, however that ends
            await fetch_upload(objects, work.arguments, file)
            source = await asyncio.to_thread(upload_source, file)
            plan = await asyncio.to_thread(plan_of, source)
            report = Report()
            work.tell_if_cancelled(lambda: (report.figures, report.as_table()))
            await (await importer()).run(source, plan, work.progress, actor=actor, reach=reach, report=report)
        await objects.put(key, await asyncio.to_thread(report.as_table))
        return Outcome(report.figures)

    return Kind(NAME, do, "low", tries=5, limit_s=LIMIT_S, permission=PERMISSION, open_at_once=2, askers_own=True)
