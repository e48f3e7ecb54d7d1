"""Object storage: photos, snapshots and exports by key, behind one small Protocol."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath
from typing import Protocol

from server.errors import NotFound, TooLarge, Unavailable
from server.ids import new_id

LONGEST_KEY = 500
LONGEST_NAME = 200
# A whole object in memory is a picture; what may be larger is read in pieces.
LARGEST_WHOLE = 64_000_000
PIECE = 256 * 1024
PROBES = "probe"

_FIRST = r"[a-z0-9][a-z0-9_-]*"
_MORE = r"/[A-Za-z0-9][A-Za-z0-9._-]*"
_KEY = re.compile(rf"{_FIRST}({_MORE})+")
_PREFIX = re.compile(rf"{_FIRST}({_MORE})*")

# What a link may be answered with. Nothing that a browser runs, so no HTML and no SVG.
_TYPES = {
    ".jpg": "image/jpeg",
    ".png": "image/png",
    ".webp": "image/webp",
    ".mp4": "video/mp4",
    ".csv": "text/csv",
    ".json": "application/json",
    ".jsonl": "application/x-ndjson",
    ".pdf": "application/pdf",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".zip": "application/zip",
}
ANY_BYTES = "application/octet-stream"
CONTENT_TYPES = (*_TYPES.values(), ANY_BYTES)


@dataclass(frozen=True, slots=True)
class Stored:
    """An object that is there, or the wanted part of it: its size, and its content in pieces, to be read once."""

    size: int
    pieces: AsyncIterator[bytes]


class Objects(Protocol):
    """Keys look like `sightings/2026/01/05/<id>.jpg`; the ending says the type. Nothing is ever public.

    A storage that fails raises Unavailable `storage_unavailable`, whose message may be shown to anybody.
    """

    async def put(self, key: str, content: bytes) -> None:
        """Store or replace; what was stored is whole or not there."""

    async def get(self, key: str) -> bytes:
        """The whole content, of a picture. Raises NotFound `object_not_found`, or TooLarge beyond LARGEST_WHOLE."""

    async def open(self, key: str, part: range | None = None) -> Stored:
        """For content of any size, or a part of it that is there. Raises NotFound `object_not_found`."""

    async def size(self, key: str) -> int:
        """In bytes. Raises NotFound `object_not_found`."""

    async def delete(self, *keys: str) -> None:
        """Deleting what is not there is not an error."""

    def keys(self, prefix: str = "") -> AsyncIterator[str]:
        """Every key below a prefix of whole segments (`people/<id>`), in no promised order, loaded page by page."""

    async def remove_unfinished(self, before: datetime) -> int:
        """Removes what a killed process was writing before that time, which no key leads to; how many."""

    async def check(self) -> None:
        """Writes, reads and deletes a small object. Raises Unavailable with the reason."""


def check_key(key: str) -> str:
    """The key, if it cannot lead out of the storage; otherwise a NotFound like any missing object."""
    if not is_key(key):
        raise missing()
    return key


def check_prefix(prefix: str) -> str:
    """The same for a prefix; the empty one is everything."""
    if prefix and not _fits(prefix, _PREFIX):
        raise missing()
    return prefix


def is_key(text: str) -> bool:
    return _fits(text, _KEY)


def _fits(text: str, pattern: re.Pattern[str]) -> bool:
    if len(text) > LONGEST_KEY or ".." in text or not pattern.fullmatch(text):
        return False
    return all(len(name) <= LONGEST_NAME for name in text.split("/"))


def content_type_of(key: str) -> str:
    """By the key's ending, from a short list; anything else is bytes."""
    return _TYPES.get(PurePosixPath(key).suffix, ANY_BYTES)


def missing() -> NotFound:
    return NotFound("No such object.", code="object_not_found")


def too_large() -> TooLarge:
    return TooLarge(f"The object is larger than {LARGEST_WHOLE // 1_000_000} MB.", code="object_too_large")


def unavailable(reason: str) -> Unavailable:
    """`reason` follows "The object storage"; it must be fit for everybody's eyes."""
    return Unavailable(f"The object storage {reason}.", code="storage_unavailable")


async def probe(objects: Objects) -> None:
    """What `check` does, the same for every storage."""
    key, content = f"{PROBES}/{new_id()}", b"is it there?"
    await objects.put(key, content)
    try:
        read = await objects.get(key)
    except NotFound:
        read = b""
    finally:
        await objects.delete(key)
    if read != content:
        raise unavailable("does not give back what was stored")
