"""A changed pack as a job: templates are made from the stored photos, and then every process goes over to them."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from server.errors import Unavailable
from server.jobs.jobs import Jobs
from server.jobs.kinds import Kind, Outcome, Work
from server.jobs.spreadsheet import table
from server.jobs.trail import Trail
from server.objects.objects import Objects
from server.pipeline.rebuild import Rebuilder, Rebuilt
from server.store import embedders
from server.store.audit import SYSTEM
from server.store.embedders import Build
from server.store.engine import Store
from server.store.jobs import count_open

NAME = "templates-rebuild"
REPORTS = "reports"
LIMIT_S = 48 * 3600.0

GetRebuilder = Callable[[], Awaitable[Rebuilder]]


def templates_rebuild(store: Store, objects: Objects, trail: Trail, rebuilder: GetRebuilder) -> Kind:
    """The kind. Its result is a table of the photos of which no template could be made."""

    async def do(work: Work) -> Outcome:
        wanted = arguments_build(work.arguments)
        own = await rebuilder()
        if own.build != wanted:  # another machine has it, or has it no more
            raise Unavailable(f"{wanted.pack} is not the pack that is chosen on this machine.")
        key = await work.result_key(REPORTS, "csv")
        done = Rebuilt()
        work.tell_if_cancelled(lambda: (_figures(done), _table(done)))
        await own.run(work.progress, done)
        async with store.transaction() as session:
            before = await embedders.used(session)
            await embedders.use(session, wanted)
            figures = _figures(done)
            after = {"pack": wanted.pack, "sha256": wanted.sha256, **figures}
            was = {"pack": before.pack, "sha256": before.sha256} if before else None
            if before != wanted or done.made:  # else a worker that was killed has noted it
                await trail.record(session, SYSTEM, "templates.rebuilt", "jobs", work.job_id, before=was, after=after)
        own.announce()
        await objects.put(key, await asyncio.to_thread(_table, done))
        return Outcome(figures)

    return Kind(NAME, do, "low", tries=20, limit_s=LIMIT_S, permission="people:read")


def _figures(done: Rebuilt) -> dict[str, int]:
    return {"templates": done.made, "failed": len(done.failed)}


def _table(done: Rebuilt) -> bytes:
    return table([("personId", "photoId", "code"), *done.failed])


def arguments_of(build: Build) -> dict[str, object]:
    """What to submit."""
    return {"pack": build.pack, "sha256": build.sha256}


def arguments_build(arguments: object) -> Build:
    match arguments:
        case {"pack": str() as pack, "sha256": str() as sha256}:
            return Build(pack, sha256)
    raise ValueError("the job names no build of a pack")


async def ask_for_rebuild(store: Store, jobs: Jobs, build: Build) -> bool:
    """A job where photos lack a template of that build, or the site does not search with it yet; none beside another:
    then false, and it is to be asked for again.

    Where nothing is left to do, templates of other builds are forgotten: nobody searches with them any more.
    """
    async with store.transaction() as session:
        is_used, lacking = await embedders.used(session) == build, await embedders.count_lacking(session, build)
        if is_used and not lacking:
            if forgotten := await embedders.forget_others(session, build):
                structlog.get_logger(__name__).info("templates_forgotten", count=forgotten)
        elif await count_open(session, NAME):
            return False
        else:
            await jobs.submit(session, NAME, arguments_of(build))
    return True
