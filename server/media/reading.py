"""Reading: the one thread of a camera, from opening its input to the failure or the stop that ends it."""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Protocol

import structlog

from server.errors import SourceFailed
from server.media.outlets import Outlets
from server.media.packet import Packet
from server.media.reasons import failure
from server.media.source import VideoFacts

# Time-outs inside FFmpeg have passed long before; only a device whose driver does not return takes longer.
_STUCK_AFTER_S = 20.0


class Input(Protocol):
    """What a thread can read: all of it blocks there; `stop` comes from the event loop and ends its waits."""

    def open(self) -> VideoFacts: ...

    def packets(self) -> Iterator[Packet]: ...

    def close(self) -> None: ...

    def stop(self) -> None: ...


class Reading:
    """Runs an input on a thread of its own. `on_first` and the end are told on the event loop."""

    def __init__(
        self,
        source: Input,
        *,
        camera_id: str,
        outlets: Outlets,
        on_first: Callable[[], None],
        silent_after_s: float | None = None,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._source = source
        self._camera_id = camera_id
        self._outlets = outlets
        self._on_first = on_first
        self._silent_after_s = silent_after_s
        self._arrivals = 0
        self._done = asyncio.Event()
        self._failed: SourceFailed | None = None
        self._thread = threading.Thread(target=self._run, name=f"camera-{camera_id}", daemon=True)

    async def run(self) -> None:
        """Until the input fails (raises SourceFailed) or the caller is cancelled; the thread is gone afterwards.

        A cancelled call lasts as long as FFmpeg's current call does: its time-out at the most. An input that has no
        time-out of its own is given up after `silent_after_s` without a packet; should its thread not end either, it
        is left behind, which is logged.
        """
        self._thread.start()
        try:
            await self._finished()
        finally:
            self._source.stop()
            await self._left()
        if self._failed is not None:
            raise self._failed

    async def _finished(self) -> None:
        while not self._done.is_set():
            seen = self._arrivals
            try:
                async with asyncio.timeout(self._silent_after_s):
                    await self._done.wait()
            except TimeoutError:
                if seen == self._arrivals:
                    raise failure("timed_out") from None

    async def _left(self) -> None:
        try:
            async with asyncio.timeout(None if self._silent_after_s is None else _STUCK_AFTER_S):
                await self._done.wait()
        except TimeoutError:
            structlog.get_logger(__name__).error("camera_thread_left_behind", camera=self._camera_id)
        else:
            self._thread.join()

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
            for packet in self._source.packets():
                if not self._arrivals:
                    self._tell(self._on_first)
                self._arrivals += 1
                self._outlets.publish(packet)
        finally:
            self._outlets.closed()
            self._source.close()

    def _tell(self, callback: Callable[[], object]) -> None:
        # A loop that is closed has nobody left to tell.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(callback)
