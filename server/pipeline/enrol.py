"""A photo becomes a template: examined on a thread, stored with its picture, matched from the next frame on."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from sqlmodel.ext.asyncio.session import AsyncSession

from server.errors import NotFound
from server.identity.bars import is_poor
from server.identity.enrolment import Accepted, Enroller, Likeness
from server.identity.gallery import Match
from server.ids import new_id
from server.objects.objects import Objects
from server.pipeline.roster import Roster
from server.pipeline.verdict import doubts, numbers
from server.store import consents
from server.store.engine import Store
from server.store.tables import Person, Photo, Template
from server.store.templates import KeptTemplate
from server.store.writes import locked
from server.vision.packs import Pack

Note = Callable[[AsyncSession, Photo], Awaitable[None]]


class Seals(Protocol):
    """What seals templates."""

    def seal(self, template_id: str, person_id: str, embedding: bytes) -> KeptTemplate: ...


class Enrolment:
    """The way of every photo, whether it comes by API, by page or by import."""

    def __init__(
        self,
        store: Store,
        objects: Objects,
        enroller: Enroller,
        roster: Roster,
        seals: Seals,
        consent_first: Callable[[], bool] = lambda: False,
    ) -> None:
        self._store = store
        self._objects = objects
        self._enroller = enroller
        self._roster = roster
        self._seals = seals
        self._consent_first = consent_first
        # One at a time: examining takes a core, and the cameras need the rest.
        self._turn = asyncio.Lock()

    async def add_photo(
        self,
        person_id: str,
        picture: bytes,
        note: Note | None = None,
        *,
        photo_id: str | None = None,
        measured: Mapping[str, Any] | None = None,
    ) -> Photo:
        """The stored photo. Raises PhotoRefused with the reason, or NotFound. `note` is called in the transaction.

        `measured` is kept beside its quality, such as the sighting that it is a view of.
        """
        async with self._store.read() as session:
            if await session.get(Person, person_id) is None:
                raise NotFound.of("person")
            await consents.check(session, person_id, asked_first=self._consent_first())
        pack, accepted = await self._examine(picture)
        likeness = Likeness.of(self._roster.gallery, accepted.embedding, person_id)
        photo_id = photo_id or new_id()
        stem = f"people/{person_id}/{photo_id}"
        photo = Photo(
            id=photo_id, person_id=person_id, object_key=f"{stem}.jpg", portrait_key=f"{stem}-face.jpg",
            width=accepted.width, height=accepted.height, box=[round(float(v), 4) for v in accepted.box],
            quality={**numbers(accepted, likeness), **(measured or {})},
            warnings=[*self._warnings(likeness), *doubts(accepted, likeness, self._roster.threshold)],
        )  # fmt: skip
        kept = self._seals.seal(new_id(), person_id, accepted.embedding.astype("<f4").tobytes())
        template = Template(
            id=kept.template_id, person_id=person_id, photo_id=photo_id, pack=pack.name,
            pack_sha256=pack.sha256, dimension=len(accepted.embedding), key_id=kept.key_id,
            embedding=kept.embedding,
        )  # fmt: skip
        try:
            await self._objects.put(photo.object_key, accepted.photo)
            await self._objects.put(photo.portrait_key, accepted.portrait)
            person = await self._store_rows(photo, template, note)
        except BaseException:
            await self.forget_pictures(photo)
            raise
        if person.active and self._roster.pack is pack:
            self._roster.add(
                person_id, person.full_name, template.id, accepted.embedding, poor=is_poor(photo.quality)
            )  # fmt: skip
        return photo

    async def _examine(self, picture: bytes) -> tuple[Pack, Accepted]:
        """With the pack that it was examined by: one that gave way meanwhile does not count."""
        async with self._turn:
            while True:
                pack = self._roster.pack
                accepted = await asyncio.to_thread(self._enroller.examine, picture)
                if self._roster.pack is pack:
                    return pack, accepted

    async def look_up(self, picture: bytes, most: int) -> list[Match]:
        """Whose face it is: the most similar people, best first. Raises PhotoRefused with the reason."""
        return self._roster.gallery.search_top(await self.embedding_of(picture), most)

    async def embedding_of(self, picture: bytes) -> NDArray[np.float32]:
        """The face of a photo that is not kept. Raises PhotoRefused with the reason."""
        _, accepted = await self._examine(picture)
        return accepted.embedding

    async def _store_rows(self, photo: Photo, template: Template, note: Note | None) -> Person:
        async with self._store.transaction() as session:
            person = await session.get(Person, photo.person_id)
            if person is None:  # deleted while the photo was being examined
                raise NotFound.of("person")
            await consents.check(session, photo.person_id, asked_first=self._consent_first())
            session.add(photo)
            await session.flush()
            session.add(template)
            if note is not None:
                await note(session, photo)
        return person

    async def remove_photo(self, photo: Photo, note: Note | None = None) -> None:
        """The photo, its template and its pictures. `note` is called in the transaction, while the photo is there."""
        async with self._store.transaction() as session:
            row = await locked(session, Photo, photo.id)
            if row is not None:
                if note is not None:
                    await note(session, row)
                await session.delete(row)
        await self._roster.changed()
        await self.forget_pictures(photo)

    async def forget_pictures(self, photo: Photo) -> None:
        for key in (photo.object_key, photo.portrait_key):
            await self._objects.delete(key)

    def _warnings(self, likeness: Likeness) -> list[dict[str, Any]]:
        match = likeness.resembles(self._roster.threshold)
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
