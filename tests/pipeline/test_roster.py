"""The roster: equal to the store, whoever changes it."""

import asyncio
import sys
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from sqlmodel.ext.asyncio.session import AsyncSession

from server.clock import ManualClock
from server.demo.clips import enrolment_photo
from server.errors import Unavailable
from server.ids import new_id
from server.parts import Parts
from server.pipeline.roster import CHANNEL, Roster
from server.store import templates
from server.store.tables import Person, Photo, Template
from server.supervise import Backoff, supervise


def unit(seed: int, dimension: int) -> "np.ndarray[tuple[int], np.dtype[np.float32]]":
    vector = np.random.default_rng(seed).normal(size=dimension).astype(np.float32)
    return np.asarray(vector / np.linalg.norm(vector), np.float32)


async def add_template(parts: Parts, person: Person, seed: int, pack: str | None = None) -> str:
    """As another process would write it."""
    photo = Photo(
        person_id=person.id,
        object_key="people/a/b.jpg",
        portrait_key="people/a/c.jpg",
        width=1,
        height=1,
        box=[],
        quality={},
    )
    template = Template(
        person_id=person.id, photo_id=photo.id, pack=pack or parts.roster.pack.name,
        pack_sha256=parts.roster.pack.sha256, dimension=parts.roster.dimension, embedding=b"",
    )  # fmt: skip
    kept = parts.access.templates.seal(template.id, person.id, unit(seed, parts.roster.dimension).tobytes())
    template.key_id, template.embedding = kept.key_id, kept.embedding
    async with parts.store.transaction() as session:
        session.add(photo)
        await session.flush()
        session.add(template)
    return template.id


async def test_what_another_process_wrote_is_noticed(parts: Parts, person: Person) -> None:
    """refresh() loads when the store has changed, and only then."""
    assert await parts.roster.refresh() is True
    assert await parts.roster.refresh() is False
    await add_template(parts, person, 1)
    assert await parts.roster.refresh() is True
    [match] = parts.roster.gallery.search(unit(1, parts.roster.dimension)[None])
    assert match is not None
    assert (match.person_id, parts.roster.name_of(match.person_id)) == (person.id, "Eileen Collins")


async def test_templates_of_another_pack_do_not_count(parts: Parts, person: Person) -> None:
    """Embeddings of two networks cannot be compared."""
    await add_template(parts, person, 1, pack="another")
    await parts.roster.refresh()
    assert len(parts.roster.gallery) == 0


async def test_added_while_reading_is_not_lost(parts: Parts, person: Person) -> None:
    """Somebody enrolled while the rows are being read is in the gallery afterwards."""
    await add_template(parts, person, 1)
    reading = parts.store.read
    late = new_id()
    added: list[str] = []

    def read() -> object:
        if not added:
            added.append("x")
            parts.roster.add(person.id, person.full_name, late, unit(2, parts.roster.dimension))
        return reading()

    parts.store.read = read  # type: ignore[method-assign,assignment]
    try:
        await parts.roster.refresh()
    finally:
        del parts.store.read
    # The row of the late one is not in the store here, so what counts is that the roster looked again.
    assert len(parts.roster.gallery) >= 1


async def test_listeners_hear_of_every_change(parts: Parts, person: Person) -> None:
    """Adding, removing and reloading are told, so that unknown faces get another look."""
    told: list[int] = []
    parts.roster.on_change(lambda: told.append(len(parts.roster.gallery)))
    template = new_id()
    parts.roster.add(person.id, person.full_name, template, unit(1, parts.roster.dimension))
    parts.roster.remove_template(template)
    await add_template(parts, person, 3)
    await parts.roster.refresh()
    assert told == [1, 0, 1]


async def test_the_threshold_grows_with_the_gallery(parts: Parts, clock: ManualClock) -> None:
    """More people, more that could be confused."""
    small = parts.roster.threshold
    for number in range(60):
        parts.roster.add(f"p{number}", f"Person {number}", f"t{number}", unit(number, parts.roster.dimension))
    assert parts.roster.threshold > small


async def test_a_template_that_does_not_open_does_not_count(parts: Parts, person: Person) -> None:
    """Moved from another row, or none of the pack's length: left out, and everybody else is recognised."""
    good, bad, short = [await add_template(parts, person, seed) for seed in (1, 2, 3)]
    async with parts.store.transaction() as session:
        rows = {row.template_id: row for row in await templates.kept(session, [good, bad, short])}
        cut = parts.access.templates.seal(short, person.id, b"1234")
        await templates.rewrite(session, [replace(rows[good], template_id=bad), cut])
    await parts.roster.refresh()
    assert parts.roster.gallery.templates == {good}


async def test_only_what_is_new_is_read(parts: Parts, person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    """A change costs what it is: what is known is neither read nor opened again, what is gone is removed."""
    first = await add_template(parts, person, 1)
    await parts.roster.refresh()
    opened: list[str] = []
    opening = parts.access.templates.open

    def open_(row: templates.KeptTemplate) -> bytes | None:
        opened.append(row.template_id)
        return opening(row)

    monkeypatch.setattr(parts.access.templates, "open", open_)
    second = await add_template(parts, person, 2)
    await parts.roster.refresh()
    assert opened == [second]
    async with parts.store.transaction() as session:
        await session.delete(await session.get_one(Template, first))
    await parts.roster.refresh()
    assert parts.roster.gallery.templates == {second}
    assert opened == [second]


async def test_names_and_who_is_active_are_followed(parts: Parts, person: Person) -> None:
    """A new name is used at once; one who is not active any more is not recognised."""
    await add_template(parts, person, 1)
    await parts.roster.refresh()
    for name, active, known in (("Eileen C.", True, "Eileen C."), ("Eileen C.", False, None)):
        async with parts.store.transaction() as session:
            row = await session.get_one(Person, person.id)
            row.full_name, row.active = name, active
        await parts.roster.refresh()
        assert (parts.roster.name_of(person.id), parts.roster.gallery.people) == (known, int(active))


async def test_others_are_told_at_once(parts: Parts, person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    """What one process enrols, removes or renames, another one follows long before it would look by itself."""
    monkeypatch.setattr("server.pipeline.roster.REFRESH_S", 3600.0)
    other = Roster(parts.store, parts.roster.pack, parts.access.templates, parts.bus)
    await other.refresh()
    async with asyncio.TaskGroup() as tasks:
        following = tasks.create_task(other.run())
        await asyncio.sleep(0)
        photo = await parts.enrolment.add_photo(person.id, enrolment_photo())
        await until(lambda: other.gallery.people == 1)
        async with parts.store.transaction() as session:
            (await session.get_one(Person, person.id)).full_name = "Eileen C."
        await parts.roster.changed()
        await until(lambda: other.name_of(person.id) == "Eileen C.")
        await parts.enrolment.remove_photo(photo)
        await until(lambda: other.gallery.people == 0)
        following.cancel()


async def test_what_is_said_is_not_said_back(parts: Parts, person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    """One change is one message: whoever hears of it tells nobody."""
    monkeypatch.setattr("server.pipeline.roster.REFRESH_S", 3600.0)
    other = Roster(parts.store, parts.roster.pack, parts.access.templates, parts.bus)
    async with asyncio.TaskGroup() as tasks, parts.bus.subscribe(CHANNEL) as messages:
        following = [tasks.create_task(one.run()) for one in (other, parts.roster)]
        await asyncio.sleep(0)
        await add_template(parts, person, 1)
        await parts.roster.changed()
        await until(lambda: other.gallery.people == 1)
        parts.bus.publish(CHANNEL, b"end")
        said = [(await anext(messages))[1] for _ in range(2)]
        for one in following:
            one.cancel()
    assert said[1] == b"end"


async def test_a_lost_message_only_delays(parts: Parts, person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing was said, and yet it is noticed."""
    monkeypatch.setattr("server.pipeline.roster.REFRESH_S", 0.02)
    async with asyncio.TaskGroup() as tasks:
        following = tasks.create_task(parts.roster.run())
        await add_template(parts, person, 1)
        await until(lambda: parts.roster.gallery.people == 1)
        following.cancel()


async def test_a_database_that_was_away_is_followed_again(
    parts: Parts, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the server runs it: what another process writes after that is noticed."""
    monkeypatch.setattr("server.pipeline.roster.REFRESH_S", 0.02)
    original, failures = templates.mark, 3

    async def flaky(session: AsyncSession) -> object:
        nonlocal failures
        if failures:
            failures -= 1
            raise ConnectionRefusedError
        return await original(session)

    monkeypatch.setattr(templates, "mark", flaky)
    async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
        running = tasks.create_task(supervise("gallery", parts.roster.run, backoff=Backoff(0.01)))
        await until(lambda: failures == 0)
        await add_template(parts, person, 1)
        await until(lambda: parts.roster.gallery.people == 1)
        running.cancel()


async def test_a_large_gallery_is_indexed(parts: Parts, person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    """By itself, in the background, beyond the number up to which every template is looked at."""
    monkeypatch.setattr("server.pipeline.roster.REFRESH_S", 0.02)
    pack, seals = parts.roster.pack, parts.access.templates
    auto = Roster(parts.store, pack, seals, parts.bus, search="auto", exact_to=3)
    exact = Roster(parts.store, pack, seals, parts.bus)
    for seed in range(3):
        await add_template(parts, person, seed)
    async with asyncio.TaskGroup() as tasks:
        following = [tasks.create_task(one.run()) for one in (auto, exact)]
        await until(lambda: len(auto.gallery) == len(exact.gallery) == 3)
        assert auto.gallery.index is None
        await add_template(parts, person, 3)
        await until(lambda: auto.gallery.index is not None)
        await until(lambda: len(exact.gallery) == 4)
        for one in following:
            one.cancel()
    assert exact.gallery.index is None
    assert auto.gallery.index is not None
    assert len(auto.gallery.index) == 4
    [match] = auto.gallery.search(unit(3, auto.dimension)[None])
    assert match is not None
    assert match.similarity > 0.999


def test_an_index_that_cannot_be_made_is_refused_at_start(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where one is asked for; `auto` goes on without."""
    monkeypatch.setitem(sys.modules, "usearch.index", None)
    pack, seals = parts.roster.pack, parts.access.templates
    Roster(parts.store, pack, seals, parts.bus, search="auto")
    with pytest.raises(Unavailable, match="extra index"):
        Roster(parts.store, pack, seals, parts.bus, search="approximate")


async def until(reached: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not reached():  # noqa: ASYNC110 - nothing tells when
            await asyncio.sleep(0.01)
