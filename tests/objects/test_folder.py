"""The folder as object storage: whole or not there, and nothing outside of it."""

from pathlib import Path

import pytest

from server.errors import Invalid, NotFound
from server.objects.folder import FolderObjects
from server.objects.open import open_objects


async def test_what_was_put_is_got(tmp_path: Path) -> None:
    """Bytes come back as they were, and replacing replaces."""
    objects = open_objects(f"file://{tmp_path}/objects")
    await objects.put("people/a/b.jpg", b"one")
    await objects.put("people/a/b.jpg", b"two")
    assert await objects.get("people/a/b.jpg") == b"two"
    assert [p.name for p in (tmp_path / "objects/people/a").iterdir()] == ["b.jpg"]


async def test_deleted_is_gone_and_deleting_again_is_no_error(tmp_path: Path) -> None:
    """After deletion the key is not found."""
    objects = FolderObjects(tmp_path)
    await objects.put("x/y.jpg", b"1")
    await objects.delete("x/y.jpg")
    await objects.delete("x/y.jpg")
    with pytest.raises(NotFound):
        await objects.get("x/y.jpg")


@pytest.mark.parametrize("key", ["../secret", "x/../../secret", "/etc/passwd", "x//y", "x/.hidden", "", "x"])
async def test_no_key_leads_out_of_the_folder(tmp_path: Path, key: str) -> None:
    """A key that could leave the folder is like one that does not exist, for reading and for writing."""
    objects = FolderObjects(tmp_path / "inner")
    with pytest.raises(NotFound):
        await objects.get(key)
    with pytest.raises(NotFound):
        await objects.put(key, b"1")
    assert list(tmp_path.rglob("*")) == []


async def test_pictures_are_for_this_user_only(tmp_path: Path) -> None:
    """Files of biometric data are not readable by other users of the machine."""
    objects = FolderObjects(tmp_path)
    await objects.put("x/y.jpg", b"1")
    assert (tmp_path / "x/y.jpg").stat().st_mode & 0o077 == 0


def test_unknown_storage_is_refused_by_name() -> None:
    """A scheme that is not there is an error of the setting."""
    with pytest.raises(Invalid, match="ftp"):
        open_objects("ftp://host/x")
