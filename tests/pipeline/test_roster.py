"""The roster: equal to the store, whoever changes it."""

import numpy as np

from server.clock import ManualClock
from server.ids import new_id
from server.parts import Parts
from server.store.tables import Person, Photo, Template


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
        pack_sha256=parts.roster.pack.sha256, dimension=parts.roster.dimension,
        embedding=unit(seed, parts.roster.dimension).tobytes(),
    )  # fmt: skip
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
