"""Where an import reads from: a folder, a table beside its photos, or an archive that is read and never unpacked."""

import os
import posixpath
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol

from server.errors import Invalid, PhotoRefused
from server.jobs.people_plan import Plan, Refusal, from_folders, from_table, inside_of

MOST_FILES = 50_000
MOST_FILE_BYTES = 30_000_000
MOST_TABLE_BYTES = 30_000_000
MOST_TOTAL_BYTES = 20_000_000_000
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


class Source(Protocol):
    """All of it blocks: call it in a thread, one call at a time."""

    def files(self) -> Sequence[str]:
        """Names with /, relative; hidden ones are left out. Raises Invalid."""

    def read(self, name: str, most_bytes: int = MOST_FILE_BYTES) -> bytes:
        """The whole file. Raises PhotoRefused with the reason."""


def plan_of(source: Source) -> Plan:
    """Who is in it. A table, where there is one, says who; else each folder is a person. Raises Invalid."""
    files = source.files()
    tables = [name for name in files if name.lower().endswith(".csv")]
    if len(tables) > 1:
        raise Invalid.field("file", "several_tables", f"There are several tables: {', '.join(tables[:3])}. Send one.")
    if not tables:
        plan = from_folders(files)
    else:
        folder = posixpath.dirname(tables[0])
        try:
            content = source.read(tables[0], MOST_TABLE_BYTES)
        except PhotoRefused as error:
            raise Invalid.field("file", error.code, f"{tables[0]}: {error.message}") from None
        plan = from_table(content)
        _beside(plan, folder, set(files) - {tables[0]})
    if not plan.people and not plan.refusals:
        raise Invalid.field("file", "empty", "There is nobody in it.")
    return plan


def _beside(plan: Plan, folder: str, files: set[str]) -> None:
    """Paths are relative to the table; what lies there and no row names is told."""
    for one in plan.people:
        one.photos = [posixpath.join(folder, photo) for photo in one.photos]
    named = {photo for one in plan.people for photo in one.photos}
    said = "No row of the table names this file."
    plan.refusals += [Refusal("not_named", said, file=name) for name in sorted(files - named)]


class FolderSource:
    """A folder of this machine, and nothing that links lead to."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def files(self) -> Sequence[str]:
        found = list[str]()
        for folder, inside, names in os.walk(self._root):
            inside[:] = sorted(name for name in inside if not name.startswith("."))
            found += [(Path(folder) / name).relative_to(self._root).as_posix() for name in sorted(names)]
        return [name for name in found if not posixpath.basename(name).startswith(".")]

    def read(self, name: str, most_bytes: int = MOST_FILE_BYTES) -> bytes:
        return _read_file(self._root / name, most_bytes)


class TableSource:
    """A table alone, with its photos beside it where it lies on this machine."""

    NAME = "people.csv"

    def __init__(self, content: bytes, folder: Path | None = None) -> None:
        self._content = content
        self._folder = folder

    def files(self) -> Sequence[str]:
        return (self.NAME,)

    def read(self, name: str, most_bytes: int = MOST_FILE_BYTES) -> bytes:
        if name == self.NAME:
            return self._content
        if self._folder is None:
            raise _missing()
        return _read_file(self._folder / name, most_bytes)


class ArchiveSource:
    """A ZIP, member by member and each bounded; nothing of it is ever written under a name that it chooses."""

    def __init__(self, file: BinaryIO) -> None:
        """Raises Invalid where it cannot be read, or claims more than is taken."""
        try:
            self._archive = zipfile.ZipFile(file)
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
            raise Invalid.field("file", "bad_archive", f"The archive cannot be read: {error}.") from None
        members = self._archive.infolist()
        if any(one.filename == "xl/workbook.xml" for one in members):
            raise Invalid.field("file", "a_workbook", "This is an Excel workbook. Save the table as “CSV UTF-8”.")
        if len(members) > MOST_FILES:
            raise Invalid.field("file", "too_many_files", f"There are more than {MOST_FILES} files in the archive.")
        if sum(one.file_size for one in members) > MOST_TOTAL_BYTES:
            raise Invalid.field("file", "too_much", "The archive unpacks to more than 20 GB.")
        self._members = {
            name: one for one in members if not one.is_dir() and (name := inside_of(one.filename)) and _shown(name)
        }
        self.outside = [one.filename for one in members if inside_of(one.filename) is None]

    def files(self) -> Sequence[str]:
        if self.outside:
            raise Invalid.field("file", "outside", f"{self.outside[0][:100]} leads out of the archive.")
        return tuple(self._members)

    def read(self, name: str, most_bytes: int = MOST_FILE_BYTES) -> bytes:
        member = self._members.get(name)
        if member is None:
            raise _missing()
        if member.flag_bits & 1:
            raise PhotoRefused("It is encrypted.", code="encrypted")
        if member.compress_type not in _METHODS:
            raise PhotoRefused("It is packed in an unusual way. Use the usual one (deflate).", code="unreadable")
        if member.file_size > most_bytes:
            raise _too_large(most_bytes)
        try:
            with self._archive.open(member) as packed:
                content = packed.read(most_bytes + 1)
        except (zipfile.BadZipFile, OSError, EOFError, ValueError, NotImplementedError, zlib.error):
            raise PhotoRefused("It is damaged in the archive.", code="unreadable") from None
        if len(content) > most_bytes:
            raise _too_large(most_bytes)
        return content


def upload_source(file: BinaryIO) -> Source:
    """What was sent: a ZIP or a table. Raises Invalid."""
    file.seek(0)
    start = file.read(4)
    file.seek(0)
    if start in _ZIP:
        return ArchiveSource(file)
    content = file.read(MOST_TABLE_BYTES + 1)
    if len(content) > MOST_TABLE_BYTES:
        raise Invalid.field("file", "too_large", f"A table may have {MOST_TABLE_BYTES // 1_000_000} MB at most.")
    if b"\0" in content[:4096] and content[:2] not in (b"\xff\xfe", b"\xfe\xff"):
        raise Invalid.field("file", "unknown_format", "This is neither a ZIP archive nor a CSV table.")
    return TableSource(content)


@contextmanager
def path_source(path: Path) -> Iterator[Source]:
    """A folder, a ZIP or a table of this machine. Raises Invalid."""
    if path.is_dir():
        yield FolderSource(path)
        return
    try:
        file = path.open("rb")
    except OSError as error:
        raise Invalid.field("path", "unreadable", f"{path}: {error.strerror or error}.") from None
    with file:
        source = upload_source(file)
        if isinstance(source, TableSource):
            source = TableSource(source.read(TableSource.NAME), path.parent)
        yield source


def _shown(name: str) -> bool:
    return not any(part.startswith(".") or part == "__MACOSX" for part in name.split("/"))


def _read_file(path: Path, most_bytes: int) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(most_bytes + 1)
    except FileNotFoundError:
        raise _missing() from None
    except OSError as error:
        raise PhotoRefused(f"It cannot be read: {error.strerror or error}.", code="unreadable") from None
    if len(content) > most_bytes:
        raise _too_large(most_bytes)
    return content


def _missing() -> PhotoRefused:
    return PhotoRefused("There is no such file.", code="file_not_found")


def _too_large(most_bytes: int) -> PhotoRefused:
    return PhotoRefused(f"It is larger than {most_bytes // 1_000_000} MB.", code="too_large")
