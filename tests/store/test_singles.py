"""Who is known by one photo only."""

from server.store import singles
from server.store.engine import Store
from server.store.tables import Person, Photo, Template


async def test_only_those_with_one_template_of_this_build(store: Store) -> None:
    """With what was measured on the photo; another build of the pack counts by itself."""
    people = [Person(full_name=name) for name in ("One", "Two")]
    async with store.transaction() as session:
        session.add_all(people)
    kept = {}
    for person, size in ((people[0], 70.0), (people[1], 80.0), (people[1], 90.0)):
        photo = Photo(
            person_id=person.id, object_key="a", portrait_key="b", width=1, height=1, box=[], quality={"sizePx": size}
        )
        template = Template(
            person_id=person.id, photo_id=photo.id, pack="p", pack_sha256="s", dimension=1, embedding=b"x"
        )
        async with store.transaction() as session:
            session.add(photo)
            await session.flush()
            session.add(template)
        kept[size] = template.id
    async with store.read() as session:
        assert await singles.qualities(session, "p", "s") == {kept[70.0]: {"sizePx": 70.0}}
        assert await singles.qualities(session, "p", "other") == {}
