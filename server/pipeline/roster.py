"""Who can be recognised right now: the gallery with the names, kept equal to the store."""

import asyncio
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from server.identity.gallery import Gallery, Thresholds
from server.store import people
from server.store.engine import Store
from server.vision.packs import Pack

Floats = NDArray[np.float32]


class Roster:
    """Gallery and names in memory. Everything runs on the event loop, so a reader sees a change whole or not at all.

    Another process (`rollcall people import`) may change the store: `refresh()` notices by a cheap mark and reloads.
    """

    def __init__(self, store: Store, pack: Pack) -> None:
        if pack.dimension is None:
            raise ValueError(f"The pack {pack.name} has no dimension; it is not an embedder.")
        self._store = store
        self.pack = pack
        self.dimension = pack.dimension
        self.thresholds = Thresholds(pack.thresholds)
        self.gallery = Gallery(self.dimension)
        self._names: dict[str, str] = {}
        self._mark: object = None
        self._version = 0
        self._loading = asyncio.Lock()
        self._listeners: list[Callable[[], None]] = []

    @property
    def threshold(self) -> float:
        """The least similarity that counts at this gallery's size."""
        return self.thresholds.at(self.gallery.people)

    def name_of(self, person_id: str | None) -> str | None:
        return self._names.get(person_id) if person_id else None

    def on_change(self, listener: Callable[[], None]) -> None:
        """Called after the gallery has changed."""
        self._listeners.append(listener)

    def add(self, person_id: str, full_name: str, template_id: str, embedding: Floats) -> None:
        self._names[person_id] = full_name
        self.gallery.add(template_id, person_id, embedding)
        self._changed()

    def remove_template(self, template_id: str) -> None:
        self.gallery.remove_template(template_id)
        self._changed()

    async def refresh(self) -> bool:
        """Loads everything again if the store has changed since the last time. True if it had."""
        async with self._loading:
            while True:
                version = self._version
                async with self._store.read() as session:
                    mark = await people.gallery_mark(session)
                    if mark == self._mark:
                        return False
                    rows = await people.gallery_rows(session, self.pack.name, pack_sha256=self.pack.sha256)
                if version == self._version:
                    break
                # Somebody was enrolled while the rows were being read, and may not be among them.
            self._load(rows, mark)
        return True

    def _load(self, rows: Sequence[people.GalleryRow], mark: object) -> None:
        gallery = Gallery(self.dimension)
        for row in rows:
            gallery.add(row.template_id, row.person_id, np.frombuffer(row.embedding, "<f4"))
        self.gallery, self._names, self._mark = gallery, {row.person_id: row.full_name for row in rows}, mark
        self._changed()

    def _changed(self) -> None:
        self._version += 1
        for listener in self._listeners:
            listener()
