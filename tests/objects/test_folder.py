"""The folder as object storage: whole or not there, for this user only, and its errors tell no paths."""

import asyncio
import os
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from server.errors import NotFound, Unavailable
from server.ids import new_id
from server.objects.folder import FolderObjects


async def test_replacing_leaves_nothing_beside(tmp_path: Path) -> None:
    """The part that is written first becomes the object."""
    objects = FolderObjects(tmp_path / "objects")
    await objects.put("people/a/b.jpg", b"one")
    await objects.put("people/a/b.jpg", b"two")
    assert [p.name for p in (tmp_path / "objects/people/a").iterdir()] == ["b.jpg"]


async def test_pictures_are_for_this_user_only(tmp_path: Path) -> None:
    """Files of biometric data are not readable by other users of the machine."""
    objects = FolderObjects(tmp_path / "deep/objects")
    await objects.put("x/y.jpg", b"1")
    assert (tmp_path / "deep/objects").stat().st_mode & 0o077 == 0
    assert (tmp_path / "deep/objects/x/y.jpg").stat().st_mode & 0o077 == 0


async def test_nothing_is_written_outside(tmp_path: Path) -> None:
    """A key that leads out makes no folder either."""
    objects = FolderObjects(tmp_path / "inner")
    with pytest.raises(NotFound):
        await objects.put("x/../../secret", b"1")
    assert list(tmp_path.rglob("*")) == []


async def test_a_failed_write_leaves_the_old_object(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk is told as the storage's failure, and no half a picture stays."""
    objects = FolderObjects(tmp_path)
    await objects.put("x/y.jpg", b"old")

    def full(_self: Path, _target: Path) -> None:
        raise OSError(28, "No space left on device", "/a/secret/path")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(Unavailable, match="No space left on device") as failed:
        await objects.put("x/y.jpg", b"new")
    assert failed.value.code == "storage_unavailable"
    assert "secret" not in failed.value.message
    assert await objects.get("x/y.jpg") == b"old"
    assert [p.name for p in (tmp_path / "x").iterdir()] == ["y.jpg"]


async def test_a_file_in_the_way_is_the_storages_failure(tmp_path: Path) -> None:
    """Not that of whoever asked: nothing that they could find is missing."""
    (tmp_path / "objects").write_text("not a folder")
    for objects in (FolderObjects(tmp_path / "objects"), FolderObjects(tmp_path)):
        with pytest.raises(Unavailable) as failed:
            await objects.put("objects/y.jpg", b"1")
        assert str(tmp_path) not in failed.value.message


async def test_strangers_in_the_folder_are_not_listed(tmp_path: Path) -> None:
    """Parts of a crash, notes of an administrator, and links that lead elsewhere."""
    objects = FolderObjects(tmp_path / "objects")
    await objects.put("x/y.jpg", b"1")
    (tmp_path / "objects/x/.1234.part").write_bytes(b"half")
    (tmp_path / "objects/READ ME.txt").write_text("hello")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/z.jpg").write_bytes(b"1")
    (tmp_path / "objects/linked").symlink_to(tmp_path / "elsewhere")
    assert [key async for key in objects.keys("")] == ["x/y.jpg"]


async def test_what_a_killed_process_was_writing_is_removed(tmp_path: Path) -> None:
    """Half a picture that nobody lists stays for good otherwise, also after an erasure. What is new may be going on."""
    objects, now = FolderObjects(tmp_path), datetime.now(UTC)
    await objects.put("people/x/y.jpg", b"1")
    await objects.put("imports/x/0000.part", b"a piece of an upload")
    half = tmp_path / f"people/x/.{new_id()}.part"
    others = tmp_path / "people/x/.notes.part"
    for path in (half, others):
        path.write_bytes(b"half")
    assert await objects.remove_unfinished(now - timedelta(hours=1)) == 0
    assert await objects.remove_unfinished(now + timedelta(hours=1)) == 1
    assert (half.exists(), others.exists()) == (False, True)
    assert {key async for key in objects.keys("")} == {"people/x/y.jpg", "imports/x/0000.part"}


async def test_an_object_replaced_while_it_is_read_is_no_mixture(tmp_path: Path) -> None:
    """Who has begun reads the old one to its end; who has not is told."""
    objects = FolderObjects(tmp_path)
    await objects.put("x/y.zip", b"old" * 200_000)
    begun, waiting = await objects.open("x/y.zip"), await objects.open("x/y.zip")
    first = await anext(begun.pieces)
    await objects.put("x/y.zip", b"new")
    assert first + b"".join([piece async for piece in begun.pieces]) == b"old" * 200_000
    with pytest.raises(Unavailable):
        await anext(waiting.pieces)


async def test_the_loop_goes_on_meanwhile(tmp_path: Path) -> None:
    """Files are touched in threads only: nothing holds up the cameras."""
    objects, turns = FolderObjects(tmp_path), 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0.001)

    counting = asyncio.get_running_loop().create_task(count())
    await objects.put("x/y.zip", bytes(60_000_000))
    await objects.get("x/y.zip")
    counting.cancel()
    assert turns >= 5


async def test_whoever_is_cancelled_leaves_nothing_that_comes_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The thread that writes goes on for a while: what it has written by then does not become an object."""
    objects, writes, may_go_on = FolderObjects(tmp_path), threading.Event(), threading.Event()
    opened = os.open

    def slow(*arguments: Any, **more: Any) -> int:
        writes.set()
        may_go_on.wait(20)
        return opened(*arguments, **more)

    monkeypatch.setattr(os, "open", slow)
    async with asyncio.TaskGroup() as tasks:
        putting = tasks.create_task(objects.put("x/y.csv", b"rows"))
        await asyncio.to_thread(writes.wait, 20)
        putting.cancel()
    await objects.delete("x/y.csv")
    may_go_on.set()
    await asyncio.to_thread(_until_gone, tmp_path / "x")


def _until_gone(folder: Path) -> None:
    for _ in range(2000):
        if not list(folder.iterdir()):
            return
        assert not (folder / "y.csv").exists()
        time.sleep(0.005)
    raise AssertionError(list(folder.iterdir()))
