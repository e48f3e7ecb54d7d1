"""From one pack to the next while the server runs: the gallery is filled first, and then everything changes at once."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from server.bus.channels import Bus
from server.errors import PackRefused
from server.pipeline.roster import CHANNEL, Roster
from server.store import embedders
from server.store.embedders import Build
from server.store.engine import Store
from server.vision.embedder import FaceEmbedder
from server.vision.swapped import SwappedEmbedder

LOOK_S = 5.0

Open = Callable[[Build], FaceEmbedder]
Switched = Callable[[], Awaitable[None]]


class Switching:
    """One in a process: follows which build the site searches with."""

    def __init__(
        self, store: Store, bus: Bus, roster: Roster, embedder: SwappedEmbedder, open_build: Open, switched: Switched
    ) -> None:
        """`open_build` loads a build that is on this machine, on a thread; it raises PackRefused. `switched` is
        called after each change."""
        self._store = store
        self._bus = bus
        self._roster = roster
        self._embedder = embedder
        self._open = open_build
        self._switched = switched
        self._refused: Build | None = None

    async def run(self) -> None:
        """The owner's task: looks when it hears of the gallery, and every few seconds."""
        heard = asyncio.Event()

        async def listen() -> None:
            async with self._bus.subscribe(CHANNEL) as messages:
                async for _ in messages:
                    heard.set()

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(listen())
            while True:
                await self.look()
                heard.clear()
                try:
                    async with asyncio.timeout(LOOK_S):
                        await heard.wait()
                except TimeoutError:
                    continue

    async def look(self) -> bool:
        """Goes over to what the site uses, if that is another one; true if it was."""
        async with self._store.read() as session:
            wanted = await embedders.used(session)
        pack = self._embedder.pack
        if wanted is None or wanted == Build(pack.name, pack.sha256) or wanted == self._refused:
            return False
        log = structlog.get_logger(__name__)
        try:
            embedder = await asyncio.to_thread(self._open, wanted)
        except PackRefused as error:
            self._refused = wanted  # said once
            log.error("pack_not_switched", pack=wanted.pack, reason=error.message)
            return False
        await self._roster.switch(embedder.pack, lambda: self._embedder.swap(embedder))
        await self._switched()
        log.info("pack_switched", pack=wanted.pack, before=pack.name, templates=len(self._roster.gallery))
        return True


async def settled(store: Store, chosen: FaceEmbedder, open_build: Open) -> FaceEmbedder:
    """What to begin with: the chosen embedder or, as long as not every photo has a template of it, the one that the
    site has used so far. Where that is not to be had any more, the gallery grows while templates are made."""
    build = build_of(chosen)
    async with store.transaction() as session:
        said = await embedders.used(session)
        before = said or await embedders.most_made(session)
        if before is None or before == build or await embedders.count_lacking(session, build) == 0:
            if said != build:
                await embedders.use(session, build)
            return chosen
    try:
        opened = await asyncio.to_thread(open_build, before)
    except PackRefused as error:
        structlog.get_logger(__name__).warning("pack_gone", pack=before.pack, reason=error.message)
        opened = chosen
    if said != build_of(opened):
        async with store.transaction() as session:
            await embedders.use(session, build_of(opened))
    return opened


def build_of(embedder: FaceEmbedder) -> Build:
    """What its templates are marked with."""
    return Build(embedder.pack.name, embedder.pack.sha256)
