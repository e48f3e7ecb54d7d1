"""Builds of packs: which one the site searches with, and what lacks a template of it."""

from server.store import embedders
from server.store.embedders import Build
from server.store.engine import Store
from server.store.tables import Person, Photo, Template

ONE, TWO = Build("a", "1" * 64), Build("a", "2" * 64)


def template(photo: Photo, build: Build) -> Template:
    return Template(
        person_id=photo.person_id, photo_id=photo.id, pack=build.pack, pack_sha256=build.sha256, dimension=1,
        embedding=b"",
    )  # fmt: skip


async def test_two_builds_beside_each_other(store: Store) -> None:
    """One template of a photo by each; what lacks one is found in the order of ids; the others can be forgotten."""
    async with store.transaction() as session:
        assert await embedders.used(session) is None
        assert await embedders.most_made(session) is None
        session.add(person := Person(full_name="Ada"))
        await session.flush()
        rows = [
            Photo(person_id=person.id, object_key="a/b", portrait_key="a/c", width=1, height=1, box=[], quality={})
            for _ in range(3)
        ]
        session.add_all(rows)
        await session.flush()
        session.add_all([template(one, ONE) for one in rows] + [template(rows[0], TWO)])
        await session.flush()
        assert await embedders.most_made(session) == ONE
        assert [one.id for one in await embedders.lacking(session, TWO)] == sorted(one.id for one in rows[1:])
        assert await embedders.count_lacking(session, ONE) == 0
        assert await embedders.count_lacking(session, TWO) == 2
        assert await embedders.has(session, rows[0].id, TWO)
        assert not await embedders.has(session, rows[1].id, TWO)
        for build in (ONE, TWO):
            await embedders.use(session, build)
            assert await embedders.used(session) == build
        assert await embedders.forget_others(session, TWO) == 3
