"""Two people become one while something is told of either: one waits for the other, and nothing fails.

People are locked before what is theirs. Otherwise the merge, which has them, would wait for a row whose writer waits
for them, and PostgreSQL would end one of the two.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import TypeVar

import httpx
from sqlmodel import select

from server.clock import ManualClock
from server.parts import Parts
from server.store import people
from server.store.tables import Camera, Entry, Person, Sighting
from tests.pipeline.conftest import add_camera, change
from tests.routes.test_check_in_races import waits

T = TypeVar("T")


async def two(parts: Parts) -> tuple[Person, Person]:
    rows = Person(full_name="Ada Lovelace"), Person(full_name="Ada L.")
    async with parts.store.transaction() as session:
        session.add_all(rows)
    return rows


async def merged_during(parts: Parts, stays: Person, goes: Person, do: Callable[[], Coroutine[object, object, T]]) -> T:
    """What comes of something that begins while the two are locked, and has to wait for them."""
    async with asyncio.TaskGroup() as group, parts.store.transaction() as session:
        ids = sorted((stays.id, goes.id))
        both = {one: await people.lock(session, one) for one in ids}
        begun = group.create_task(do())
        await waits(parts)
        await people.merge(session, both[stays.id], both[goes.id])
    return begun.result()


async def sighted(parts: Parts, camera: Camera, clock: ManualClock, person: Person) -> Sighting:
    seen = change(camera, "recognized", clock.now(), person.id)
    await parts.recorder.record(camera.id, [seen], {})
    async with parts.store.read() as session:
        return (await session.exec(select(Sighting).where(Sighting.id == seen.sighting.id))).one()


async def owners(parts: Parts) -> set[str | None]:
    async with parts.store.read() as session:
        of_entries = (await session.exec(select(Entry.person_id).where(Entry.state == "valid"))).all()
        return {*of_entries, *(await session.exec(select(Sighting.person_id))).all()}


async def test_who_is_seen_meanwhile(parts: Parts, clock: ManualClock) -> None:
    """What was seen of them before is the other's by then; the frame on its way fails nothing."""
    camera, (stays, goes) = await add_camera(parts, "Entrance", "in"), await two(parts)
    await sighted(parts, camera, clock, goes)
    clock.advance(3600)
    seen = change(camera, "recognized", clock.now(), goes.id)
    await merged_during(parts, stays, goes, lambda: parts.recorder.record(camera.id, [seen], {}))
    assert await owners(parts) <= {stays.id, None}
    async with parts.store.read() as session:
        assert await session.get(Sighting, seen.sighting.id) is not None


async def test_an_entry_that_is_corrected_meanwhile(parts: Parts, clock: ManualClock, admin: httpx.AsyncClient) -> None:
    camera, (stays, goes) = await add_camera(parts, "Entrance", "in"), await two(parts)
    await sighted(parts, camera, clock, goes)
    [entry] = (await admin.get("/api/v1/attendance/entries")).json()["data"]
    change_of = {"direction": "out", "reason": "The other way."}
    answer = await merged_during(
        parts, stays, goes, lambda: admin.patch(f"/api/v1/attendance/entries/{entry['id']}", json=change_of)
    )
    assert answer.status_code == 200, answer.text
    assert await owners(parts) == {stays.id}


async def test_a_sighting_that_is_corrected_meanwhile(
    parts: Parts, clock: ManualClock, admin: httpx.AsyncClient
) -> None:
    """To somebody who is not one of the two."""
    camera, (stays, goes) = await add_camera(parts, "Entrance", "in"), await two(parts)
    row = await sighted(parts, camera, clock, goes)
    third, _ = await two(parts)
    answer = await merged_during(
        parts, stays, goes, lambda: admin.patch(f"/api/v1/sightings/{row.id}", json={"personId": third.id})
    )
    assert answer.status_code == 200, answer.text
    assert await owners(parts) == {third.id}
