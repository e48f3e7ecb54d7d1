"""The import of entries as a job: the upload is fetched, gone through, and answered with a table of every refusal."""

import asyncio
import tempfile
from collections.abc import Mapping
from datetime import datetime

from server.errors import Forbidden, Invalid
from server.events.limits import Reach
from server.jobs.entries_import import EntriesImporter
from server.jobs.entries_plan import entries_in
from server.jobs.kinds import Kind, Outcome, Work
from server.jobs.uploads import fetch_upload
from server.objects.objects import Objects
from server.store import users
from server.store.audit import Actor
from server.store.engine import Store

NAME = "attendance-import"
PERMISSION = "attendance:write"
REPORTS = "reports"
LIMIT_S = 3 * 3600.0


def entries_import(objects: Objects, store: Store, importer: EntriesImporter) -> Kind:
    """The kind. Whoever asked must still be allowed to when it is done, and within the limits that hold by then."""

    async def do(work: Work) -> Outcome:
        actor, reach, begun, dry = _asked(work.arguments)
        reach = await _still_allowed(store, work.asked_by, reach)
        key = await work.result_key(REPORTS, "csv")
        with tempfile.TemporaryFile() as file:  # without a name: it is gone with the process, however that ends
            await fetch_upload(objects, work.arguments, file)
            plan = await asyncio.to_thread(entries_in, file)
        report = await importer.run(plan, work.progress, begun=begun, dry=dry, actor=actor, reach=reach)
        await objects.put(key, await asyncio.to_thread(report.as_table))
        return Outcome({**report.figures, "dry": int(dry)})

    return Kind(NAME, do, tries=5, limit_s=LIMIT_S, permission=PERMISSION, open_at_once=2, askers_own=True)


def arguments_of(actor: Actor, reach: Reach, begun: datetime, *, dry: bool) -> dict[str, object]:
    """What to submit beside the upload."""
    limited = None if reach.departments is None else sorted(reach.departments)
    who = [actor.kind, actor.id, actor.name]
    return {"actor": who, "departments": limited, "begun": begun.isoformat(), "dry": dry}


def _asked(arguments: Mapping[str, object]) -> tuple[Actor, Reach, datetime, bool]:
    match arguments:
        case {
            "actor": [str() as kind, None | str() as own_id, str() as name],
            "departments": None | list() as limited,
            "begun": str() as begun,
            "dry": bool() as dry,
        }:
            departments = None if limited is None else frozenset(str(one) for one in limited)
            return Actor(kind, own_id, name), Reach(departments=departments), datetime.fromisoformat(begun), dry
    raise Invalid("The job says neither who asked nor within which limits.")


async def _still_allowed(store: Store, asked_by: str | None, reach: Reach) -> Reach:
    """Raises Forbidden."""
    if asked_by is None:  # an API key, which is checked where it asks
        return reach
    async with store.read() as session:
        account = await users.find(session, asked_by)
    if account is None or not account.user.active or PERMISSION not in account.role.permissions:
        raise Forbidden("Whoever asked for this may not add entries any more.")
    limits = account.user.department_ids
    if limits is None:
        return reach
    made = frozenset(limits) if reach.departments is None else reach.departments & frozenset(limits)
    return Reach(cameras=reach.cameras, departments=made)
