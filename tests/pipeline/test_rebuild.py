"""Templates made anew: of every photo that lacks one, once, and the photos that give none are named."""

from server.demo.clips import enrolment_photo
from server.identity.enrolment import Enroller
from server.parts import Parts
from server.pipeline.rebuild import Rebuilder
from server.store import photos
from server.store.embedders import Build
from server.store.tables import Person
from tests.opened import models


async def test_each_photo_gets_one(parts: Parts, person: Person) -> None:
    """Nearly the same as the first one, for the photo is what is kept; the second time there is nothing to do."""
    photo = await parts.enrolment.add_photo(person.id, enrolment_photo())
    broken = await parts.enrolment.add_photo(person.id, enrolment_photo())
    await parts.objects.put(broken.object_key, b"no picture")
    enroller = Enroller(models().detector, models().embedder)
    other = Rebuilder(parts.store, parts.objects, enroller, Build("other", "1" * 64), parts.access.templates, parts.bus)
    told: list[tuple[int, int]] = []

    async def tell(count: int, total: int) -> None:
        told.append((count, total))

    done = await other.run(tell)
    assert told == [(1, 2), (2, 2)]
    assert (done.made, done.failed) == (1, [(person.id, broken.id, "unreadable")])
    async with parts.store.read() as session:
        rows = await photos.templates_of(session, photo.id)
    assert {row.pack for row in rows} == {"mobilefacenet", "other"}
    told.clear()
    assert (await other.run(tell)).made == 0
    assert told == [(2, 2)], "what was made in an earlier life counts: a job that gets further each time is no dead one"
    embedding = enroller.again(await parts.objects.get(photo.object_key), photo.box)
    match = parts.roster.gallery.search(embedding[None])[0]
    assert match is not None
    assert match.similarity > 0.98
