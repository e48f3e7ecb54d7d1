"""Who asked for an import and within which limits, as its job keeps it; and whether they still may."""

from collections.abc import Mapping

from server.errors import Forbidden, Invalid
from server.events.limits import Reach
from server.jobs.kinds import Work
from server.store import users
from server.store.audit import Actor
from server.store.engine import Store


def arguments_of(actor: Actor, reach: Reach) -> dict[str, object]:
    """What to submit beside the upload."""
    limited = None if reach.departments is None else sorted(reach.departments)
    return {"actor": [actor.kind, actor.id, actor.name], "departments": limited}


def asker_in(arguments: Mapping[str, object]) -> tuple[Actor, Reach]:
    """As `arguments_of` wrote it. Raises Invalid."""
    match arguments:
        case {
            "actor": [str() as kind, None | str() as own_id, str() as name],
            "departments": None | list() as limited,
        }:
            departments = None if limited is None else frozenset(str(one) for one in limited)
            return Actor(kind, own_id, name), Reach(departments=departments)
    raise Invalid("The job says neither who asked nor within which limits.")


async def still_allowed(store: Store, work: Work, permission: str, what: str) -> tuple[Actor, Reach]:
    """Who asked, and what is left of the limits within which they did. Raises Forbidden where they may not do `what`
    any more, and Invalid."""
    actor, reach = asker_in(work.arguments)
    if work.asked_by is None:  # an API key, which is checked where it asks
        return actor, reach
    async with store.read() as session:
        account = await users.find(session, work.asked_by)
    if account is None or not account.user.active or permission not in account.role.permissions:
        raise Forbidden(f"Whoever asked for this may not {what} any more.")
    limits = account.user.department_ids
    if limits is None:
        return actor, reach
    made = frozenset(limits) if reach.departments is None else reach.departments & frozenset(limits)
    return actor, Reach(cameras=reach.cameras, departments=made)
