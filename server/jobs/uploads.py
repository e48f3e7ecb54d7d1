"""What somebody sent for a job: kept in pieces, so that no machine holds all of it in memory, and gone with the job."""

import asyncio
import hashlib
from collections.abc import Mapping
from typing import BinaryIO

from server.ids import new_id
from server.objects.objects import Objects

FOLDER = "imports"
PIECE_BYTES = 8_000_000
UPLOAD, PIECES = "upload", "pieces"  # of a job's arguments


async def keep_upload(objects: Objects, file: BinaryIO) -> dict[str, object]:
    """Stores the whole file. What to submit with the job."""
    arguments: dict[str, object] = {UPLOAD: f"{FOLDER}/{new_id()}", PIECES: 0}
    await asyncio.to_thread(file.seek, 0)
    try:
        while piece := await asyncio.to_thread(file.read, PIECE_BYTES):
            number = len(keys_of(arguments))
            arguments[PIECES] = number + 1
            await objects.put(f"{arguments[UPLOAD]}/{number:04}.part", piece)
    except BaseException:
        await objects.delete(*keys_of(arguments))
        raise
    return arguments


def digest_of(file: BinaryIO) -> bytes:
    """What tells it from another file. Call it in a thread."""
    digest = hashlib.sha256()
    file.seek(0)
    while piece := file.read(PIECE_BYTES):
        digest.update(piece)
    return digest.digest()


async def fetch_upload(objects: Objects, arguments: Mapping[str, object], file: BinaryIO) -> None:
    """Writes it to a file of this machine. Raises NotFound."""
    for key in keys_of(arguments):
        await asyncio.to_thread(file.write, await objects.get(key))


def keys_of(arguments: Mapping[str, object]) -> list[str]:
    """The keys of a job's upload; none where it has none."""
    stem, count = arguments.get(UPLOAD), arguments.get(PIECES)
    if not isinstance(stem, str) or not isinstance(count, int):
        return []
    return [f"{stem}/{number:04}.part" for number in range(count)]
