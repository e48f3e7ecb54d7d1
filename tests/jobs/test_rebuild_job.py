"""The rebuilding as a job; what it does to galleries is in tests/pipeline/test_switching.py."""

from pathlib import Path

import pytest

from server.jobs.rebuild_job import NAME, arguments_build, arguments_of, ask_for_rebuild
from server.store.embedders import Build
from server.store.jobs import count_open
from tests.opened import parts_in


def test_what_is_submitted_is_what_is_done() -> None:
    """A build, and nothing else."""
    build = Build("mobilefacenet", "0" * 64)
    assert arguments_build(arguments_of(build)) == build
    with pytest.raises(ValueError, match="no build"):
        arguments_build({})


async def test_one_at_a_time(tmp_path: Path) -> None:
    """Asked for by several processes, it is one job."""
    async with parts_in(tmp_path, users=False) as parts:
        for _ in range(2):
            await ask_for_rebuild(parts.store, parts.jobs, Build("other", "1" * 64))
        async with parts.store.read() as session:
            assert await count_open(session, NAME) == 1
