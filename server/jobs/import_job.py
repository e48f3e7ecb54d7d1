"""The import of people as a job: the upload is fetched, gone through, and answered with a table of every refusal."""

import asyncio
import tempfile
from collections.abc import Awaitable, Callable, Mapping

from server.errors import Invalid
from server.events.limits import Reach
from server.jobs.kinds import Kind, Outcome, Work
from server.jobs.people_import import PeopleImporter
from server.jobs.people_source import plan_of, upload_source
from server.jobs.uploads import fetch_upload
from server.objects.objects import Objects
from server.store.audit import SYSTEM, Actor

NAME = "people-import"
REPORTS = "reports"
LIMIT_S = 12 * 3600.0

GetImporter = Callable[[], Awaitable[PeopleImporter]]


def people_import(objects: Objects, importer: GetImporter) -> Kind:
    """The kind. `importer` is asked for when there is something to import: it needs the networks."""

    async def do(work: Work) -> Outcome:
        actor, reach = _asked(work.arguments)
        key = await work.result_key(REPORTS, "csv")
        with tempfile.TemporaryFile() as file:  # without a name: it is gone with the process, however that ends
            await fetch_upload(objects, work.arguments, file)
            source = await asyncio.to_thread(upload_source, file)
            plan = await asyncio.to_thread(plan_of, source)
            report = await (await importer()).run(source, plan, work.progress, actor=actor, reach=reach)
        await objects.put(key, await asyncio.to_thread(report.as_table))
        return Outcome(report.figures)

    return Kind(NAME, do, tries=5, limit_s=LIMIT_S, permission="people:write", open_at_once=2, askers_own=True)


def arguments_of(actor: Actor, reach: Reach) -> dict[str, object]:
    """What to submit beside the upload."""
    limited = None if reach.departments is None else sorted(reach.departments)
    return {"actor": [actor.kind, actor.id, actor.name], "departments": limited}


def _asked(arguments: Mapping[str, object]) -> tuple[Actor, Reach]:
    match arguments:
        case {"actor": [str() as kind, own_id, str() as name], "departments": None | list() as limited}:
            departments = None if limited is None else frozenset(str(one) for one in limited)
            who = Actor(kind, own_id, name) if isinstance(own_id, str | None) else SYSTEM
            return who, Reach(departments=departments)
    raise Invalid("The job says neither who asked nor within which limits.")
