"""Who asked for an import, as its job keeps it, and what they may do by now."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import cast

import pytest
from sqlmodel import col, select, update

from server.errors import Forbidden, Invalid
from server.events.limits import EVERYTHING, Reach
from server.jobs.asker import arguments_of, asker_in, still_allowed
from server.jobs.kinds import Work
from server.parts import Parts
from server.store.audit import Actor
from server.store.tables import User
from tests.opened import parts_in

ADA = Actor("user", "u1", "Ada")
PERMISSION = "people:write"


class Asked:
    """As much of a try as is looked at."""

    def __init__(self, arguments: Mapping[str, object], asked_by: str | None) -> None:
        self.arguments, self.asked_by = arguments, asked_by


@pytest.fixture
async def parts(tmp_path: Path) -> AsyncIterator[Parts]:
    async with parts_in(tmp_path / "state", users=True) as parts:
        yield parts


async def asked(parts: Parts, reach: Reach, asked_by: str | None) -> tuple[Actor, Reach]:
    work = cast(Work, Asked(arguments_of(ADA, reach), asked_by))
    return await still_allowed(parts.store, work, PERMISSION, "import people")


async def changed(parts: Parts, role: str, **values: object) -> str:
    """The user of that role, with something changed; the id."""
    async with parts.store.transaction() as session:
        await session.exec(update(User).where(col(User.email) == f"{role}@example.com").values(**values))
        return (await session.exec(select(User.id).where(User.email == f"{role}@example.com"))).one()


@pytest.mark.parametrize("departments", [None, frozenset[str](), frozenset({"d", "e"})])
def test_it_reads_what_it_wrote(departments: frozenset[str] | None) -> None:
    """Nothing is another limit than none."""
    reach = Reach(departments=departments)
    assert asker_in(arguments_of(ADA, reach)) == (ADA, reach)
    nobody = Actor("key", None, "Sync")
    assert asker_in(arguments_of(nobody, reach)) == (nobody, reach)


@pytest.mark.parametrize("broken", [{}, {"actor": ["user", 5, "Ada"], "departments": None}, {"actor": "Ada"}])
def test_what_nobody_has_asked_for(broken: dict[str, object]) -> None:
    """A job without them is for nobody, and not for the system."""
    with pytest.raises(Invalid):
        asker_in(broken)


async def test_the_limits_that_hold_by_now(parts: Parts) -> None:
    """What is left of those of then; a key's own are checked where it asks."""
    both, one = Reach(departments=frozenset({"d", "e"})), Reach(departments=frozenset({"e"}))
    assert await asked(parts, both, None) == (ADA, both)
    user_id = await changed(parts, "operator", department_ids=["e", "f"])
    assert await asked(parts, both, user_id) == (ADA, one)
    assert (await asked(parts, EVERYTHING, user_id))[1].departments == frozenset({"e", "f"})
    await changed(parts, "operator", department_ids=None)
    assert await asked(parts, both, user_id) == (ADA, both)


async def test_who_may_not_any_more(parts: Parts) -> None:
    """Nobody, whoever was switched off, and whoever has another role by now."""
    viewer = await changed(parts, "viewer", full_name="Vic")
    off = await changed(parts, "operator", active=False)
    for user_id in ("nobody", viewer, off):
        with pytest.raises(Forbidden, match="may not import people any more"):
            await asked(parts, EVERYTHING, user_id)
