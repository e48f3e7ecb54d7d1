"""Visitors: each unknown sighting that has closed goes to the group of its face, in the transaction that closes it."""

import asyncio

import structlog
from sqlmodel.ext.asyncio.session import AsyncSession

from server.errors import Conflict, Invalid
from server.identity.gallery import Thresholds
from server.identity.sightings import Face
from server.identity.visitors import MOST_GROUPS, GroupingRules, Groups, mean_with
from server.ids import new_id
from server.pipeline.sealed_faces import Floats, Seals, faces, sealed
from server.store import visitors
from server.store.engine import Store
from server.store.sealed import VISITOR, of_sighting
from server.store.tables import Sighting, SightingFace, Visitor
from server.store.templates import KeptTemplate
from server.store.writes import touch
from server.vision.packs import Pack


class Visitors:
    """The groups in memory are a search index, the rows are the truth: what another process has merged or named is
    found out when it is about to be used."""

    def __init__(self, store: Store, pack: Pack, seals: Seals, *, most: int = MOST_GROUPS) -> None:
        self._store = store
        self._pack = pack
        self._seals = seals
        self._most = most
        self._groups = Groups(GroupingRules(Thresholds(pack.thresholds)), most)
        self._mark: object = None

    def switch(self, pack: Pack) -> None:
        """Over to another pack, whose groups are loaded when they are needed."""
        self._pack = pack
        self._groups = Groups(GroupingRules(Thresholds(pack.thresholds)), self._most)
        self._mark = None

    async def keep(self, session: AsyncSession, row: Sighting, face: Face) -> str | None:
        """The sighting's group, within the caller's transaction; None where the face is not of this pack."""
        if face.embedding.shape != (self._pack.dimension,):
            return None
        if (kept := await visitors.face_of(session, row.id)) is not None:  # written again after a cut
            return kept.visitor_id
        if self._mark is None:
            await self._load(session)
        group = await self._group_of(session, row, face.embedding)
        face_id = new_id()
        kept_as = sealed(self._seals, face_id, of_sighting(row.id), face.embedding)
        session.add(
            SightingFace(
                id=face_id, sighting_id=row.id, visitor_id=group.id, quality=face.quality, key_id=kept_as.key_id,
                embedding=kept_as.embedding,
            )
        )  # fmt: skip
        await session.flush()
        # A lone face between two groups proves nothing; a mean of several does.
        twin = self._groups.twin(group.id) if group.faces > 1 else None
        if twin is not None:
            await self._join(session, twin, group.id)
            return twin
        return group.id

    async def found(self, face: Floats) -> list[tuple[str, float]]:
        """The groups that a face may be of, with their similarity, best first."""
        async with self._store.read() as session:
            if await visitors.mark(session) != self._mark:
                await self._load(session)
        return self._groups.found(face)

    async def merge(self, session: AsyncSession, visitor_id: str, other_id: str) -> None:
        """Two groups that are one: this one gets the other's sightings. Raises NotFound, or Conflict between packs."""
        if visitor_id == other_id:
            raise Invalid.field("otherId", "the_same", "This is the same group. Name another one.")
        await self._join(session, visitor_id, other_id, missing_is_wrong=True)

    async def _load(self, session: AsyncSession) -> None:
        mark = await visitors.mark(session)
        rows = await visitors.means(session, self._pack.sha256, self._most)
        found = await asyncio.to_thread(faces, self._seals, rows, self._pack.dimension)
        self._groups.replace({row.template_id: face for row, face in found})
        self._mark = mark
        if len(found) < len(rows):
            structlog.get_logger(__name__).error("visitors_unreadable", count=len(rows) - len(found))

    async def _group_of(self, session: AsyncSession, row: Sighting, face: Floats) -> Visitor:
        """The group that it belongs to, with the face added to its mean, or a new one."""
        while (found := self._groups.of(face)) is not None:
            group = await session.get(Visitor, found, with_for_update={"key_share": True}, populate_existing=True)
            mean = self._mean(group) if group is not None else None
            if group is None or mean is None:  # named, merged or forgotten meanwhile
                self._groups.drop(found)
                continue
            self._set(group, mean_with(mean, group.faces, face), group.faces + 1)
            group.last_seen_at = max(group.last_seen_at, row.last_seen_at)
            session.add(group)
            return group
        group = Visitor(
            id=new_id(), pack=self._pack.name, pack_sha256=self._pack.sha256, last_seen_at=row.last_seen_at,
            embedding=b"",
        )  # fmt: skip
        self._set(group, face, 1)
        session.add(group)
        await session.flush()
        return group

    async def _join(
        self, session: AsyncSession, visitor_id: str, other_id: str, *, missing_is_wrong: bool = False
    ) -> None:
        rows = {}
        for key in sorted((visitor_id, other_id)):  # in one order, so that two of them wait for each other
            if missing_is_wrong:
                rows[key] = await visitors.lock(session, key)
            elif (row := await session.get(Visitor, key, with_for_update={"key_share": True})) is not None:
                rows[key] = row
        if len(rows) < 2:
            self._groups.drop(visitor_id if visitor_id not in rows else other_id)
            return
        group, other = rows[visitor_id], rows[other_id]
        means = self._mean(group), self._mean(other)
        if group.pack_sha256 != other.pack_sha256:
            raise Conflict("The two were seen by different models. Name each of them.", code="other_pack")
        if means[0] is not None and means[1] is not None:
            self._set(group, mean_with(means[0], group.faces, means[1], other.faces), group.faces + other.faces)
        group.last_seen_at = max(group.last_seen_at, other.last_seen_at)
        touch(group)
        session.add(group)
        await session.flush()
        session.expunge(other)
        await visitors.move(session, other_id, visitor_id)
        self._groups.drop(other_id)

    def _set(self, group: Visitor, mean: Floats, of: int) -> None:
        kept_as = sealed(self._seals, group.id, VISITOR, mean)
        group.key_id, group.embedding, group.faces = kept_as.key_id, kept_as.embedding, of
        if group.pack_sha256 == self._pack.sha256:
            self._groups.put(group.id, mean)

    def _mean(self, group: Visitor) -> Floats | None:
        found = faces(self._seals, [KeptTemplate(group.id, VISITOR, group.key_id, group.embedding)], None)
        return found[0][1] if found else None
