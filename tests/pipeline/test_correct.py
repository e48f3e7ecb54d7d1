"""An operator's word: the sighting and its attendance move together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from sqlmodel.ext.asyncio.session import AsyncSession

from server.clock import ManualClock
from server.errors import EditedMeanwhile, Invalid, NotFound
from server.parts import Parts
from server.store.tables import Camera, Person, Sighting
from tests.pipeline.conftest import change, events_of


async def other(parts: Parts) -> Person:
    row = Person(full_name="Grace Hopper")
    async with parts.store.transaction() as session:
        session.add(row)
    return row


async def test_naming_an_unknown_checks_in(parts: Parts, camera: Camera, person: Person, clock: ManualClock) -> None:
    """The entry is of the time at which the person was seen, not of the time of the correction."""
    seen = change(camera, "unknown", clock.now())
    seen_at = clock.now()
    await parts.recorder.record(camera.id, [seen], {})
    clock.advance(120)
    row = await parts.recorder.correct(seen.sighting.id, person.id)
    assert row.person_id == person.id
    assert [kind for kind, _ in await events_of(parts, "sightings")] == ["sighting.unknown", "sighting.corrected"]
    [(kind, data)] = await events_of(parts, "attendance")
    assert kind == "attendance.checked_in"
    assert str(data["at"]).startswith(seen_at.strftime("%Y-%m-%dT%H:%M:%S"))


async def test_another_name_moves_the_entry(parts: Parts, camera: Camera, person: Person, clock: ManualClock) -> None:
    """The wrong person's entry is withdrawn and said to be, the right one is checked in at the time of the sighting."""
    grace = await other(parts)
    seen = change(camera, "recognized", clock.now(), person.id)
    await parts.recorder.record(camera.id, [seen], {})
    await parts.recorder.correct(seen.sighting.id, grace.id)
    kinds = await events_of(parts, "attendance")
    assert [kind for kind, _ in kinds] == ["attendance.checked_in", "attendance.corrected", "attendance.checked_in"]
    assert (kinds[1][1]["personId"], kinds[1][1]["removed"]) == (person.id, True)
    assert kinds[0][1]["entryId"] == kinds[1][1]["entryId"]
    assert (kinds[2][1]["personId"], kinds[2][1]["at"]) == (grace.id, kinds[0][1]["at"])


async def test_the_right_person_has_a_cool_down_of_their_own(
    parts: Parts, camera: Camera, person: Person, clock: ManualClock
) -> None:
    """Checked in a minute ago: the corrected sighting makes no second entry."""
    grace = await other(parts)
    await parts.recorder.record(camera.id, [change(camera, "recognized", clock.now(), grace.id)], {})
    clock.advance(60)
    seen = change(camera, "recognized", clock.now(), person.id)
    await parts.recorder.record(camera.id, [seen], {})
    await parts.recorder.correct(seen.sighting.id, grace.id)
    told = await events_of(parts, "attendance")
    assert [(kind, data["personId"]) for kind, data in told] == [
        ("attendance.checked_in", grace.id),
        ("attendance.checked_in", person.id),
        ("attendance.corrected", person.id),
    ]


async def test_not_this_person_takes_the_entry_back(
    parts: Parts, camera: Camera, person: Person, clock: ManualClock
) -> None:
    """Null: the sighting is of nobody known, and the check-in is gone and said to be."""
    seen = change(camera, "recognized", clock.now(), person.id)
    await parts.recorder.record(camera.id, [seen], {})
    await parts.recorder.correct(seen.sighting.id, None)
    assert (await events_of(parts, "sightings"))[-1][1]["personId"] is None
    assert (await events_of(parts, "attendance"))[-1][1]["removed"] is True
    async with parts.store.read() as session:
        from server.store import entries

        assert list(await entries.of_sighting(session, seen.sighting.id)) == []


async def test_the_same_word_again_changes_nothing(
    parts: Parts, camera: Camera, person: Person, clock: ManualClock
) -> None:
    """Said twice, checked in once."""
    seen = change(camera, "unknown", clock.now())
    await parts.recorder.record(camera.id, [seen], {})
    for _ in range(2):
        await parts.recorder.correct(seen.sighting.id, person.id)
    assert len(await events_of(parts, "attendance")) == 1


async def test_wrong_ids_are_told_apart(parts: Parts, camera: Camera, clock: ManualClock) -> None:
    """No such sighting is 404, no such person is a wrong field."""
    with pytest.raises(NotFound):
        await parts.recorder.correct("nothing", None)
    seen = change(camera, "unknown", clock.now())
    await parts.recorder.record(camera.id, [seen], {})
    with pytest.raises(Invalid) as caught:
        await parts.recorder.correct(seen.sighting.id, "nobody")
    assert caught.value.details[0].field == "personId"


async def test_what_is_checked_around_it_decides(
    parts: Parts, camera: Camera, person: Person, clock: ManualClock
) -> None:
    """In the same transaction: it sees what was there and what is there then, and its refusal takes all of it back."""
    seen = change(camera, "unknown", clock.now())
    await parts.recorder.record(camera.id, [seen], {})
    found: list[str | None] = []

    @asynccontextmanager
    async def around(session: AsyncSession) -> AsyncIterator[None]:
        row = await session.get_one(Sighting, seen.sighting.id)
        found.append(row.person_id)
        yield
        found.append(row.person_id)
        if len(found) > 2:
            raise EditedMeanwhile("Too late.")

    row = await parts.recorder.correct(seen.sighting.id, person.id, around)
    stamp = row.updated_at
    assert found == [None, person.id]
    with pytest.raises(EditedMeanwhile):
        await parts.recorder.correct(seen.sighting.id, None, around)
    async with parts.store.read() as session:
        kept = await session.get_one(Sighting, seen.sighting.id)
    assert (kept.person_id, kept.updated_at) == (person.id, stamp)
    assert [kind for kind, _ in await events_of(parts, "sightings")] == ["sighting.unknown", "sighting.corrected"]
