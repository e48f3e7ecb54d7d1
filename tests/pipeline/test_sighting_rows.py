"""What a camera has decided and is written only later, when a person or an operator's word is another one."""

from datetime import timedelta
from typing import Any, Literal

import pytest
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from server.clock import ManualClock
from server.identity.sightings import SightingChange
from server.parts import Parts
from server.pipeline.evidence import Evidence
from server.store import people
from server.store.audit import SYSTEM
from server.store.tables import Camera, Entry, Person, Sighting
from tests.opened import client_of
from tests.pipeline.conftest import change, events_of

EVIDENCE = Evidence(b"frame", b"face", [0.1, 0.2, 0.3, 0.4])


async def row_of(parts: Parts, one: SightingChange) -> Sighting:
    async with parts.store.read() as session:
        return await session.get_one(Sighting, one.sighting.id)


async def entries_of(parts: Parts) -> list[Entry]:
    async with parts.store.read() as session:
        return list((await session.exec(select(Entry).where(Entry.state == "valid"))).all())


async def pictures(parts: Parts) -> list[str]:
    return [key async for key in parts.objects.keys("sightings")]


async def add_person(parts: Parts, name: str) -> Person:
    async with parts.store.transaction() as session:
        return await people.save_person(session, Person(full_name=name))


@pytest.mark.parametrize("scope", ["biometrics", "person"])
@pytest.mark.parametrize("known", [True, False])
async def test_an_erasure_holds_for_what_is_written_after_it(
    parts: Parts,
    camera: Camera,
    person: Person,
    clock: ManualClock,
    scope: Literal["biometrics", "person"],
    known: bool,
) -> None:
    """No picture of the person is left, also none from when it was not known yet who it was. Attendance stays, where
    there is somebody whose it is."""
    first = change(camera, "unknown", clock.now())
    if not known:
        await parts.recorder.record(camera.id, [first], {first.sighting.id: EVIDENCE})
    late = change(camera, "recognized", clock.now(), person.id, like=None if known else first)
    kept = await parts.recorder.keep({late.sighting.id: EVIDENCE})
    clock.advance(60)
    async with client_of(parts) as client:
        path = f"/api/v1/people/{person.id}" + ("/biometrics" if scope == "biometrics" else "")
        assert (await client.delete(path)).status_code in (200, 204)
    await parts.recorder.record(camera.id, [late], kept)
    await parts.recorder.record(camera.id, [change(camera, "closed", clock.now(), None, like=late)], {})
    row = await row_of(parts, late)
    assert (row.snapshot_key, row.face_key, row.box) == (None, None, [])
    assert (row.person_id, row.similarity) == ((person.id, None) if scope == "biometrics" else (None, 0.8))
    made = await entries_of(parts)
    assert [one.snapshot_key for one in made] == ([None] if scope == "biometrics" else [])
    assert await pictures(parts) == []


async def test_who_is_seen_after_an_erasure_is_seen(
    parts: Parts, camera: Camera, person: Person, clock: ManualClock
) -> None:
    """Enrolled again, somebody has pictures again."""
    async with client_of(parts) as client:
        assert (await client.delete(f"/api/v1/people/{person.id}/biometrics")).status_code == 200
    clock.advance(60)
    seen = change(camera, "recognized", clock.now(), person.id)
    await parts.recorder.record(camera.id, [seen], {seen.sighting.id: EVIDENCE})
    assert (await row_of(parts, seen)).face_key is not None


async def test_the_check_in_of_somebody_who_was_merged_is_whose_they_are_now(
    parts: Parts, camera: Camera, person: Person, clock: ManualClock
) -> None:
    """Also when that one was merged into a third."""
    once, now = await add_person(parts, "E. Collins"), await add_person(parts, "Eileen Marie Collins")
    late = change(camera, "recognized", clock.now(), once.id)
    async with client_of(parts) as client:
        for kept, other in ((person, once), (now, person)):
            answer = await client.post(f"/api/v1/people/{kept.id}/merge", json={"otherId": other.id})
            assert answer.status_code == 200
    await parts.recorder.record(camera.id, [late], {late.sighting.id: EVIDENCE})
    assert (await row_of(parts, late)).person_id == now.id
    assert [one.person_id for one in await entries_of(parts)] == [now.id]


@pytest.mark.parametrize("kind", ["recognized", "closed"])
async def test_an_operators_word_counts_more_than_what_was_decided_before_it(
    parts: Parts, camera: Camera, person: Person, clock: ManualClock, kind: Literal["recognized", "closed"]
) -> None:
    """One sighting makes one entry, of whom the operator has named. What the camera finds afterwards counts."""
    other = await add_person(parts, "Judith Resnik")
    first = change(camera, "unknown", clock.now())
    await parts.recorder.record(camera.id, [first], {})
    late = change(camera, kind, clock.now(), person.id, like=first)
    clock.advance(60)
    async with client_of(parts) as client:
        for named in (other.id, None) if kind == "closed" else (other.id,):
            answer = await client.patch(f"/api/v1/sightings/{first.sighting.id}", json={"personId": named})
            assert answer.status_code == 200
    await parts.recorder.record(camera.id, [late], {})
    row = await row_of(parts, first)
    assert row.person_id == (other.id if kind == "recognized" else None)
    assert [one.person_id for one in await entries_of(parts)] == ([other.id] if kind == "recognized" else [])
    told = [name for name, _ in await events_of(parts, "sightings")]
    assert "sighting.recognized" not in told
    if kind == "recognized":
        clock.advance(1)
        again = change(camera, "recognized", clock.now(), person.id, like=first)
        await parts.recorder.record(camera.id, [again], {})
        assert (await row_of(parts, first)).person_id == person.id


async def test_nothing_else_in_the_audit_is_an_operators_word(
    parts: Parts, camera: Camera, person: Person, clock: ManualClock
) -> None:
    """Such as a look at its pictures."""

    async def noted(session: AsyncSession, **which: Any) -> None:
        await parts.access.audit.record(session, SYSTEM, "sighting.shown", "sightings", **which)

    first = change(camera, "unknown", clock.now())
    await parts.recorder.record(camera.id, [first], {})
    async with parts.store.transaction() as session:
        await noted(session, resource_id=first.sighting.id)
    await parts.recorder.record(
        camera.id, [change(camera, "recognized", clock.now() - timedelta(seconds=1), person.id, like=first)], {}
    )
    assert (await row_of(parts, first)).person_id == person.id
