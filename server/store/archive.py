"""The file of a backup: a zip with a manifest, each table as lines of JSON, and the pictures as a tar in it.

Both ways take a piece at a time, however large it is. All of this blocks: call it in a thread.
"""

import hashlib
import io
import json
import os
import secrets
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO, Self

from pydantic import Field

from server.errors import Conflict, Invalid, NotFound
from server.wire import Time, Wire

FORMAT, VERSION = "rollcall-backup", 1
MANIFEST, PICTURES = "manifest.json", "objects.tar"
LONGEST_MANIFEST = 1_000_000
LONGEST_LINE = 64_000_000
_PIECE = 256 * 1024
_EMPTY_TAR_END = b"\0" * (2 * tarfile.BLOCKSIZE)


class Part(Wire):
    """A table: how many rows, and the SHA-256 of its lines. Or the pictures: how many, and that of the tar."""

    count: int = Field(ge=0)
    sha256: str = Field(pattern="^[0-9a-f]{64}$")


class Manifest(Wire):
    """What is in the archive."""

    format: str = FORMAT
    version: int = VERSION
    revision: str
    created_at: Time
    key_ids: tuple[str, ...] = ()  # of the secret keys that go with it, newest first; they tell nothing about them
    tables: dict[str, Part]
    objects: Part | None = None


def member_of(table: str) -> str:
    return f"tables/{table}.jsonl"


class _Hashed(io.RawIOBase):
    """Passes on what is read or written, and knows its SHA-256."""

    def __init__(self, inner: IO[bytes]) -> None:
        self._inner = inner
        self._hash = hashlib.sha256()

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # typeshed's name for it is private
        piece = self._inner.read(len(buffer))
        buffer[: len(piece)] = piece
        self._hash.update(piece)
        return len(piece)

    def add(self, content: bytes) -> None:
        self._hash.update(content)
        self._inner.write(content)


class Draft:
    """An archive that is being written. It gets its name when it is whole: until then no half of one is there."""

    def __init__(self, path: Path, at: datetime, *, replace: bool) -> None:
        self._path = path
        self._at = at
        self._replace = replace
        self._beside = path.with_name(f".{path.name}.{secrets.token_hex(8)}.part")
        self._open = ExitStack()

    def __enter__(self) -> Self:
        """Raises Conflict where there is such a file already, and NotFound where there is no such folder."""
        if self._path.is_dir() or (not self._replace and self._path.exists()):
            raise self._there_already()
        if not self._path.parent.is_dir():
            raise NotFound(f"There is no folder {self._path.parent}.", code="folder_not_found")
        descriptor = os.open(self._beside, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        self._file = self._open.enter_context(os.fdopen(descriptor, "w+b"))
        self._zip = self._open.enter_context(zipfile.ZipFile(self._file, "w", zipfile.ZIP_DEFLATED))
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._open.close()
        finally:
            self._beside.unlink(missing_ok=True)

    @contextmanager
    def member(self, name: str, *, compressed: bool = True) -> Iterator[_Hashed]:
        """To be added to; one at a time."""
        information = zipfile.ZipInfo(name, self._at.timetuple()[:6])
        information.compress_type = zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED
        information.external_attr = 0o600 << 16
        with self._zip.open(information, "w", force_zip64=True) as inner:
            yield _Hashed(inner)

    def picture(self, key: str, size: int) -> bytes:
        """What stands before the content of an object in the tar."""
        head = tarfile.TarInfo(key)
        head.size, head.mode, head.mtime = size, 0o600, int(self._at.timestamp())
        return head.tobuf(tarfile.PAX_FORMAT)

    def finish(self, manifest: Manifest) -> None:
        """Writes what is in it, makes sure that it is on the disk, and gives it its name."""
        with self.member(MANIFEST) as member:
            member.add(json.dumps(manifest.as_json(), indent=1).encode())
        self._zip.close()
        self._file.flush()
        os.fsync(self._file.fileno())
        if self._replace:
            self._beside.replace(self._path)
            return
        try:
            self._path.hardlink_to(self._beside)  # refuses one that came meanwhile
        except FileExistsError:
            raise self._there_already() from None
        except OSError:  # a file system without hard links
            self._beside.replace(self._path)

    def _there_already(self) -> Conflict:
        return Conflict(f"{self._path} is there already. --force replaces a file.", code="file_exists")


def after_picture(size: int) -> bytes:
    """What fills up the block of the tar after an object's content."""
    return b"\0" * (-size % tarfile.BLOCKSIZE)


def after_pictures() -> bytes:
    return _EMPTY_TAR_END


class Archive:
    """An archive to read. Raises NotFound where there is none, Invalid wherever it is not what its manifest says."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._open = ExitStack()

    def __enter__(self) -> Self:
        if not self._path.is_file():
            raise NotFound(f"There is no file {self._path}.", code="file_not_found")
        with ExitStack() as opened, self._told(opening=True):
            file = opened.enter_context(self._path.open("rb"))
            self._zip = opened.enter_context(zipfile.ZipFile(file))
            self.manifest = self._read_manifest()
            self._open = opened.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def check(self) -> None:
        """Reads all of it once."""
        for table in self.manifest.tables:
            for _ in self.lines(table):
                pass
        for _ in self.pictures():
            pass

    def lines(self, table: str) -> Iterator[bytes]:
        """The rows of a table. Complains after the last one, where it is not the right number of the right ones."""
        part, count = self.manifest.tables[table], 0
        with self._told(), self._zip.open(member_of(table)) as inner:
            hashed = _Hashed(inner)
            reader = io.BufferedReader(hashed, _PIECE)
            while line := reader.readline(LONGEST_LINE + 1):
                if len(line) > LONGEST_LINE:
                    raise self._damaged()
                count += 1
                yield line
            self._compare(part, count, hashed)

    def pictures(self) -> Iterator[tuple[str, bytes]]:
        """Each object's key and content; none where they were left out."""
        part, count = self.manifest.objects, 0
        if part is None:
            return
        with self._told(), self._zip.open(PICTURES) as inner:
            hashed = _Hashed(inner)
            reader = io.BufferedReader(hashed, _PIECE)
            with tarfile.open(fileobj=reader, mode="r|") as tar:
                while (head := tar.next()) is not None:
                    content = tar.extractfile(head) if head.isreg() else None
                    if content is None:
                        raise self._damaged()
                    count += 1
                    yield head.name, content.read()
                    tar.members.clear()  # type: ignore[attr-defined]  # it would remember them all
            while reader.read(_PIECE):
                pass
            self._compare(part, count, hashed)

    def _read_manifest(self) -> Manifest:
        if MANIFEST not in self._zip.namelist():
            raise self._not_ours()
        with self._zip.open(MANIFEST) as inner:
            told = json.loads(inner.read(LONGEST_MANIFEST))
        if not isinstance(told, dict) or told.get("format") != FORMAT:
            raise self._not_ours()
        if told.get("version") != VERSION:
            raise Invalid(f"{self._path} was made by a newer version of Rollcall.", code="newer_backup")
        manifest = Manifest.model_validate(told)
        members = [
            MANIFEST,
            *(member_of(table) for table in manifest.tables),
            *([PICTURES] if manifest.objects else []),
        ]
        if sorted(members) != sorted(self._zip.namelist()):
            raise self._damaged()
        return manifest

    def _compare(self, part: Part, count: int, hashed: _Hashed) -> None:
        if (part.count, part.sha256) != (count, hashed.sha256):
            raise self._damaged()

    @contextmanager
    def _told(self, *, opening: bool = False) -> Iterator[None]:
        """What the libraries say of a file that is not whole, in our words."""
        try:
            yield
        except (zipfile.BadZipFile, zlib.error, tarfile.TarError, EOFError, ValueError, LookupError, RuntimeError):
            raise (self._not_ours() if opening else self._damaged()) from None

    def _not_ours(self) -> Invalid:
        return Invalid(f"{self._path} is no backup of Rollcall, or not the whole of one.", code="not_a_backup")

    def _damaged(self) -> Invalid:
        return Invalid(f"{self._path} is damaged: it is not what its manifest says.", code="damaged_backup")
