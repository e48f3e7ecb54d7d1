"""A choice of another embedder while the server runs: it is noticed, and making its templates is asked for."""

import asyncio
from collections.abc import Callable
from typing import Protocol

import structlog

from server.errors import PackRefused
from server.jobs.jobs import Jobs
from server.jobs.rebuild_job import ask_for_rebuild
from server.store.embedders import Build
from server.store.engine import Store
from server.vision.embedder import FaceEmbedder

LOOK_S = 5.0


class Rebuilds(Protocol):
    """What makes templates: `pipeline.rebuild.Rebuilder`."""

    build: Build

    def over_to(self, embedder: FaceEmbedder) -> None: ...


class Choosing:
    """One in a server. What is searched with does not change here: `Switching` does it once all templates are there."""

    def __init__(
        self, store: Store, jobs: Jobs, rebuilds: Rebuilds, chosen: Callable[[], Build],
        open_build: Callable[[Build], FaceEmbedder], stamp: Callable[[str], object],
    ) -> None:  # fmt: skip
        """`chosen` tells what this machine has chosen, and `open_build` loads it; on a thread, either may raise
        PackRefused. `stamp` of a pack is another one where the choice may be: it is asked often, and reads nothing."""
        self._store = store
        self._jobs = jobs
        self._rebuilds = rebuilds
        self._chosen = chosen
        self._open = open_build
        self._stamp = stamp
        self._seen: object = None  # the stamp with which the choice was what is asked for
        self._asked = rebuilds.build  # what is in use at the start is asked for by whoever starts
        self._said = ""

    async def run(self) -> None:
        """The owner's task: looks every few seconds."""
        while True:
            await asyncio.sleep(LOOK_S)
            await self.look()

    async def look(self) -> bool:
        """Asks for the templates of what is chosen now, if that is something else; true if it did. While another
        rebuilding goes on, it waits for its end."""
        stamp = await asyncio.to_thread(self._stamp, self._asked.pack)
        if stamp == self._seen:
            return False
        self._seen = None
        try:
            wanted = await asyncio.to_thread(self._chosen)
            if wanted == self._asked:
                self._seen = stamp  # of before: what changes meanwhile is seen the next time
                return False
            if wanted != self._rebuilds.build:
                self._rebuilds.over_to(await asyncio.to_thread(self._open, wanted))
        except PackRefused as error:
            if self._said != error.message:  # once
                self._said = error.message
                structlog.get_logger(__name__).error("choice_not_followed", reason=error.message)
            return False
        if not await ask_for_rebuild(self._store, self._jobs, wanted):
            return False
        self._asked, self._said = wanted, ""
        structlog.get_logger(__name__).info("pack_chosen", pack=wanted.pack)
        return True
