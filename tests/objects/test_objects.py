"""What every storage promises, whichever it is."""

import asyncio
from pathlib import Path

import pytest

from server.errors import NotFound, TooLarge, Unavailable
from server.objects import objects as promise
from server.objects.folder import FolderObjects
from server.objects.objects import Objects, content_type_of

ODD = [
    "a/b",
    "people/0-9/A.b_c-d",
    "x/y.tar.gz",
    "s-1/_".replace("_", "z_"),
    "deep/" + "/".join("abcdefgh"),
    "long/" + "n" * promise.LONGEST_NAME,
]
ESCAPES = [
    "../secret",
    "x/../../secret",
    "/etc/passwd",
    "x//y",
    "x/.hidden",
    "",
    "x",
    "x/",
    "x/y/",
    "x\\..\\y",
    "x/%2e%2e/y",
    "x/y\n",
    "x/y\0",
    "x/é",
    "X/y",
    "x/" + "n" * (promise.LONGEST_NAME + 1),
    "x/" + "/".join(["n" * 100] * 6),
]


async def everything(objects: Objects, prefix: str = "") -> list[str]:
    return sorted([key async for key in objects.keys(prefix)])


async def read(objects: Objects, key: str) -> bytes:
    stored = await objects.open(key)
    content = b"".join([piece async for piece in stored.pieces])
    assert len(content) == stored.size
    return content


async def test_a_part_of_it(objects: Objects) -> None:
    """The bytes that were asked for, of an object of any size, and how many there are in all."""
    content = bytes(range(256)) * (2 * promise.PIECE // 256) + b"end"
    await objects.put("clips/a.mp4", content)
    assert await objects.size("clips/a.mp4") == len(content)
    for wanted in (
        range(1),
        range(5, 9),
        range(promise.PIECE - 1, promise.PIECE * 2),
        range(len(content) - 3, len(content)),
    ):
        stored = await objects.open("clips/a.mp4", wanted)
        assert stored.size == len(wanted)
        assert b"".join([piece async for piece in stored.pieces]) == content[wanted.start : wanted.stop]
    for missing in (objects.size("clips/b.mp4"), objects.open("clips/b.mp4", range(1))):
        with pytest.raises(NotFound):
            await missing


async def test_what_was_put_is_got(objects: Objects) -> None:
    """Bytes come back as they were, as a whole and in pieces, and replacing replaces."""
    await objects.put("people/a/b.jpg", b"one")
    await objects.put("people/a/b.jpg", b"two, and longer")
    assert await objects.get("people/a/b.jpg") == b"two, and longer"
    assert await read(objects, "people/a/b.jpg") == b"two, and longer"
    assert await everything(objects) == ["people/a/b.jpg"]


@pytest.mark.parametrize("key", ODD)
async def test_every_key_that_is_allowed_works(objects: Objects, key: str) -> None:
    """Stored, listed, read and deleted under exactly that name, also with nothing in it."""
    await objects.put(key, b"")
    assert await objects.get(key) == b""
    assert await read(objects, key) == b""
    assert await everything(objects) == [key]
    await objects.delete(key)
    assert await everything(objects) == []


@pytest.mark.parametrize("key", ESCAPES)
async def test_no_key_leads_elsewhere(objects: Objects, key: str) -> None:
    """A key that could leave the storage is like one that does not exist, for reading and for writing."""
    for attempt in (objects.get(key), objects.open(key), objects.put(key, b"1"), objects.delete("x/y", key)):
        with pytest.raises(NotFound) as refused:
            await attempt
        assert refused.value.code == "object_not_found"
    assert await everything(objects) == []


async def test_what_is_missing_is_not_found(objects: Objects) -> None:
    """Also where a key is the beginning of another, or goes on after one."""
    await objects.put("x/y/z.jpg", b"1")
    for key in ("x/nothing.jpg", "x/y", "x/y/z.jpg/more"):
        for attempt in (objects.get(key), objects.open(key)):
            with pytest.raises(NotFound) as missing:
                await attempt
            assert missing.value.code == "object_not_found"


async def test_deleted_is_gone_and_deleting_again_is_no_error(objects: Objects) -> None:
    """One or many at once, there or not."""
    keys = [f"x/{number}.jpg" for number in range(25)]
    await asyncio.gather(*(objects.put(key, b"1") for key in keys))
    await objects.delete("x/0.jpg")
    await objects.delete("x/0.jpg")
    with pytest.raises(NotFound):
        await objects.get("x/0.jpg")
    await objects.delete(*keys[:-1], "x/never/was.jpg")
    assert await everything(objects) == [keys[-1]]
    await objects.delete()


async def test_many_puts_at_once_leave_one_whole_object(objects: Objects) -> None:
    """Whoever is last wins; nobody reads a mixture."""
    contents = [bytes([number]) * 40_000 for number in range(12)]
    await asyncio.gather(*(objects.put("x/same.jpg", content) for content in contents))
    assert await objects.get("x/same.jpg") in contents
    assert await everything(objects) == ["x/same.jpg"]


async def test_large_objects_come_in_pieces(objects: Objects) -> None:
    """20 MB, which an S3 takes in parts, are never in memory as a whole when they are read in pieces."""
    content = bytes(range(256)) * (20_000_000 // 256)
    await objects.put("exports/large.zip", content)
    stored = await objects.open("exports/large.zip")
    pieces = [piece async for piece in stored.pieces]
    assert max(map(len, pieces)) <= 4 * promise.PIECE
    assert b"".join(pieces) == content
    assert await objects.get("exports/large.zip") == content


async def test_what_is_too_large_for_memory_is_refused_as_a_whole(
    objects: Objects, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`get` is for pictures; `open` is for the rest."""
    monkeypatch.setattr(promise, "LARGEST_WHOLE", 1000)
    await objects.put("x/just.jpg", b"1" * 1000)
    await objects.put("x/over.jpg", b"1" * 1001)
    assert len(await objects.get("x/just.jpg")) == 1000
    with pytest.raises(TooLarge) as refused:
        await objects.get("x/over.jpg")
    assert refused.value.code == "object_too_large"
    assert len(await read(objects, "x/over.jpg")) == 1001


async def test_keys_below_a_prefix_are_listed(objects: Objects) -> None:
    """By whole segments: a person's id that begins like another's is another."""
    mine = {f"people/a/{number}.jpg" for number in range(5)}
    await asyncio.gather(*(objects.put(key, b"1") for key in {*mine, "people/ab/1.jpg", "sightings/a/1.jpg"}))
    assert set(await everything(objects, "people/a")) == mine
    assert set(await everything(objects, "people")) == mine | {"people/ab/1.jpg"}
    assert await everything(objects, "people/a/1.jpg") == []
    assert await everything(objects, "nobody") == []
    assert len(await everything(objects)) == 7
    for prefix in ("..", "people/", "/", "people/../sightings"):
        with pytest.raises(NotFound):
            await everything(objects, prefix)


async def test_listing_goes_page_by_page(objects: Objects, monkeypatch: pytest.MonkeyPatch) -> None:
    """More keys than a page holds are all listed, once each; who stops early leaves nothing open."""
    monkeypatch.setattr("server.objects.folder._PAGE", 10)
    monkeypatch.setattr("server.objects.s3.PAGE", 10)
    keys = {f"x/{number}.jpg" for number in range(35)}
    await asyncio.gather(*(objects.put(key, b"1") for key in keys))
    assert await everything(objects) == sorted(keys)
    async for key in objects.keys(""):
        assert key in keys
        break


async def test_check_leaves_nothing_behind(objects: Objects) -> None:
    """It writes, reads and deletes."""
    await objects.check()
    assert await everything(objects) == []


async def test_a_storage_that_forgets_fails_its_check(tmp_path: Path) -> None:
    """To take an object is not enough: it has to come back."""

    class Forgetful(FolderObjects):
        async def put(self, key: str, content: bytes) -> None:
            """Says yes."""

    with pytest.raises(Unavailable, match="does not give back") as failed:
        await Forgetful(tmp_path).check()
    assert failed.value.code == "storage_unavailable"


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        ("x/y.jpg", "image/jpeg"),
        ("x/y.csv", "text/csv"),
        ("x/y.html", "application/octet-stream"),
        ("x/y.svg", "application/octet-stream"),
        ("x/y.jpg.html", "application/octet-stream"),
        ("x/jpg", "application/octet-stream"),
    ],
)
def test_the_ending_says_the_type_and_nothing_runs(key: str, kind: str) -> None:
    """What a browser would run is mere bytes."""
    assert content_type_of(key) == kind
