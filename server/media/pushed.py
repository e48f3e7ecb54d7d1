"""PushedStream: a camera that a publisher feeds; to its readers it is a camera like any other."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import structlog

from server.clock import Clock
from server.errors import Conflict, SourceFailed, Unavailable
from server.media.camera_stream import CameraStream
from server.media.frame import Frame
from server.media.mailbox import Mailbox
from server.media.packets import PacketQueue
from server.media.publication import Publication
from server.media.pushed_source import PushedSource
from server.media.reading import Reading
from server.media.reasons import reason_of
from server.media.status import CameraState, StreamStatus
from server.media.units import PushedCodec
from server.supervise import Backoff


class PushedStream(CameraStream):
    """One publisher at a time. Belongs to the task that awaits `run`; its thread lives while somebody publishes."""

    def __init__(
        self,
        camera_id: str,
        *,
        clock: Clock,
        on_status: Callable[[StreamStatus], None] | None = None,
        stall_after_s: float = 10.0,
    ) -> None:
        super().__init__(camera_id, clock=clock, on_status=on_status)
        self._stall_after_s = stall_after_s
        self._publication: Publication | None = None
        self._arrived = asyncio.Event()
        self._gone_dropped = 0

    @contextmanager
    def publisher(self, codec: PushedCodec, want_keyframe: Callable[[], None]) -> Iterator[Publication]:
        """Publishes for as long as the block lasts. Raises Conflict while somebody else does, Unavailable when off.

        `want_keyframe` is called on the event loop, once a second at most: when a reader needs a keyframe, after a
        loss, and when the last one is four seconds old.
        """
        if self._state.state is CameraState.disabled:
            raise Unavailable("The camera is not running.", code="camera_offline")
        if self._publication is not None:
            raise Conflict("Somebody publishes to this camera already.", code="already_publishing")
        publication = self._publication = Publication(codec, want_keyframe, self._clock)
        self._arrived.set()
        try:
            yield publication
        finally:
            publication.close()
            self._gone_dropped += publication.dropped
            self._publication = None

    def packets(self, limit: int = 256) -> AbstractContextManager[PacketQueue]:
        self._ask_if_empty()
        return super().packets(limit)

    def frames(self) -> AbstractContextManager[Mailbox[Frame]]:
        self._ask_if_empty()
        return super().frames()

    def refill(self, queue: PacketQueue) -> None:
        """As of any camera; and what the reader cannot decode may be the publisher's loss, so that one is asked too."""
        super().refill(queue)
        if self._publication is not None:
            self._publication.ask()

    async def run(self) -> None:
        """Until cancelled; afterwards nobody publishes any more and the status is `disabled`, untold."""
        self._set(CameraState.offline, "no_publisher")
        try:
            while True:
                await self._arrived.wait()
                self._arrived.clear()
                if self._publication is not None:
                    await self._serve(self._publication)
                    self._set(CameraState.offline, "no_publisher")
        finally:
            if self._publication is not None:
                self._publication.close()
            self._disabled()

    async def _serve(self, publication: Publication) -> None:
        """Reads it to its end, again from the next keyframe on after whatever goes wrong meanwhile."""
        backoff = Backoff(first_s=0.1, cap_s=2.0)
        while not publication.closed:
            try:
                await self._read(publication)
            except SourceFailed as error:
                code = reason_of(error)
                if publication.closed:
                    return
                if code == "timed_out":
                    self._set(CameraState.stalled, "stalled")
                    continue
                self._set(CameraState.offline, code)
                structlog.get_logger(__name__).warning("publication_unreadable", camera=self.camera_id, reason=code)
                await asyncio.sleep(backoff.next())

    async def _read(self, publication: Publication) -> None:
        self._meter.reset()
        loop = asyncio.get_running_loop()

        def ask() -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody publishes any more
                loop.call_soon_threadsafe(publication.ask)

        source = PushedSource(
            self.camera_id,
            publication,
            timeline=self._timeline,
            outlets=self._outlets,
            ask=ask,
            silent_after_s=self._stall_after_s,
        )
        await Reading(
            source, camera_id=self.camera_id, outlets=self._outlets, on_first=lambda: self._online(publication)
        ).run()

    def _online(self, publication: Publication) -> None:
        if not publication.closed:
            self._set(CameraState.online, None)

    def _ask_if_empty(self) -> None:
        if self._publication is not None and not self._outlets.holds_group:
            self._publication.ask()

    @property
    def _dropped(self) -> int:
        publishing = self._publication.dropped if self._publication else 0
        return super()._dropped + self._gone_dropped + publishing
