"""SharedEncoding: one encode of one camera for everybody who wants it; nobody watching means nothing encoded."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import av
import structlog

from server.clock import Clock, SystemClock
from server.media.encoder import Encoder
from server.media.frame import Frame
from server.media.mailbox import Closed, Mailbox
from server.media.packet import Packet
from server.media.packets import PacketQueue
from server.media.readers import PacketReaders

# Who joins gets the GOP where it is short, and a keyframe of its own where that is quicker.
_SHORT_GROUP = 12
_KEYFRAME_EVERY_S = 0.5
_LOG_EVERY_S = 10.0


class SharedEncoding:
    """Belongs to the task that awaits `run`; viewers may come before it runs. All of it on the event loop.

    The newest frame wins: one that arrives while the last is still encoded replaces the one that waited.
    """

    def __init__(
        self,
        frames: Callable[[], AbstractContextManager[Mailbox[Frame]]],
        *,
        draw: Callable[[Frame], av.VideoFrame] | None = None,
        bit_rate: Callable[[], int | None] = lambda: None,
        name: str = "",
        clock: Clock | None = None,
    ) -> None:
        """`bit_rate` is asked before each picture: what the viewers can take; None for as much as is good."""
        self._frames = frames
        self._draw = draw or Frame.to_yuv420p
        self._bit_rate = bit_rate
        self._name = name
        self._clock = clock or SystemClock()
        self._readers = PacketReaders()
        self._mailbox: Mailbox[Frame] | None = None
        self._wanted = asyncio.Event()
        self._closed = False
        self._keyframe_wanted = False
        self._keyframe_s = float("-inf")
        self._encoded_s = float("-inf")
        self._complained_s = float("-inf")
        self.encoded = 0
        self.failed = 0

    @property
    def viewers(self) -> int:
        """How many watch at this moment."""
        return len(self._readers)

    @property
    def dropped(self) -> int:
        """What viewers lost, those who have left included."""
        return self._readers.dropped

    @contextmanager
    def packets(self, limit: int = 256) -> Iterator[PacketQueue]:
        """A viewer for as long as the block lasts: first the encode's own GOP, marked as cached, then all that comes.

        Where that GOP is long, a keyframe is made instead, which is here sooner than the GOP is decoded.
        """
        running = self._clock.monotonic() - self._encoded_s < 2 * _KEYFRAME_EVERY_S
        instead = running and len(self._readers.group()) > _SHORT_GROUP
        with self._readers.joined(limit, with_group=not instead) as queue:
            self._keyframe_wanted |= instead
            if self._closed:
                queue.close()
            else:
                self._wanted.set()
            try:
                yield queue
            finally:
                # The one who leaves is still counted here.
                if len(self._readers) <= 1:
                    self._rest()

    def refill(self, queue: PacketQueue) -> None:
        """A viewer cannot go on without a keyframe: the next picture is one, at most two a second for all of them."""
        self._keyframe_wanted = True

    def renew(self) -> None:
        """Nothing that was drawn so far is for those who join, and those who watch go on with a keyframe."""
        self._readers.opened()
        self._keyframe_wanted = True
        self._keyframe_s = float("-inf")

    async def run(self) -> None:
        """Until cancelled. Takes no frames, so that none is decoded for it, while nobody watches."""
        while True:
            await self._wanted.wait()
            await self._encode_while_wanted()

    def close(self) -> None:
        """Nothing more will come: ends the wait of every viewer, of those who still come as well."""
        self._closed = True
        self._readers.close()
        self._rest()

    def _rest(self) -> None:
        self._wanted.clear()
        if self._mailbox is not None:
            self._mailbox.close()

    async def _encode_while_wanted(self) -> None:
        encoder = Encoder()
        with self._frames() as mailbox:
            self._mailbox = mailbox
            try:
                while self._wanted.is_set():
                    await self._encode(encoder, await mailbox.take())
            except Closed:
                pass
            finally:
                self._mailbox = None
                encoder.close()
                self._readers.opened()

    async def _encode(self, encoder: Encoder, frame: Frame) -> None:
        now_s = self._clock.monotonic()
        keyframe = self._keyframe_wanted and now_s - self._keyframe_s >= _KEYFRAME_EVERY_S
        encoder.limit = self._bit_rate()
        try:
            packets = await asyncio.to_thread(self._work, encoder, frame, keyframe)
        except Exception as error:  # noqa: BLE001 - one picture that cannot be drawn or encoded is one picture less
            self._complain(error)
            # Whatever state it is in now, the next picture begins with a new one.
            encoder.close()
            return
        for packet in packets:
            if packet.keyframe:
                self._keyframe_s = now_s
                self._keyframe_wanted = False
            self._encoded_s = self._clock.monotonic()
            self.encoded += 1
            self._readers.publish(packet)

    def _work(self, encoder: Encoder, frame: Frame, keyframe: bool) -> list[Packet]:
        return encoder.encode(self._draw(frame), frame, keyframe=keyframe)

    def _complain(self, error: Exception) -> None:
        self.failed += 1
        now_s = self._clock.monotonic()
        if now_s - self._complained_s >= _LOG_EVERY_S:
            self._complained_s = now_s
            log = structlog.get_logger(__name__)
            log.error("encode_failed", encoding=self._name, reason=type(error).__name__, failed=self.failed)
