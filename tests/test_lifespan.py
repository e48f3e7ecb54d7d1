"""Opening and closing: what is needed is made, what runs is stopped, and what must live takes the server down."""

import asyncio
import signal
from pathlib import Path

import pytest

from server.errors import PackRefused
from server.lifespan import Models, open_parts, running
from server.parts import Parts
from server.settings import Settings
from tests.opened import models, parts_in


async def test_an_empty_folder_becomes_a_server(tmp_path: Path) -> None:
    """Database, roles and a secret that only this user may read."""
    folder = tmp_path / "deep" / "state"
    async with open_parts(Settings(data_dir=folder), models=models()) as parts:
        await parts.store.ping()
        assert (folder / "secret.key").stat().st_mode & 0o077 == 0
        async with running(parts):
            assert len(parts.roster.gallery) == 0


async def test_nothing_runs_afterwards(tmp_path: Path) -> None:
    """Every task that was started has ended, also when the body raises."""
    before = asyncio.all_tasks()

    async def run_and_raise(parts: Parts) -> None:
        async with running(parts):
            await asyncio.sleep(0.1)
            assert asyncio.all_tasks() - before
            raise RuntimeError("stop")

    async with parts_in(tmp_path, users=False) as parts:
        with pytest.raises(ExceptionGroup):
            await run_and_raise(parts)
    assert asyncio.all_tasks() - before == set()


async def run_for(parts: Parts, seconds: float) -> None:
    async with running(parts):
        await asyncio.sleep(seconds)


async def test_a_part_that_dies_asks_the_server_to_stop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """uvicorn would go on serving without it."""
    asked: list[int] = []
    monkeypatch.setattr(signal, "raise_signal", asked.append)

    async def dies(_self: object) -> None:
        raise RuntimeError("broken")

    async with parts_in(tmp_path, users=False) as parts:
        monkeypatch.setattr(type(parts.hub), "run", dies)
        with pytest.raises(ExceptionGroup):
            await run_for(parts, 5)
    assert asked == [signal.SIGTERM]


def test_an_unknown_pack_is_refused(tmp_path: Path) -> None:
    """By name, before anything starts."""
    settings = Settings.model_validate({"data_dir": tmp_path, "inference": {"embedder": "nothing"}})
    with pytest.raises(PackRefused, match="nothing"):
        Models.load(settings)
