"""Opening and closing: what is needed is made, what runs is stopped, and what must live takes the server down."""

import asyncio
import signal
from pathlib import Path

import pytest

from server.access.secrets import rotate_secrets
from server.errors import NotAuthenticated, PackRefused
from server.identity.resolver import Resolver, ResolverLimits
from server.identity.sightings import SightingRules
from server.lifespan import open_parts, running
from server.loading import Models
from server.parts import Parts
from server.settings import Settings
from server.store import cameras
from server.store.runtime import RuntimeSettings, RuntimeState, SightingSettings, SiteSettings
from server.store.tables import Camera
from tests.opened import PASSWORD, models, parts_in


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


async def test_a_new_key_signs_nobody_out(tmp_path: Path) -> None:
    """After a rotation and a restart tokens go on being good; once the older key is dropped, they are not."""
    async with parts_in(tmp_path) as parts:
        before = await parts.access.login("admin@example.com", PASSWORD)
    rotate_secrets(tmp_path)
    async with parts_in(tmp_path, users=False) as parts:
        assert (await parts.access.by_token(before.access_token)).email == "admin@example.com"
        after = await parts.access.refresh(before.refresh_token)
    rotate_secrets(tmp_path, keep=2)
    async with parts_in(tmp_path, users=False) as parts:
        assert await parts.access.by_token(after.access_token)
        with pytest.raises(NotAuthenticated):
            await parts.access.by_token(before.access_token)


async def test_a_camera_follows_the_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The gap after which a sighting is over is the one that holds now, for cameras that run already too."""
    made: list[SightingRules] = []

    def note(camera_id: str, pack: str, limits: ResolverLimits) -> Resolver:
        made.append(limits.sightings)
        return Resolver(camera_id, pack, limits)

    monkeypatch.setattr("server.lifespan.Resolver", note)
    async with parts_in(tmp_path, users=False, sightings={"gap_s": 4}) as parts:
        async with parts.store.transaction() as session:
            await cameras.save_camera(session, Camera(name="Hall", source="", kind="push", role="in"))
        async with running(parts), asyncio.timeout(10):
            while not made:  # noqa: ASYNC110 - only the list says so
                await asyncio.sleep(0.01)
            [rules] = made
            assert rules.gap_s() == 4
            async with parts.store.transaction() as session:
                row = await parts.runtime.locked(session)
                wanted = RuntimeSettings(sightings=SightingSettings(gap_s=40))
                await parts.runtime.save(session, row, wanted)
            parts.runtime.apply(row)
            assert rules.gap_s() == 40


async def test_settings_of_another_process_are_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the server runs, without a restart."""
    monkeypatch.setattr("server.store.runtime.FOLLOW_S", 0.01)
    async with parts_in(tmp_path, users=False) as parts, running(parts), asyncio.timeout(10):
        other = RuntimeState(parts.store, parts.runtime.current)
        async with parts.store.transaction() as session:
            row = await other.locked(session)
            await other.save(session, row, RuntimeSettings(site=SiteSettings(name="Works")))
        while parts.runtime.current.site.name != "Works":  # noqa: ASYNC110 - only the state says so
            await asyncio.sleep(0.01)
