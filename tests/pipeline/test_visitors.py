"""Unknown sightings that close go to the group of their face, across cameras and restarts."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from sqlmodel import select

from server.clock import ManualClock
from server.errors import Invalid, NotFound
from server.identity.sightings import Face
from server.parts import Parts
from server.pipeline.visitors import Visitors
from server.store import visitors
from server.store.paging import Page
from server.store.tables import Camera, Person, Sighting, SightingFace, Visitor
from tests.pipeline.conftest import add_camera, change

Floats = NDArray[np.float32]


def face_of(parts: Parts, who: int, noise: float = 0.0, seed: int = 0) -> Floats:
    """Somebody's face: one axis each, and some noise that is never the same."""
    vector = np.zeros(parts.roster.dimension, np.float32)
    vector[who] = 1
    if noise:
        other = np.random.default_rng(seed).normal(size=len(vector)).astype(np.float32)
        vector = vector + np.float32(noise) * other / np.linalg.norm(other)
    return np.asarray(vector / np.linalg.norm(vector), np.float32)


async def pass_by(parts: Parts, camera: Camera, clock: ManualClock, face: Floats, quality: float = 0.5) -> str:
    """An unknown comes and goes; the id of the sighting."""
    clock.advance(60)
    opened = change(camera, "unknown", clock.now())
    closed = replace(change(camera, "closed", clock.now(), like=opened), face=Face(face, quality))
    await parts.recorder.record(camera.id, [opened], {})
    await parts.recorder.record(camera.id, [closed], {})
    return opened.sighting.id


async def groups(parts: Parts) -> list[visitors.VisitorRow]:
    async with parts.store.read() as session:
        return list((await visitors.page(session, Page())).rows)


async def test_one_face_at_two_doors_is_one_visitor(parts: Parts, camera: Camera, clock: ManualClock) -> None:
    """Across cameras; somebody else is somebody else; the one seen last is first."""
    yard = await add_camera(parts, "Yard", "in")
    first = clock.now()
    await pass_by(parts, camera, clock, face_of(parts, 0))
    await pass_by(parts, yard, clock, face_of(parts, 0, 0.5, 1))
    await pass_by(parts, camera, clock, face_of(parts, 1))
    other, same = await groups(parts)
    assert (same.count, [name for _, name in same.cameras]) == (2, ["Entrance", "Yard"])
    assert other.count == 1
    assert first < same.first_seen_at < same.last_seen_at < other.last_seen_at


async def test_it_is_found_again_after_a_restart(parts: Parts, camera: Camera, clock: ManualClock) -> None:
    """Days later, by another process: what is stored is enough, and no face is in the clear."""
    await pass_by(parts, camera, clock, face_of(parts, 0))
    anew = Visitors(parts.store, parts.roster.pack, parts.access.templates)
    [(found, similarity)] = await anew.found(face_of(parts, 0, 0.3, 2))
    assert found == (await groups(parts))[0].id
    assert similarity > 0.8
    async with parts.store.read() as session:
        kept = await session.get_one(Visitor, found)
        plain = face_of(parts, 0).astype("<f4").tobytes()
        assert kept.key_id
        assert plain not in kept.embedding


async def test_another_pack_has_groups_of_its_own(parts: Parts, camera: Camera, clock: ManualClock) -> None:
    """Faces of two networks are not compared, whatever their numbers say; back with the first, its groups go on."""
    pack = parts.roster.pack
    result = pack.manifest.result.model_copy(update={"sha256": "b" * 64})
    other = replace(pack, manifest=pack.manifest.model_copy(update={"result": result}))
    for chosen in (pack, other, pack):
        parts.visitors.switch(chosen)
        await pass_by(parts, camera, clock, face_of(parts, 0))
    assert sorted(one.count for one in await groups(parts)) == [1, 2]


async def test_written_twice_it_counts_once(parts: Parts, camera: Camera, clock: ManualClock) -> None:
    """A camera that was cut off after the commit writes the same again."""
    opened = change(camera, "unknown", clock.now())
    closed = replace(change(camera, "closed", clock.now(), like=opened), face=Face(face_of(parts, 0), 0.5))
    for _ in range(2):
        await parts.recorder.record(camera.id, [opened, closed], {})
    assert [one.count for one in await groups(parts)] == [1]


async def test_who_gets_a_name_leaves_the_group(
    parts: Parts, camera: Camera, person: Person, clock: ManualClock
) -> None:
    """Their face is not kept any longer; with the last one the group goes, and the next one starts anew."""
    ids = [await pass_by(parts, camera, clock, face_of(parts, 0, 0.2, seed)) for seed in range(2)]
    await parts.recorder.correct(ids[0], person.id)
    assert [one.count for one in await groups(parts)] == [1]
    await parts.recorder.correct(ids[1], person.id)
    assert await groups(parts) == []
    async with parts.store.read() as session:
        assert await visitors.face_of(session, ids[0]) is None
    await pass_by(parts, camera, clock, face_of(parts, 0))
    assert [one.count for one in await groups(parts)] == [1]


async def test_a_group_goes_with_its_sightings(parts: Parts, camera: Camera, clock: ManualClock) -> None:
    """What is deleted is not listed, and swept by the next removal."""
    sighting_id = await pass_by(parts, camera, clock, face_of(parts, 0))
    async with parts.store.transaction() as session:
        await session.delete(await session.get_one(Sighting, sighting_id))
    assert await groups(parts) == []
    async with parts.store.transaction() as session:
        assert await visitors.remove_empty(session) == 1


async def test_two_groups_become_one_on_an_operators_word(parts: Parts, camera: Camera, clock: ManualClock) -> None:
    """The one named gets the sightings of the other, and both faces are known as it from then on."""
    ids = [await pass_by(parts, camera, clock, face_of(parts, who)) for who in range(2)]
    async with parts.store.transaction() as session:
        faces = [await visitors.face_of(session, one) for one in ids]
        keep, other = (face.visitor_id for face in faces if face is not None)
        await parts.visitors.merge(session, keep, other)
    [one] = await groups(parts)
    assert (one.id, one.count) == (keep, 2)
    with pytest.raises(NotFound):
        async with parts.store.transaction() as session:
            await parts.visitors.merge(session, keep, other)
    with pytest.raises(Invalid):
        async with parts.store.transaction() as session:
            await parts.visitors.merge(session, keep, keep)


async def test_two_groups_that_come_to_be_alike_become_one(parts: Parts, camera: Camera, clock: ManualClock) -> None:
    """Two views of one face were two visitors, until views between them show that they are one."""
    left, right = face_of(parts, 0), face_of(parts, 1)

    def between(share: float) -> Floats:
        both = (1 - share) * left + share * right
        return np.asarray(both / np.linalg.norm(both), np.float32)

    for share in (0.0, 0.62):
        await pass_by(parts, camera, clock, between(share))
    assert len(await groups(parts)) == 2
    for _ in range(4):
        await pass_by(parts, camera, clock, between(0.48))
    found = await groups(parts)
    assert [one.count for one in found] == [6]
    async with parts.store.read() as session:
        kept = await session.get_one(Visitor, found[0].id)
    assert kept.faces == found[0].count


async def test_a_group_that_another_process_has_removed_is_not_joined(
    parts: Parts, camera: Camera, clock: ManualClock
) -> None:
    """Memory is behind, the row is the truth: a new group is made."""
    await pass_by(parts, camera, clock, face_of(parts, 0))
    [gone] = await groups(parts)
    async with parts.store.transaction() as session:
        await session.delete(await session.get_one(Visitor, gone.id))
    await pass_by(parts, camera, clock, face_of(parts, 0))
    [made] = await groups(parts)
    assert made.id != gone.id


async def test_a_face_of_another_pack_is_left_out(parts: Parts, camera: Camera, clock: ManualClock) -> None:
    """Of another length: it can be compared with nothing here."""
    await pass_by(parts, camera, clock, np.ones(3, np.float32) / np.float32(np.sqrt(3)))
    async with parts.store.read() as session:
        assert (await session.exec(select(SightingFace))).all() == []
