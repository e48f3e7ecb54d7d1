"""The jobs of an installation."""

from pathlib import Path

from tests.opened import parts_in


async def test_every_kind_is_there(tmp_path: Path) -> None:
    """Under its own name, and what makes a file says who may have it."""
    async with parts_in(tmp_path, users=False) as parts:
        kinds = parts.jobs.kinds
    assert {"retention", "audit-export", "people-import", "templates-rebuild", "erasure"} <= kinds.keys()
    assert kinds["attendance-export"].permission == "attendance:read"
    assert all(name == kind.name for name, kind in kinds.items())
    assert kinds["people-import"].permission == "people:write"
    assert kinds["people-import"].askers_own
    low = {name for name, kind in kinds.items() if kind.priority == "low"}
    assert low == {"people-import", "attendance-import", "templates-rebuild"}
    assert {name for name, kind in kinds.items() if kind.priority == "high"} == {
        "terminal-lines",
        "check-outs",
    }
