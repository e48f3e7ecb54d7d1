"""A photo becomes a template: examined on a thread, stored with its picture, matched from the next frame on."""

import asyncio
from dataclasses import asdict
from typing import Any

import numpy as np

from server.errors import NotFound
from server.identity.enrolment import Accepted, Enroller, resembles
from server.ids import new_id
from server.objects.objects import Objects
from server.pipeline.roster import Roster
from server.store.engine import Store
from server.store.tables import Person, Photo, Template
from server.wire import to_wire


class Enrolment:
    """The way of every photo, whether it comes by API, by page or by import."""

    def __init__(self, store: Store, objects: Objects, enroller: Enroller, roster: Roster) -> None:
        self._store = store
        self._objects = objects
        self._enroller = enroller
        self._roster = roster
        # One at a time: examining takes a core, and the cameras need the rest.
        self._turn = asyncio.Lock()

    async def add_photo(self, person_id: str, picture: bytes) -> Photo:
        """The stored photo. Raises PhotoRefused with the reason, or NotFound."""
        async with self._store.read() as session:
            if await session.get(Person, person_id) is None:
                raise NotFound.of("person")
        async with self._turn:
            accepted = await asyncio.to_thread(self._enroller.examine, picture)
        photo_id = new_id()
        stem = f"people/{person_id}/{photo_id}"
        photo = Photo(
            id=photo_id, person_id=person_id, object_key=f"{stem}.jpg", portrait_key=f"{stem}-face.jpg",
            width=accepted.width, height=accepted.height, box=[round(float(v), 4) for v in accepted.box],
            quality=_rounded(accepted), warnings=self._warnings(person_id, accepted),
        )  # fmt: skip
        template = Template(
            person_id=person_id, photo_id=photo_id, pack=self._roster.pack.name, pack_sha256=self._roster.pack.sha256,
            dimension=len(accepted.embedding), embedding=accepted.embedding.astype("<f4").tobytes(),
        )  # fmt: skip
        try:
            await self._objects.put(photo.object_key, accepted.photo)
            await self._objects.put(photo.portrait_key, accepted.portrait)
            person = await self._store_rows(photo, template)
        except BaseException:
            await self.forget_pictures(photo)
            raise
        if person.active:
            self._roster.add(person_id, person.full_name, template.id, accepted.embedding)
        return photo

    async def _store_rows(self, photo: Photo, template: Template) -> Person:
        async with self._store.transaction() as session:
            person = await session.get(Person, photo.person_id)
            if person is None:  # deleted while the photo was being examined
                raise NotFound.of("person")
            session.add(photo)
            await session.flush()
            session.add(template)
        return person

    async def remove_photo(self, photo: Photo) -> None:
        """The photo, its template and its pictures."""
        async with self._store.transaction() as session:
            row = await session.get(Photo, photo.id)
            if row is not None:
                await session.delete(row)
        await self._roster.refresh()
        await self.forget_pictures(photo)

    async def forget_pictures(self, photo: Photo) -> None:
        for key in (photo.object_key, photo.portrait_key):
            await self._objects.delete(key)

    def _warnings(self, person_id: str, accepted: Accepted) -> list[dict[str, Any]]:
        match = resembles(self._roster.gallery, accepted.embedding, person_id, self._roster.thresholds)
        if match is None:
            return []
        name = self._roster.name_of(match.person_id)
        return [
            {
                "code": "resembles_other_person",
                "message": f"This face is very like {name}. Check that it is not the same person enrolled twice.",
                "personId": match.person_id,
                "fullName": name,
                "similarity": round(float(match.similarity), 3),
            }
        ]


def _rounded(accepted: Accepted) -> dict[str, Any]:
    """Quality under the names of the wire, rounded to what means something."""
    return {to_wire(name): float(np.round(value, 2)) for name, value in asdict(accepted.quality).items()}
