"""Reading: the one thread of a camera, from opening its source to the failure or the stop that ends it."""

import asyncio
import contextlib
import threading
from collections.abc import Callable

import structlog

from server.clock import Clock
from server.errors import SourceFailed
from server.media.outlets import Outlets
from server.media.source import Source, SourceSpec, VideoFacts
from server.media.timeline import Timeline


class Reading:
    """Runs a Source on a thread of its own. `on_first` and the end are told on the event loop."""

    def __init__(
        self,
        spec: SourceSpec,
        *,
        clock: Clock,
        timeline: Timeline,
        outlets: Outlets,
        on_first: Callable[[VideoFacts], None],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = threading.Event()
        self._source = Source(spec, clock=clock, timeline=timeline, stop=self._stop)
        self._outlets = outlets
        self._on_first = on_first
        self._done = asyncio.Event()
        self._failed: SourceFailed | None = None
        self._thread = threading.Thread(target=self._run, name=f"camera-{spec.camera_id}", daemon=True)

    async def run(self) -> None:
        """Until the source fails (raises SourceFailed) or the caller is cancelled; the thread is gone afterwards.

        A cancelled call lasts as long as FFmpeg's current call does: its time-out at the most.
        """
        self._thread.start()
        try:
            await self._done.wait()
        finally:
            self._stop.set()
            await self._done.wait()
            self._thread.join()
        if self._failed is not None:
            raise self._failed

    def _run(self) -> None:
        try:
            self._read()
        except SourceFailed as error:
            self._failed = error
        except Exception as error:  # noqa: BLE001 - a thread must not die unseen; the message may hold the address
            structlog.get_logger(__name__).error("camera thread failed", error=type(error).__name__)
            self._failed = SourceFailed("The camera could not be read.", code="failed")
        finally:
            self._tell(self._done.set)

    def _read(self) -> None:
        try:
            facts = self._source.open()
            self._outlets.opened(facts)
            waiting = True
            for packet in self._source.packets():
                if waiting:
                    waiting = False
                    self._tell(lambda: self._on_first(facts))
                self._outlets.publish(packet)
        finally:
            self._outlets.closed()
            self._source.close()

    def _tell(self, callback: Callable[[], object]) -> None:
        # A loop that is closed has nobody left to tell.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(callback)
