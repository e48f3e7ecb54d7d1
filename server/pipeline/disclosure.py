"""All that is held on a person as one archive, with the faces of everybody else made unrecognisable."""

import asyncio
import io
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

import structlog

from server.errors import RollcallError
from server.identity.blurring import Blurring
from server.objects.objects import Objects
from server.store import held
from server.store.engine import Store
from server.store.tables import Photo, Sighting

README = """What Rollcall holds on this person, as of when this archive was made.

person.json      name, numbers, department
NAME.jsonl       a JSON object a line: consents, photos, templates, sightings, views that were refused, clips, entries
                 and their corrections, schedules, leave, locked days, erasures, audit (what was done to the record,
                 and by whom), events
pictures/        photos and their portraits, and the pictures of sightings; the faces of others are covered
not-included.txt what could not be read, if anything

Templates are numbers that were computed from the photos: the list says by which network and when. The numbers are
stored encrypted and are not part of this archive, nor are the films of clips, in which others are seen.
"""


class _Pieces(io.RawIOBase):
    """What has been written since the last time. It cannot be sought in, so an archive is written from front to end."""

    def __init__(self) -> None:
        self._held = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._held += data
        return len(data)

    def take(self) -> bytes:
        piece = bytes(self._held)
        self._held.clear()
        return piece


class Disclosure:
    """Makes the archives, one at a time: looking for faces takes a core, and the cameras need the rest."""

    def __init__(self, store: Store, objects: Objects, blurring: Blurring) -> None:
        self._store = store
        self._objects = objects
        self._blurring = blurring
        self._turn = asyncio.Lock()

    async def archive(self, person_id: str) -> AsyncGenerator[bytes]:
        """A ZIP in pieces. No more than one picture and some rows of it are in memory at any time."""
        async with self._turn:
            sink, missing = _Pieces(), list[str]()
            wanted = held.tables(person_id, await held.names(self._store, person_id))
            with ZipFile(sink, "w", ZIP_DEFLATED) as archive:
                archive.writestr("README.txt", README)
                archive.writestr("person.json", _lines([await held.person(self._store, person_id)]))
                for name, statement in wanted.items():
                    async with aclosing(self._table(archive, name, statement)) as batches:
                        async for _ in batches:
                            yield sink.take()
                for name in ("photos", "sightings"):
                    async with aclosing(held.rows(self._store, wanted[name])) as found:
                        async for rows in found:
                            for row in rows:
                                await self._pictures(archive, row, missing)
                                yield sink.take()
                if missing:
                    archive.writestr("not-included.txt", "\n".join(missing) + "\n")
            yield sink.take()

    async def _table(self, archive: ZipFile, name: str, statement: Any) -> AsyncGenerator[None]:
        with archive.open(f"{name}.jsonl", "w") as file:
            async with aclosing(held.rows(self._store, statement)) as found:
                async for rows in found:
                    file.write(await asyncio.to_thread(_lines, [held.told(row) for row in rows]))
                    yield

    async def _pictures(self, archive: ZipFile, row: Photo | Sighting, missing: list[str]) -> None:
        for name, key, box in _pictures_of(row):
            try:
                content = await self._objects.get(key)
            except (RollcallError, OSError) as error:
                structlog.get_logger(__name__).info("picture_not_disclosed", reason=type(error).__name__)
                missing.append(f"pictures/{name}: it could not be read")
                continue
            covered = await asyncio.to_thread(self._blurring.all_but, content, box)
            if covered is None:
                missing.append(f"pictures/{name}: it is no picture any more")
                continue
            with archive.open(_stored(f"pictures/{name}"), "w") as file:
                file.write(covered)


def _pictures_of(row: Photo | Sighting) -> list[tuple[str, str, list[float]]]:
    """Name, key, and where the person is on it; without a place, the largest face is theirs."""
    if isinstance(row, Photo):
        stem = f"photos/{row.id}"
        keys: tuple[str | None, str | None] = (row.object_key, row.portrait_key)
    else:
        stem, keys = f"sightings/{row.id}", (row.snapshot_key, row.face_key)
    whole, face = keys
    found = [(f"{stem}.jpg", whole, row.box), (f"{stem}-face.jpg", face, [])]
    return [(name, key, box) for name, key, box in found if key is not None]


def _stored(name: str) -> ZipInfo:
    info = ZipInfo(name)
    info.compress_type = ZIP_STORED  # a JPEG does not get smaller
    return info


def _lines(values: list[dict[str, Any]]) -> bytes:
    return "".join(f"{json.dumps(value, ensure_ascii=False)}\n" for value in values).encode()
