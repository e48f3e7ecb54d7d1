"""Folders, tables and archives: what is in them, and what they are refused for."""

import io
import zipfile
from pathlib import Path

import pytest

from server.errors import Invalid, PhotoRefused
from server.jobs import people_source
from server.jobs.people_source import ArchiveSource, path_source, plan_of, upload_source


def packed(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> io.BytesIO:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", method) as made:
        for name, content in files.items():
            made.writestr(name, content)
    written.seek(0)
    return written


def test_an_archive_of_folders() -> None:
    """Whatever the systems that packed it have left in it is left out."""
    source = upload_source(
        packed({"all/Ada_L/1.jpg": b"one", "all/Ada_L/.DS_Store": b"", "__MACOSX/all/Ada_L/._1.jpg": b"x"})
    )
    plan = plan_of(source)
    assert [(one.full_name, one.photos) for one in plan.people] == [("Ada L", ["all/Ada_L/1.jpg"])]
    assert plan.refusals == []
    assert source.read("all/Ada_L/1.jpg") == b"one"


def test_an_archive_with_a_table() -> None:
    """Paths are relative to the table; what no row names is told."""
    files = {"x/people.csv": b"fullName,photo\nAda,p/a.jpg\n", "x/p/a.jpg": b"one", "x/p/b.jpg": b"two"}
    plan = plan_of(upload_source(packed(files)))
    assert [one.photos for one in plan.people] == [["x/p/a.jpg"]]
    assert [(one.file, one.code) for one in plan.refusals] == [("x/p/b.jpg", "not_named")]


def test_a_table_alone(tmp_path: Path) -> None:
    """Sent, it has no photos; on this machine they lie beside it."""
    content = b"fullName,photo\nAda,a.jpg\n"
    sent = upload_source(io.BytesIO(content))
    assert [one.photos for one in plan_of(sent).people] == [["a.jpg"]]
    with pytest.raises(PhotoRefused) as caught:
        sent.read("a.jpg")
    assert caught.value.code == "file_not_found"
    (tmp_path / "t.csv").write_bytes(content)
    (tmp_path / "a.jpg").write_bytes(b"one")
    with path_source(tmp_path / "t.csv") as here:
        assert here.read(plan_of(here).people[0].photos[0]) == b"one"


def test_a_folder(tmp_path: Path) -> None:
    """As deep as it goes; links out of it are not followed."""
    (tmp_path / "p/Ada").mkdir(parents=True)
    (tmp_path / "p/Ada/1.jpg").write_bytes(b"one")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/2.jpg").write_bytes(b"two")
    (tmp_path / "p/Eve").symlink_to(tmp_path / "elsewhere")
    with path_source(tmp_path / "p") as source:
        assert source.files() == ["Ada/1.jpg"]


def test_nothing_leads_out_of_an_archive() -> None:
    """A name with `..` refuses the whole of it."""
    with pytest.raises(Invalid, match="leads out"):
        plan_of(upload_source(packed({"../../x/1.jpg": b"one"})))


def test_bombs_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """By number, by size in all, and by the size of one, of which no more than that is unpacked."""
    bomb = packed({"Ada/1.jpg": b"\0" * 5_000_000, "Ada/2.jpg": b"two"})
    assert len(bomb.getvalue()) < 20_000
    with pytest.raises(PhotoRefused) as caught:
        ArchiveSource(bomb).read("Ada/1.jpg", 1_000_000)
    assert caught.value.code == "too_large"
    assert ArchiveSource(bomb).read("Ada/2.jpg") == b"two"
    monkeypatch.setattr(people_source, "MOST_TOTAL_BYTES", 4_000_000)
    with pytest.raises(Invalid, match="unpacks to"):
        ArchiveSource(bomb)
    monkeypatch.setattr(people_source, "MOST_FILES", 1)
    with pytest.raises(Invalid, match="more than 1 files"):
        ArchiveSource(bomb)


def test_what_lies_about_its_size_is_damaged() -> None:
    """A member that unpacks to more than it states is not read on."""
    made = packed({"Ada/1.jpg": b"\0" * 100_000})
    content = bytearray(made.getvalue())
    at = content.index(b"PK\x01\x02") + 24
    content[at : at + 4] = (10).to_bytes(4, "little")
    with pytest.raises(PhotoRefused) as caught:
        ArchiveSource(io.BytesIO(bytes(content))).read("Ada/1.jpg")
    assert caught.value.code == "unreadable"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"PK\x03\x04 and then nothing", "bad_archive"),
        (packed({"xl/workbook.xml": b"<x/>"}).getvalue(), "a_workbook"),
        (packed({"a.csv": b"fullName\n", "b.csv": b"fullName\n"}).getvalue(), "several_tables"),
        (packed({}).getvalue(), "empty"),
        (b"\x89PNG\r\n\x1a\n\0\0\0", "unknown_format"),
        (b"fullName\n", "empty"),
    ],
)
def test_what_is_no_import(content: bytes, code: str) -> None:
    """Each with a code of its own."""
    with pytest.raises(Invalid) as caught:
        plan_of(upload_source(io.BytesIO(content)))
    assert caught.value.details[0].code == code


def test_unusual_packing_is_refused_by_file() -> None:
    """What would need a lot of memory to unpack."""
    source = ArchiveSource(packed({"Ada/1.jpg": b"one"}, zipfile.ZIP_LZMA))
    with pytest.raises(PhotoRefused, match="unusual"):
        source.read("Ada/1.jpg")
