"""Templates made anew from the stored photos, for a pack that nobody searches with yet."""

import asyncio
from collections.abc import Awaitable, Callable
from copy import copy
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from sqlalchemy.exc import IntegrityError
from sqlmodel.ext.asyncio.session import AsyncSession

from server.bus.channels import Bus
from server.errors import NotFound, PhotoRefused
from server.identity.enrolment import Enroller
from server.ids import new_id
from server.objects.objects import Objects
from server.pipeline.roster import CHANNEL
from server.store import embedders
from server.store.embedders import Build
from server.store.engine import Store
from server.store.tables import Photo, Template
from server.store.templates import KeptTemplate
from server.store.writes import is_unique_violation
from server.vision.detections import Floats
from server.vision.embedder import FaceEmbedder

Tell = Callable[[int, int], Awaitable[None]]
AT_ONCE = 50


class Seals(Protocol):
    """What seals templates."""

    def seal(self, template_id: str, person_id: str, embedding: bytes) -> KeptTemplate: ...


@dataclass(slots=True)
class Rebuilt:
    """What came of it: how many templates were made, and of which photos none could be (person, photo, why)."""

    made: int = 0
    failed: list[tuple[str, str, str]] = field(default_factory=list)


class Rebuilder:
    """Goes through the photos that lack a template of its build; begun again, it goes on with those that are left."""

    def __init__(
        self, store: Store, objects: Objects, enroller: Enroller, build: Build, seals: Seals, bus: Bus
    ) -> None:
        """`enroller` embeds with the network of that build."""
        self._store = store
        self._objects = objects
        self._enroller = enroller
        self._seals = seals
        self._bus = bus
        self.build = build

    async def ready(self) -> "Rebuilder":
        """As it is now: a job goes on with the build that it began with."""
        return copy(self)

    def over_to(self, embedder: FaceEmbedder) -> None:
        """Another build from now on."""
        self._enroller = self._enroller.with_embedder(embedder)
        self.build = Build(embedder.pack.name, embedder.pack.sha256)

    def announce(self) -> None:
        """Every process is told to look which build is used now; one that does not hear it looks by itself."""
        self._bus.publish(CHANNEL, self.build.sha256.encode())

    async def run(self, tell: Tell, done: Rebuilt | None = None) -> Rebuilt:
        """May be cancelled: the given `done` says what was. Photos that come in meanwhile are done too. It is told how
        many of all photos are through, for what was made before it was begun again counts as well."""
        done, after = Rebuilt() if done is None else done, ""
        async with self._store.read() as session:
            total = await embedders.count_photos(session)
            before = total - await embedders.count_lacking(session, self.build)
        while True:
            async with self._store.read() as session:
                photos = await embedders.lacking(session, self.build, after=after, limit=AT_ONCE)
            if not photos:
                return done
            for photo in photos:
                await self._one(photo, done)
                count = before + done.made + len(done.failed)
                await tell(count, max(total, count))
            after = photos[-1].id

    async def _one(self, photo: Photo, done: Rebuilt) -> None:
        try:
            picture = await self._objects.get(photo.object_key)
            embedding = await asyncio.to_thread(self._enroller.again, picture, photo.box)
        except (PhotoRefused, NotFound) as error:
            done.failed.append((photo.person_id, photo.id, error.code))
            return
        try:
            async with self._store.transaction() as session:
                done.made += await self._keep(session, photo.id, embedding)
        except IntegrityError as error:  # another worker has made it at the same moment
            if not is_unique_violation(error):
                raise

    async def _keep(self, session: AsyncSession, photo_id: str, embedding: Floats) -> bool:
        """False where the photo is gone, or somebody was quicker. Whose it is may have changed by a merge."""
        photo = await session.get(Photo, photo_id)
        if photo is None or await embedders.has(session, photo_id, self.build):
            return False
        kept = self._seals.seal(new_id(), photo.person_id, np.asarray(embedding, "<f4").tobytes())
        session.add(
            Template(
                id=kept.template_id, person_id=photo.person_id, photo_id=photo_id, pack=self.build.pack,
                pack_sha256=self.build.sha256, dimension=len(embedding), key_id=kept.key_id, embedding=kept.embedding,
            )
        )  # fmt: skip
        await session.flush()
        return True
