"""Objects in a folder: written beside and renamed, so that a crash leaves no half a picture."""

import asyncio
import os
import re
import stat
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import datetime
from itertools import islice
from pathlib import Path

from server.ids import new_id
from server.objects import objects
from server.objects.objects import Stored, check_key, check_prefix, is_key

# No file of that name, or a folder, or a file where a folder would have to be.
_NOT_THERE = (FileNotFoundError, IsADirectoryError, NotADirectoryError)
_PAGE = 500
_PART = re.compile(r"\.[0-9a-f-]{36}\.part")


class FolderObjects:
    """The default storage."""

    def __init__(self, root: Path) -> None:
        self._root = root

    async def put(self, key: str, content: bytes) -> None:
        """Whoever is cancelled meanwhile finds it there already, or never."""
        path, last_step = self._path(key), _LastStep()
        with _told(creates=True):
            try:
                await asyncio.to_thread(_put, self._root, path, content, last_step)
            except asyncio.CancelledError:
                last_step.forbid()  # its thread goes on
                raise

    async def get(self, key: str) -> bytes:
        path = self._path(key)
        with _told():
            return await asyncio.to_thread(_get, path)

    async def open(self, key: str, part: range | None = None) -> Stored:
        size = await self.size(key)
        wanted = range(size) if part is None else part
        return Stored(len(wanted), _pieces(self._path(key), size, wanted))

    async def size(self, key: str) -> int:
        path = self._path(key)
        with _told():
            return await asyncio.to_thread(_size, path)

    async def delete(self, *keys: str) -> None:
        paths = [self._path(key) for key in keys]
        with _told():
            await asyncio.to_thread(_delete, paths)

    async def keys(self, prefix: str = "") -> AsyncIterator[str]:
        found = _walk(self._root, check_prefix(prefix))
        with _told():
            while page := await asyncio.to_thread(lambda: list(islice(found, _PAGE))):
                for key in page:
                    yield key

    async def remove_unfinished(self, before: datetime) -> int:
        """In all folders: half a picture is one of somebody all the same."""
        with _told():
            return await asyncio.to_thread(_remove_parts, self._root, before.timestamp())

    async def check(self) -> None:
        await objects.probe(self)

    def _path(self, key: str) -> Path:
        return self._root / check_key(key)


@contextmanager
def _told(*, creates: bool = False) -> Iterator[None]:
    """Errors of the file system as those of the storage; without its paths."""
    try:
        yield
    except OSError as error:
        if isinstance(error, _NOT_THERE) and not creates:
            raise objects.missing() from None
        reason = os.strerror(error.errno) if error.errno else type(error).__name__
        raise objects.unavailable(f"fails: {reason}") from None


class _LastStep:
    """The renaming of a file, unless nobody waits for it any more."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._forbidden = False

    def forbid(self) -> None:
        """From now on it does not happen. Waits no longer than for one renaming."""
        with self._lock:
            self._forbidden = True

    def take(self, beside: Path, path: Path) -> None:
        with self._lock:
            if self._forbidden:
                beside.unlink()
            else:
                beside.replace(path)


def _put(root: Path, path: Path, content: bytes, last_step: _LastStep) -> None:
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{new_id()}.part")  # as _PART says
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        last_step.take(beside, path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def _get(path: Path) -> bytes:
    with path.open("rb") as file:
        content = file.read(objects.LARGEST_WHOLE + 1)
    if len(content) > objects.LARGEST_WHOLE:
        raise objects.too_large()
    return content


def _size(path: Path) -> int:
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise IsADirectoryError
    return found.st_size


async def _pieces(path: Path, size: int, wanted: range) -> AsyncIterator[bytes]:
    with _told():
        file = await asyncio.to_thread(path.open, "rb")
        try:
            if os.fstat(file.fileno()).st_size != size:
                raise objects.unavailable("has another object there now")
            file.seek(wanted.start)
            left = len(wanted)
            while left and (piece := await asyncio.to_thread(file.read, min(objects.PIECE, left))):
                left -= len(piece)
                yield piece
        finally:
            file.close()


def _delete(paths: list[Path]) -> None:
    for path in paths:
        try:
            path.unlink(missing_ok=True)
        except _NOT_THERE:
            continue


def _remove_parts(root: Path, before_s: float) -> int:
    removed = 0
    for folder, _, names in os.walk(root):
        for path in (Path(folder) / name for name in names if _PART.fullmatch(name)):
            try:
                if path.stat().st_mtime < before_s:
                    path.unlink()
                    removed += 1
            except _NOT_THERE:  # whoever was writing it has come to its end
                continue
    return removed


def _walk(root: Path, prefix: str) -> Iterator[str]:
    for folder, _, names in os.walk(root / prefix):
        for name in names:
            key = (Path(folder) / name).relative_to(root).as_posix()
            if is_key(key):
                yield key
