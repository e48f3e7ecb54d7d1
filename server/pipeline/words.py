"""What an operator's word teaches: a view that is not this person, and one that is."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog
from sqlmodel.ext.asyncio.session import AsyncSession

from server.errors import NotFound, PhotoRefused, Unavailable
from server.identity.bars import MOST_REFUSED, ViewVerdict, judge_view, view_quality_refusal
from server.identity.looks import Look, Looker
from server.identity.sightings import Face
from server.identity.votes import worth
from server.ids import new_id
from server.objects.objects import Objects
from server.pipeline.enrol import Enrolment
from server.pipeline.roster import Roster
from server.pipeline.sealed_faces import Floats, Seals, faces, sealed
from server.pipeline.visitors import Visitors
from server.store import people, photos, refused
from server.store.engine import Store
from server.store.tables import Photo, RefusedView, Sighting
from server.store.templates import KeptTemplate

FOLLOW_S = 5.0
MOST_TRIED = 5  # pictures of a visitor that are tried, the best face first

Note = Callable[[AsyncSession, Photo], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class ViewKept:
    """Whether a confirmed view is a template now; otherwise `code` says why not, with the figures."""

    photo: Photo | None
    code: str | None = None
    similarity: float | None = None
    others: float | None = None


class Words:
    """Remembers refused pairs, and keeps confirmed views. Works on the pictures that the sightings have kept."""

    def __init__(
        self,
        store: Store,
        objects: Objects,
        looker: Looker,
        roster: Roster,
        enrolment: Enrolment,
        groups: Visitors,
        seals: Seals,
    ) -> None:
        self._store = store
        self._objects = objects
        self._looker = looker
        self._roster = roster
        self._enrolment = enrolment
        self._visitors = groups
        self._seals = seals
        self._mark: object = None
        # One at a time: looking takes a core, and the cameras need the rest.
        self._turn = asyncio.Lock()

    async def not_this(self, sighting: Sighting, person_id: str) -> bool:
        """The sighting was taken for this person and is not them: remembered, if there is a face to remember.

        Without a name it is an unknown from now on, and goes to its group as one.
        """
        look = await self._look(sighting)
        if look is None:
            return False
        pack, row_id = self._roster.pack, new_id()
        kept = sealed(self._seals, row_id, person_id, look.embedding)
        view = RefusedView(
            id=row_id, person_id=person_id, sighting_id=sighting.id, pack=pack.name, pack_sha256=pack.sha256,
            key_id=kept.key_id, embedding=kept.embedding,
        )  # fmt: skip
        async with self._store.transaction() as session:
            row = await session.get(Sighting, sighting.id)
            if row is None or await people.find(session, person_id) is None:
                return False
            await refused.add(session, view, MOST_REFUSED)
            if row.person_id is None and row.state == "closed":
                await self._visitors.keep(session, row, Face(look.embedding, worth(look.quality)))
        await self.refresh()
        return True

    async def keep_view(self, sighting: Sighting, person_id: str, note: Note) -> ViewKept:
        """The view becomes a further template of the person, behind a bar that is stricter than a photo's."""
        look = await self._look(sighting)
        if look is None:
            return ViewKept(None, "no_picture")
        async with self._store.read() as session:
            views = [one for one in await photos.of_person(session, person_id) if "sightingId" in one.quality]
        if any(one.quality["sightingId"] == sighting.id for one in views):
            return ViewKept(None, "kept_before")
        verdict = judge_view(
            self._roster.gallery, self._roster.thresholds, person_id, look.embedding,
            view_quality_refusal(look.quality), len(views),
        )  # fmt: skip
        if verdict.code is not None:
            return _refused(verdict, verdict.code)
        try:
            photo = await self._enrolment.add_photo(person_id, look.picture, note, measured={"sightingId": sighting.id})
        except PhotoRefused as error:
            return _refused(verdict, error.code)
        return ViewKept(photo, None, verdict.similarity, verdict.others)

    async def enrol(self, sightings: list[Sighting], person_id: str, note: Note) -> ViewKept:
        """The best of these faces becomes a photo of the person, if one passes an enrolment's bar."""
        code = "no_picture"
        for sighting in sightings[:MOST_TRIED]:
            look = await self._look(sighting)
            if look is None:
                continue
            try:
                return ViewKept(await self._enrolment.add_photo(person_id, look.picture, note))
            except PhotoRefused as error:
                code = error.code
        return ViewKept(None, code)

    async def refresh(self) -> None:
        """The refused views in memory become those of the store, if they have changed."""
        async with self._store.read() as session:
            mark = await refused.mark(session)
            if mark == self._mark:
                return
            rows = await refused.all_of(session, self._roster.pack.sha256)
        views: dict[str, list[Floats]] = defaultdict(list)
        kept = [KeptTemplate(row.id, row.person_id, row.key_id, row.embedding) for row in rows]
        for one, face in faces(self._seals, kept, self._roster.dimension):
            views[one.person_id].append(face)
        self._roster.refused.replace(views)
        self._mark = mark

    async def again(self) -> None:
        """Those of the pack that the roster has gone over to."""
        self._mark = None
        await self.refresh()

    async def run(self) -> None:
        """The owner's task: follows what other processes have been told, until cancelled."""
        while True:
            await self.refresh()
            await asyncio.sleep(FOLLOW_S)

    async def _look(self, sighting: Sighting) -> Look | None:
        for key, box in ((sighting.snapshot_key, sighting.box), (sighting.face_key, [])):
            if key is None:
                continue
            try:
                picture = await self._objects.get(key)
            except (NotFound, Unavailable, OSError) as error:
                structlog.get_logger(__name__).info("picture_not_read", reason=type(error).__name__)
                continue
            async with self._turn:
                look = await asyncio.to_thread(self._looker.look, picture, box)
            if look is not None:
                return look
        return None


def _refused(verdict: ViewVerdict, code: str) -> ViewKept:
    return ViewKept(None, code, verdict.similarity, verdict.others)
