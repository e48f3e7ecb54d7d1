"""From one pack to the next: the old gallery is in use until the new one is complete, then every process goes over."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sqlmodel import select
from sqlmodel.sql.expression import SelectOfScalar

from server.demo.clips import enrolment_photo
from server.errors import PackRefused
from server.jobs.rebuild_job import NAME, ask_for_rebuild
from server.lifespan import open_parts
from server.loading import Models
from server.parts import Parts
from server.pipeline.roster import CHANNEL
from server.settings import InferenceSettings, SecuritySettings, Settings
from server.store import embedders, photos
from server.store.embedders import Build
from server.store.tables import Job, Person
from tests.opened import models, parts_in
from tests.twin_pack import make_twin


@asynccontextmanager
async def with_twin(folder: Path) -> AsyncIterator[Parts]:
    """The same site, where `twin` is chosen now."""
    settings = Settings(
        data_dir=folder, security=SecuritySettings(bcrypt_rounds=4), inference=InferenceSettings(embedder="twin")
    )
    loaded = await asyncio.to_thread(Models.load, settings)
    async with open_parts(settings, models=Models(models().detector, loaded.embedder)) as parts:
        yield parts


async def enrolled(parts: Parts) -> str:
    async with parts.store.transaction() as session:
        person = Person(full_name="Eileen Collins")
        session.add(person)
    return (await parts.enrolment.add_photo(person.id, enrolment_photo())).id


async def rebuilt(parts: Parts) -> Job:
    await ask_for_rebuild(parts.store, parts.jobs, parts.rebuilder.build)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(parts.jobs.run())
        for _ in range(1000):
            async with parts.store.read() as session:
                job = (await session.exec(_jobs())).first()
            if job is not None and job.state in ("done", "failed"):
                break
            await asyncio.sleep(0.02)
        running.cancel()
    assert job is not None
    return job


async def test_the_old_gallery_is_used_until_the_new_one_is_complete(tmp_path: Path) -> None:
    """Chosen, not used yet; made from the photos in the background; then matched by the new one, here and elsewhere."""
    async with parts_in(tmp_path, users=False) as parts:
        photo = await enrolled(parts)
        probe = (await parts.enrolment.look_up(enrolment_photo(), 1))[0]
    make_twin(tmp_path / "models")
    async with with_twin(tmp_path) as parts, with_twin(tmp_path) as elsewhere:
        for one in (parts, elsewhere):
            await one.roster.refresh()
            assert one.roster.pack.name == "mobilefacenet"
            assert len(one.roster.gallery) == 1
        assert (await parts.enrolment.look_up(enrolment_photo(), 1))[0] == probe
        assert not await parts.switching.look()
        async with parts.bus.subscribe(CHANNEL) as told:
            job = await rebuilt(parts)
            async with asyncio.timeout(10):
                assert (await anext(told))[0] == CHANNEL
        assert (job.state, job.result) == ("done", {"templates": 1, "failed": 0}), job.error
        for one in (parts, elsewhere):
            assert await one.switching.look()
            assert not await one.switching.look()
            assert (one.roster.pack.name, len(one.roster.gallery)) == ("twin", 1)
            found = (await one.enrolment.look_up(enrolment_photo(), 1))[0]
            assert found.person_id == probe.person_id
            assert found.similarity > 0.98
        async with parts.store.read() as session:
            assert {row.pack for row in await photos.templates_of(session, photo)} == {"mobilefacenet", "twin"}
        again = await parts.enrolment.add_photo(probe.person_id, enrolment_photo())
        async with parts.store.read() as session:
            assert [row.pack for row in await photos.templates_of(session, again.id)] == ["twin"]
        await ask_for_rebuild(parts.store, parts.jobs, parts.rebuilder.build)
        async with parts.store.read() as session:
            lacking = await embedders.count_lacking(session, parts.rebuilder.build)
            assert [row.pack for row in await photos.templates_of(session, photo)] == ["twin"]
        assert lacking == 0


async def test_another_build_of_the_same_name(tmp_path: Path) -> None:
    """Where the old build is gone, the gallery grows while templates are made; none of the old build is searched."""
    make_twin(tmp_path / "models", mark=b"a")
    async with with_twin(tmp_path) as parts:
        photo = await enrolled(parts)
    make_twin(tmp_path / "models", mark=b"bb")
    async with with_twin(tmp_path) as parts:
        await parts.roster.refresh()
        assert len(parts.roster.gallery) == 0
        job = await rebuilt(parts)
        assert job.state == "done", job.error
        await parts.roster.refresh()
        assert len(parts.roster.gallery) == 1
        async with parts.store.read() as session:
            builds = {(row.pack, row.pack_sha256) for row in await photos.templates_of(session, photo)}
        assert len(builds) == 2


async def test_a_build_that_is_not_here_is_not_gone_over_to(tmp_path: Path) -> None:
    """The running one stays, and the reason is said once."""
    async with parts_in(tmp_path, users=False) as parts:
        async with parts.store.transaction() as session:
            await embedders.use(session, Build("nowhere", "0" * 64))
        for _ in range(2):
            assert not await parts.switching.look()
        assert parts.roster.pack.name == "mobilefacenet"


async def test_a_site_without_photos_takes_what_is_chosen(tmp_path: Path) -> None:
    """Nothing is rebuilt, nobody waits."""
    make_twin(tmp_path / "models")
    async with parts_in(tmp_path, users=False):
        pass
    async with with_twin(tmp_path) as parts:
        assert parts.roster.pack.name == "twin"
        await ask_for_rebuild(parts.store, parts.jobs, parts.rebuilder.build)
        async with parts.store.read() as session:
            assert (await session.exec(_jobs())).first() is None


async def test_a_changed_file_is_refused(tmp_path: Path) -> None:
    """A build is the bytes that its manifest names."""
    folder = make_twin(tmp_path / "models")
    (folder / "mobilefacenet.onnx").write_bytes(b"no network")
    with pytest.raises(PackRefused):
        async with with_twin(tmp_path):
            pass


def _jobs() -> SelectOfScalar[Job]:
    return select(Job).where(Job.kind == NAME)
