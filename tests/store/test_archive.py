"""The file of a backup: whole under its name or not there, and read only as what it says it is."""

import hashlib
import json
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from server.errors import Conflict, Invalid, NotFound
from server.store.archive import Archive, Draft, Manifest, Part, after_picture, after_pictures

AT = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
LINES = b'{"id":1}\n{"id":2}\n'
LONG_KEY = "people/" + "a" * 150 + "/" + "b" * 150 + ".jpg"


def written(path: Path, *, replace: bool = False, pictures: dict[str, bytes] | None = None) -> Manifest:
    """An archive with one table of two rows."""
    with Draft(path, AT, replace=replace) as draft:
        with draft.member("tables/people.jsonl") as member:
            member.add(LINES)
        people, objects = Part(count=2, sha256=member.sha256), None
        if pictures is not None:
            with draft.member("objects.tar", compressed=False) as member:
                for key, content in pictures.items():
                    member.add(draft.picture(key, len(content)) + content + after_picture(len(content)))
                member.add(after_pictures())
            objects = Part(count=len(pictures), sha256=member.sha256)
        manifest = Manifest(revision="0004", created_at=AT, tables={"people": people}, objects=objects)
        draft.finish(manifest)
    return manifest


def rewritten(path: Path, changed: dict[str, bytes | None], added: dict[str, bytes] | None = None) -> None:
    """As somebody would who opens it and saves it: every checksum of the zip itself fits."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in {**members, **changed, **(added or {})}.items():
            if content is not None:
                archive.writestr(name, content)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    """Rows and pictures, in their order, also under long keys and without any content."""
    pictures = {"people/1/a.jpg": b"x" * 700_001, LONG_KEY: b"y" * 512, "a/empty": b""}
    manifest = written(tmp_path / "a", pictures=pictures)
    with Archive(tmp_path / "a") as archive:
        assert archive.manifest == manifest
        archive.check()
        assert b"".join(archive.lines("people")) == LINES
        assert dict(archive.pictures()) == pictures
    with zipfile.ZipFile(tmp_path / "a") as plain:
        assert hashlib.sha256(plain.read("tables/people.jsonl")).hexdigest() == manifest.tables["people"].sha256
        assert json.loads(plain.read("manifest.json"))["createdAt"] == "2026-01-05T08:00:00.000Z"


def test_it_is_for_its_owner_alone(tmp_path: Path) -> None:
    """Also where it replaces one that anybody could read."""
    written(tmp_path / "a")
    (tmp_path / "a").chmod(0o644)
    written(tmp_path / "a", replace=True)
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o600


def test_a_failure_leaves_nothing(tmp_path: Path) -> None:
    """No half of a file under the name, none beside it, and what was there before is still there."""
    path = tmp_path / "a"
    path.write_text("before")
    with (
        pytest.raises(ZeroDivisionError),
        Draft(path, AT, replace=True) as draft,
        draft.member("tables/people.jsonl") as member,
    ):
        member.add(LINES[: 1 // 0])
    assert [one.name for one in tmp_path.iterdir()] == ["a"]
    assert path.read_text() == "before"


def test_a_file_that_is_there_stays(tmp_path: Path) -> None:
    """Also one that came while the archive was written; a folder is never replaced."""
    path = tmp_path / "a"
    with Draft(path, AT, replace=False) as draft:
        path.write_text("mine")
        with pytest.raises(Conflict, match="there already"):
            draft.finish(Manifest(revision="0004", created_at=AT, tables={}))
    with pytest.raises(Conflict, match="--force"):
        written(path)
    assert path.read_text() == "mine"
    with pytest.raises(Conflict):
        written(tmp_path, replace=True)
    with pytest.raises(NotFound, match="no folder"):
        written(tmp_path / "nowhere" / "a")
    assert [one.name for one in tmp_path.iterdir()] == ["a"]


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04", b"PK\x05\x06" + bytes(18)])
def test_what_is_no_archive(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(Invalid, match="no backup of Rollcall"), Archive(tmp_path / "a"):
        pass


def test_every_truncation_is_refused(tmp_path: Path) -> None:
    """Wherever it was cut off."""
    written(tmp_path / "a", pictures={"a/b": b"x"})
    whole = (tmp_path / "a").read_bytes()
    for length in range(0, len(whole), 97):
        (tmp_path / "a").write_bytes(whole[:length])
        with pytest.raises(Invalid), Archive(tmp_path / "a"):
            pass


def test_no_changed_byte_of_the_content_goes_unnoticed(tmp_path: Path) -> None:
    """A disk or a network that forgets a bit. Some bits of a compressed table mean nothing."""
    written(tmp_path / "a", pictures={"a/b": b"x" * 600})
    whole = (tmp_path / "a").read_bytes()
    with zipfile.ZipFile(tmp_path / "a") as archive:
        first = archive.getinfo("tables/people.jsonl")
        begin = first.header_offset + 30 + len(first.filename) + 20
        places = [*range(begin, begin + first.compress_size), whole.index(b"x" * 600) + 300]
    refused: list[str] = []
    for place in places:
        (tmp_path / "a").write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with Archive(tmp_path / "a") as altered:
            try:
                altered.check()
            except Invalid as error:
                refused.append(error.code)
            else:
                assert b"".join(altered.lines("people")) == LINES
    assert set(refused) == {"damaged_backup"}
    assert len(refused) >= len(places) - 1


@pytest.mark.parametrize(
    "content",
    [LINES.replace(b"2", b"3"), LINES[:9], LINES + b'{"id":3}\n', LINES + b"\n", b"", None],
    ids=["another value", "a row less", "a row more", "an empty line", "no rows", "no table"],
)
def test_an_altered_table_is_refused(tmp_path: Path, content: bytes | None) -> None:
    written(tmp_path / "a")
    rewritten(tmp_path / "a", {"tables/people.jsonl": content})
    with pytest.raises(Invalid, match="damaged"), Archive(tmp_path / "a") as archive:
        archive.check()


def test_altered_pictures_are_refused(tmp_path: Path) -> None:
    """Another content, none, or something that is no tar."""
    for content in (b"", b"x" * 2048, bytes(1024)):
        written(tmp_path / "a", replace=True, pictures={"a/b": b"x"})
        rewritten(tmp_path / "a", {"objects.tar": content})
        with pytest.raises(Invalid, match="damaged"), Archive(tmp_path / "a") as archive:
            archive.check()


def test_what_the_manifest_does_not_name_is_refused(tmp_path: Path) -> None:
    written(tmp_path / "a")
    rewritten(tmp_path / "a", {}, {"tables/users.jsonl": b""})
    with pytest.raises(Invalid, match="damaged"), Archive(tmp_path / "a"):
        pass


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"format": "other"}, "no backup of Rollcall"),
        ({"version": 2}, "newer version"),
        ({"tables": {"people": {"count": -1, "sha256": "x"}}}, "no backup of Rollcall"),
    ],
)
def test_manifests_of_others(tmp_path: Path, changed: dict[str, object], said: str) -> None:
    manifest = written(tmp_path / "a").as_json()
    rewritten(tmp_path / "a", {"manifest.json": json.dumps(manifest | changed).encode()})
    with pytest.raises(Invalid, match=said), Archive(tmp_path / "a"):
        pass


@pytest.mark.parametrize("name", ["nothing", "."])
def test_a_file_that_is_not_there(tmp_path: Path, name: str) -> None:
    with pytest.raises(NotFound, match="There is no file"), Archive(tmp_path / name):
        pass
