"""What the protocol needs to know of who is asking."""

import pytest

from server.errors import NotAuthenticated
from server.events.gate import Gate, Principal, may_read, reach_on
from server.events.limits import about, reach_of
from server.events.topics import find_topic
from tests.events.scenes import Door, Somebody


async def test_a_gate_lets_in_or_not() -> None:
    """The tests' own door and somebody keep the two protocols, as mypy sees here."""
    gate: Gate = Door(token=Somebody("ada"))
    principal: Principal = await gate.by_token("token")
    assert principal.id == "ada"
    assert principal.may("alerts:read")
    assert await gate.still_valid([principal, Somebody("bob")]) == [True, True]
    assert await gate.by_ticket("unknown") is None
    with pytest.raises(NotAuthenticated):
        await gate.by_token("another")


def test_of_jobs_everybody_hears_of_their_own() -> None:
    """Whoever may read jobs hears of all; a kiosk of none; on other topics nothing is different."""
    jobs, alerts = find_topic("jobs"), find_topic("alerts")
    assert jobs is not None
    assert alerts is not None
    reader, viewer, screen = Somebody(), Somebody("vera", permissions=["alerts:read"]), Somebody(kiosk_id="k")
    program = Somebody("vera", permissions=["alerts:read"], key_id="payroll")
    assert not may_read(program, jobs), "what a key may do is what it was given"
    assert may_read(Somebody("vera", permissions=["jobs:read"], key_id="payroll"), jobs)
    assert [may_read(one, jobs) for one in (reader, viewer, screen)] == [True, True, False]
    assert (reach_on(reader, jobs).asker, reach_on(viewer, jobs).asker) == (None, "vera")
    assert reach_on(viewer, alerts) == reach_of(viewer)
    hers, others, nightly = (about("jobs", "jobs/1", {"askedBy": by}) for by in ("vera", "ada", None))
    assert [one.within(reach_on(viewer, jobs)) for one in (hers, others, nightly)] == [True, False, False]
    assert all(one.within(reach_on(reader, jobs)) for one in (hers, others, nightly))
