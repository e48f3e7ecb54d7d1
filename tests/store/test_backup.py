"""Backups: of one moment, whole, and without what nobody should find in them."""

import asyncio
import json
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import text

from server.errors import Conflict, NotFound, Unavailable
from server.objects.folder import FolderObjects
from server.objects.objects import Objects, Stored
from server.store import migrate
from server.store.archive import Archive
from server.store.backup import BATCH, backup
from server.store.engine import Store
from server.store.portable import TRANSIENT
from tests.store.full import AT, add_somebody, contents, fill


class Watched(FolderObjects):
    """A storage in which something happens between the list of keys and the reading."""

    def __init__(self, root: Path, gone: str = "", shorter: str = "") -> None:
        super().__init__(root)
        self._gone = gone
        self._shorter = shorter

    async def open(self, key: str, part: range | None = None) -> Stored:
        if key == self._gone:
            await self.delete(key)
        found = await super().open(key)
        return Stored(found.size + 1, found.pieces) if key == self._shorter else found


async def test_every_row_is_in_it(store: Store, tmp_path: Path) -> None:
    """Each table as lines, in more than one batch; how many there are is told, to who waits and in the manifest."""
    await fill(store, people=BATCH + 1)
    said: list[str] = []
    manifest = await backup(store.url, tmp_path / "a", at=AT, key_ids=("k1", "k0"), tell=said.append)
    there = await contents(store.url)
    assert {name: part.count for name, part in manifest.tables.items()} == {
        name: len(rows) for name, rows in there.items() if name not in TRANSIENT
    }
    assert f"people: {BATCH + 1} rows" in said
    with Archive(tmp_path / "a") as archive:
        archive.check()
        ids = [json.loads(line)["id"] for line in archive.lines("people")]
        assert archive.manifest.key_ids == ("k1", "k0")
    assert ids == [row[0] for row in there["people"]]
    assert manifest.revision == await migrate.current(store.url)


async def test_pictures_and_what_is_good_once_are_left_out(store: Store, tmp_path: Path) -> None:
    """Unless the pictures are asked for."""
    await fill(store)
    await backup(store.url, tmp_path / "a", at=AT)
    with zipfile.ZipFile(tmp_path / "a") as plain:
        names = plain.namelist()
    assert "objects.tar" not in names
    assert not {f"tables/{table}.jsonl" for table in TRANSIENT} & set(names)


async def test_with_pictures(store: Store, tmp_path: Path) -> None:
    """Of every size; one that is removed while they are read is left out."""
    await fill(store)
    pictures = {"people/1/a.jpg": b"x" * 700_001, "clips/b.mp4": b"", "gone/c.jpg": b"z"}
    storage: Objects = Watched(tmp_path / "objects", gone="gone/c.jpg")
    for key, content in pictures.items():
        await storage.put(key, content)
    manifest = await backup(store.url, tmp_path / "a", at=AT, pictures=storage)
    assert manifest.objects is not None
    assert manifest.objects.count == 2
    with Archive(tmp_path / "a") as archive:
        archive.check()
        assert dict(archive.pictures()) == {"people/1/a.jpg": b"x" * 700_001, "clips/b.mp4": b""}


async def test_a_picture_that_changes_while_it_is_read(store: Store, tmp_path: Path) -> None:
    """There is no backup then, rather than one with half of it."""
    storage = Watched(tmp_path / "objects", shorter="a/b")
    await storage.put("a/b", b"1")
    with pytest.raises(Unavailable, match="Try again"):
        await backup(store.url, tmp_path / "a", at=AT, pictures=storage)
    assert not (tmp_path / "a").exists()


async def test_it_is_of_one_moment(store: Store, tmp_path: Path) -> None:
    """What is written while it runs is in all of its tables or in none."""
    await fill(store)
    before = await contents(store.url)
    added: list[str] = []
    loop = asyncio.get_running_loop()

    class Slow(FolderObjects):
        async def keys(self, prefix: str = "") -> AsyncIterator[str]:
            added.append(await add_somebody(store.url))
            async for key in super().keys(prefix):
                yield key

    def meanwhile(line: str) -> None:
        if line.startswith("alerts"):  # one of the first tables; people come later
            writing.append(loop.create_task(add_somebody(store.url)))

    writing: list[asyncio.Task[str]] = []
    async with asyncio.timeout(30):
        await backup(store.url, tmp_path / "a", at=AT, pictures=Slow(tmp_path / "objects"), tell=meanwhile)
        added += [await one for one in writing]
    assert len(added) == 2
    with Archive(tmp_path / "a") as archive:
        ids = [json.loads(line)["id"] for line in archive.lines("people")]
    assert ids == [row[0] for row in before["people"]]


async def test_a_cancel_leaves_nothing(store: Store, tmp_path: Path) -> None:
    """No file under the name and none beside it."""
    await fill(store)
    begun = asyncio.Event()
    writing = backup(store.url, tmp_path / "a", at=AT, tell=lambda _: begun.set())
    running = asyncio.get_running_loop().create_task(writing)
    await begun.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert [one for one in tmp_path.iterdir() if one.name.startswith((".a", "a"))] == []


async def test_a_database_without_tables(empty_url: str, tmp_path: Path) -> None:
    """There is nothing to keep; and nothing is made by looking."""
    with pytest.raises(NotFound):
        await backup(empty_url, tmp_path / "a", at=AT)
    if empty_url.startswith("sqlite"):
        assert not Path(empty_url.removeprefix("sqlite+aiosqlite:///")).exists()
    await migrate.upgrade(empty_url)
    await migrate.downgrade(empty_url, "base")
    with pytest.raises(NotFound, match="nothing to keep"):
        await backup(empty_url, tmp_path / "a", at=AT)
    assert list(tmp_path.iterdir()) == []


async def test_a_database_of_a_newer_version(store: Store, tmp_path: Path) -> None:
    """Its tables are not known here, so one could be missed."""
    async with store.transaction() as session:
        await (await session.connection()).execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(Conflict, match="9999 of a newer version"):
        await backup(store.url, tmp_path / "a", at=AT)
    assert list(tmp_path.iterdir()) == []
