"""Who can be recognised right now: the gallery with the names, kept equal to the store."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing, suppress
from typing import Literal, TypeAlias

import numpy as np
import structlog
from numpy.typing import NDArray

from server.bus.channels import Bus
from server.identity.bars import Bar, RefusedViews, is_poor, raise_for
from server.identity.gallery import Gallery, Match, Thresholds
from server.identity.index import Index, usearch_is_there
from server.ids import new_id
from server.pipeline.sealed_faces import STORED, Opening, opened
from server.store import singles, templates
from server.store.engine import Store
from server.store.templates import MOST_IDS, KeptTemplate, Owned
from server.vision.packs import Pack

Floats = NDArray[np.float32]
Search: TypeAlias = Literal["exact", "auto", "approximate"]
Opened: TypeAlias = "tuple[list[tuple[str, str]], Floats]"  # (template id, person id), and the embeddings

CHANNEL = "gallery"
REFRESH_S = 5.0
EXACT_TO = 100_000  # templates; `auto` searches more than these by an index
_AT_ONCE = 2000
_ADDED_AT_ONCE = 1000  # on the event loop
_INDEXED_AT_ONCE = 2000


class Roster:
    """Gallery and names in memory. Changes are made on the event loop, so a reader sees a template whole or not at all.

    Another process may change the store. It says so on the bus, and because that may be lost, `run()` also looks every
    few seconds: `refresh()` notices by a cheap mark, and reads what is new and which templates are there.
    """

    def __init__(
        self, store: Store, pack: Pack, seals: Opening, bus: Bus, *, search: Search = "exact", exact_to: int = EXACT_TO
    ) -> None:
        """Raises Unavailable where an index is asked for and cannot be made."""
        if pack.dimension is None:
            raise ValueError(f"The pack {pack.name} has no dimension; it is not an embedder.")
        self._store = store
        self.pack = pack
        self.dimension = pack.dimension
        self.thresholds = Thresholds(pack.thresholds)
        self.gallery = Gallery(self.dimension)
        self.refused = RefusedViews()
        self._poor: set[str] = set()  # templates of a poor photo that are the only one of their person
        self._seals = seals
        self._bus = bus
        self._origin = new_id().encode()
        self._indexed_from: int | None = {"exact": None, "auto": exact_to, "approximate": 0}[search]
        if search == "approximate":
            Index(self.dimension)
        self._names: dict[str, str] = {}
        self._mark: object = None
        self._touched: set[str] = set()  # templates that were added or removed here while the store is being read
        self._loading = asyncio.Lock()
        self._heard = asyncio.Event()
        self._listeners: list[Callable[[], None]] = []

    @property
    def threshold(self) -> float:
        """The least similarity that counts at this gallery's size."""
        return self.thresholds.at(self.gallery.people)

    def bar(self, match: Match, face: Floats | None = None) -> Bar:
        """What this match has to reach; with the face itself, also in view of what the person is not."""
        many = len(self.gallery.templates_of(match.person_id))
        raised, why = raise_for(many, match.template_id in self._poor)
        refused = None if face is None else self.refused.nearest(match.person_id, face)
        return Bar(self.threshold, self.gallery.people, raised, why, refused)

    def name_of(self, person_id: str | None) -> str | None:
        return self._names.get(person_id) if person_id else None

    def on_change(self, listener: Callable[[], None]) -> None:
        """Called after the gallery has changed."""
        self._listeners.append(listener)

    def add(self, person_id: str, full_name: str, template_id: str, embedding: Floats, *, poor: bool = False) -> None:
        """One that was stored just now; `poor`: from a photo that only just passes."""
        if poor:
            self._poor.add(template_id)
        self._names[person_id] = full_name
        self.gallery.add(template_id, person_id, embedding)
        self._touch(template_id)
        self._changed()
        self._tell()

    def remove_template(self, template_id: str) -> None:
        self.gallery.remove_template(template_id)
        self._touch(template_id)
        self._changed()
        self._tell()

    async def changed(self) -> None:
        """People or templates were changed in the store by this process: here at once, and elsewhere as soon as may
        be."""
        self._tell()
        await self.refresh()

    async def refresh(self) -> bool:
        """Makes the gallery what the store says, if that has changed since the last time. True if it had."""
        async with self._loading:
            self._touched.clear()
            async with self._store.read() as session:
                mark = await templates.mark(session)
            if mark == self._mark:
                return False
            found = await self._owned()
            await self._apply(found)
            async with self._store.read() as session:
                measured = await singles.qualities(session, self.pack.name, self.pack.sha256)
            self._poor = {one for one, quality in measured.items() if is_poor(quality)}
            self._mark = mark
            self._changed()
        return True

    async def switch(self, pack: Pack, now: Callable[[], None]) -> None:
        """Over to another pack: its gallery is filled beside this one, and then they change places in one step, in
        which `now` is called too. Searches go on meanwhile."""
        other = Roster(self._store, pack, self._seals, self._bus, search="exact")
        await other.refresh()
        async with self._loading:
            now()
            self.pack, self.dimension, self.thresholds = pack, other.dimension, other.thresholds
            self.gallery, self._names, self._mark = other.gallery, other._names, None
        await self.refresh()  # what came in while the other one was read
        self._changed()

    async def run(self) -> None:
        """The owner's task: follows the store until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._listen())
            tasks.create_task(self._follow())
            if self._indexed_from is not None and self._can_index():
                tasks.create_task(self._keep_indexed(self._indexed_from))

    async def _listen(self) -> None:
        async with self._bus.subscribe(CHANNEL) as messages:
            async for _, origin in messages:
                if origin != self._origin:
                    self._heard.set()

    async def _follow(self) -> None:
        """Many messages at once are one look."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(REFRESH_S):
                    await self._heard.wait()
            self._heard.clear()
            await self.refresh()

    async def _keep_indexed(self, more_than: int) -> None:
        while True:
            index = self.gallery.index
            if len(self.gallery) > more_than and (index is None or index.is_worn):
                await self.index()
            await asyncio.sleep(REFRESH_S)

    async def index(self) -> None:
        """Makes an index of the gallery, on a thread; until it is whole, searches go on as before."""
        gallery, index = self.gallery, Index(self.dimension)
        while True:
            keys, vectors = gallery.indexed_next(index, _INDEXED_AT_ONCE)
            if len(keys) == 0:
                break
            await asyncio.to_thread(index.add, keys, vectors)
        gallery.attach(index)
        structlog.get_logger(__name__).info("gallery_indexed", templates=len(gallery))

    def _can_index(self) -> bool:
        if usearch_is_there():
            return True
        if len(self.gallery) > EXACT_TO:
            structlog.get_logger(__name__).warning("gallery_not_indexed", reason="usearch is not installed")
        return False

    async def _owned(self) -> dict[str, Owned]:
        """Every template that counts now."""
        found: dict[str, Owned] = {}
        async with (
            self._store.read() as session,
            aclosing(templates.owners(session, self.pack.name, self.pack.sha256, at_once=_AT_ONCE)) as batches,
        ):
            async for rows in batches:
                found.update((row.template_id, row) for row in rows)
        return found

    async def _apply(self, found: Mapping[str, Owned]) -> None:
        """What is gone goes first. What is new is read and opened in batches, on a thread."""
        for template_id in self.gallery.templates - found.keys() - self._touched:
            self.gallery.remove_template(template_id)
        here = {owner for one in self._touched if (owner := self.gallery.owner_of(one)) is not None}
        named = {row.person_id: row.full_name for row in found.values()}
        self._names = {person_id: self._names[person_id] for person_id in here} | named
        new = [row.template_id for row in found.values() if self.gallery.owner_of(row.template_id) != row.person_id]
        unreadable = 0
        async with aclosing(self._kept(new)) as batches:
            async for rows in batches:
                owned, embeddings = await asyncio.to_thread(self._opened, rows)
                unreadable += len(rows) - len(owned)
                await self._add(owned, embeddings)
        if unreadable:
            structlog.get_logger(__name__).error("templates_unreadable", count=unreadable)

    async def _kept(self, template_ids: Sequence[str]) -> AsyncGenerator[list[KeptTemplate]]:
        """Few by their ids; many by going through the table, which takes a fraction of the time."""
        if len(template_ids) <= _AT_ONCE:
            for first in range(0, len(template_ids), MOST_IDS):
                async with self._store.read() as session:
                    yield await templates.kept(session, template_ids[first : first + MOST_IDS])
            return
        wanted = set(template_ids)
        async with (
            self._store.read() as session,
            aclosing(templates.kept_of(session, self.pack.name, self.pack.sha256, at_once=_AT_ONCE)) as batches,
        ):
            async for rows in batches:
                yield [row for row in rows if row.template_id in wanted]

    async def _add(self, owned: Sequence[tuple[str, str]], embeddings: Floats) -> None:
        for first in range(0, len(owned), _ADDED_AT_ONCE):
            end = first + _ADDED_AT_ONCE
            wanted = [n for n, (template_id, _) in enumerate(owned[first:end]) if template_id not in self._touched]
            self.gallery.add_many([owned[first + n] for n in wanted], embeddings[first:end][wanted])
            await asyncio.sleep(0)

    def _opened(self, rows: Sequence[KeptTemplate]) -> Opened:
        """Those that are what they should be: unit vectors of the pack's length, sealed with a key that is here."""
        found = opened(self._seals, rows, self.dimension)
        embeddings = np.frombuffer(b"".join(plain for _, plain in found), STORED).reshape(-1, self.dimension)
        good = np.flatnonzero(np.abs(np.linalg.norm(embeddings, axis=1) - 1.0) <= 1e-3)
        return [(found[n][0].template_id, found[n][0].person_id) for n in good], embeddings[good].astype(np.float32)

    def _touch(self, template_id: str) -> None:
        if self._loading.locked():
            self._touched.add(template_id)

    def _tell(self) -> None:
        self._bus.publish(CHANNEL, self._origin)

    def _changed(self) -> None:
        for listener in self._listeners:
            listener()
