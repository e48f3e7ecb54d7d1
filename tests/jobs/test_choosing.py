"""Another embedder is chosen while the server runs: its templates are made, and nothing changes before that is done."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sqlmodel import select

from server.chosen import keep, pack_folders
from server.demo.clips import enrolment_photo
from server.jobs.rebuild_job import NAME, arguments_of
from server.parts import Parts
from server.settings import Settings
from server.store.embedders import Build
from server.store.tables import Job
from tests.opened import parts_in
from tests.pipeline.test_switching import enrolled
from tests.twin_pack import make_twin


async def jobs_of(parts: Parts) -> list[tuple[object, str]]:
    async with parts.store.read() as session:
        found = (await session.exec(select(Job).where(Job.kind == NAME).order_by(Job.id))).all()
    return [(row.arguments["pack"], row.state) for row in found]


@asynccontextmanager
async def working(parts: Parts) -> AsyncIterator[None]:
    """Jobs are done meanwhile."""
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(parts.jobs.run())
        yield
        running.cancel()


async def done(parts: Parts) -> None:
    """Until no job is left to do."""
    for _ in range(3000):
        if all(state == "done" for _, state in await jobs_of(parts)):
            return
        await asyncio.sleep(0.02)
    raise AssertionError("a job is not done")


async def test_a_choice_is_followed_without_a_restart(tmp_path: Path, portraits: None) -> None:
    """Asked for once; the old gallery is searched until the new one is there; then back again in the same way."""
    settings = Settings(data_dir=tmp_path)
    make_twin(pack_folders(settings)[1])
    async with parts_in(tmp_path, users=False) as parts:
        await enrolled(parts)
        assert not await parts.choosing.look()
        keep(settings, "embedder", "twin")
        assert await parts.choosing.look()
        assert not await parts.choosing.look()
        assert await jobs_of(parts) == [("twin", "queued")]
        assert not await parts.switching.look()
        assert parts.roster.pack.name == "mobilefacenet"
        async with working(parts):
            await done(parts)
            assert await parts.switching.look()
            assert (parts.roster.pack.name, len(parts.roster.gallery)) == ("twin", 1)
            assert (await parts.enrolment.look_up(enrolment_photo(), 1))[0].similarity > 0.98
            keep(settings, "embedder", "mobilefacenet")
            assert await parts.choosing.look()
            await done(parts)
            assert await parts.switching.look()
            assert parts.roster.pack.name == "mobilefacenet"


async def test_a_choice_waits_for_the_rebuilding_before(tmp_path: Path, portraits: None) -> None:
    """None beside another: it is asked for when that one is over."""
    settings = Settings(data_dir=tmp_path)
    make_twin(pack_folders(settings)[1])
    async with parts_in(tmp_path, users=False) as parts:
        await enrolled(parts)
        other = arguments_of(Build(parts.rebuilder.build.pack, parts.rebuilder.build.sha256))
        async with parts.store.transaction() as session:
            await parts.jobs.submit(session, NAME, other)
        before = await parts.rebuilder.ready()
        keep(settings, "embedder", "twin")
        assert not await parts.choosing.look()
        assert before.build.pack == "mobilefacenet", "what has begun goes on with its own build"
        async with parts.store.transaction() as session:
            for row in (await session.exec(select(Job).where(Job.kind == NAME))).all():
                row.state = "done"
                session.add(row)
        assert await parts.choosing.look()
        assert [pack for pack, _ in await jobs_of(parts)] == ["mobilefacenet", "twin"]


async def test_a_choice_that_cannot_be_followed(tmp_path: Path, portraits: None) -> None:
    """Of a pack that is not here, or whose file is another: what runs goes on, and a better choice is followed."""
    settings = Settings(data_dir=tmp_path)
    twin = make_twin(pack_folders(settings)[1])
    network = twin / "mobilefacenet.onnx"
    good = network.read_bytes()
    async with parts_in(tmp_path, users=False) as parts:
        await enrolled(parts)
        keep(settings, "embedder", "nowhere")
        assert not await parts.choosing.look()
        keep(settings, "embedder", "twin")
        network.write_bytes(b"no network")
        assert not await parts.choosing.look()
        assert await jobs_of(parts) == []
        assert parts.rebuilder.build.pack == "mobilefacenet"
        network.write_bytes(good)
        assert await parts.choosing.look()


async def test_what_is_chosen_already_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As long as the files are the same; a choice made meanwhile is seen, and one that is refused looked at again."""
    settings, read = Settings(data_dir=tmp_path), 0
    async with parts_in(tmp_path, users=False) as parts:
        choosing = parts.choosing
        chosen = choosing._chosen

        def counted() -> Build:
            nonlocal read
            read += 1
            return chosen()

        monkeypatch.setattr(choosing, "_chosen", counted)
        for _ in range(3):
            assert not await choosing.look()
        assert read == 1
        keep(settings, "embedder", "nowhere")
        for _ in range(2):
            assert not await choosing.look()
        assert read == 3
        keep(settings, "embedder", "mobilefacenet")
        for _ in range(2):
            assert not await choosing.look()
        assert read == 4
