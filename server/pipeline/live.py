"""Live: what the viewers of one camera get: its own H.264, or one encode that all of them share."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Protocol

import av

from server.errors import Unavailable
from server.media.browsers import obstacle
from server.media.encoding import SharedEncoding
from server.media.frame import Frame
from server.media.mailbox import Closed, Mailbox
from server.media.packet import Packet
from server.media.packets import PacketQueue
from server.media.rate import slowest_third
from server.media.source import VideoFacts
from server.pipeline.zoning import Zoning
from server.supervise import Backoff, supervise

MOST_PICTURES = 32


class Video(Protocol):
    """A camera's stream, as far as its viewers need it."""

    @property
    def facts(self) -> VideoFacts | None: ...

    def frames(self) -> AbstractContextManager[Mailbox[Frame]]: ...

    def packets(self, limit: int = 256) -> AbstractContextManager[PacketQueue]: ...

    def refill(self, queue: PacketQueue) -> None: ...


class Packets(Protocol):
    """Something that gives packets to many."""

    def packets(self, limit: int = 256) -> AbstractContextManager[PacketQueue]: ...

    def refill(self, queue: PacketQueue) -> None: ...


class Drawing(Protocol):
    """How a frame is shown to those who do not get the camera's own packets. Both on a thread."""

    def draw(self, frame: Frame) -> av.VideoFrame: ...

    def hide(self, frame: Frame) -> av.VideoFrame: ...


class Live:
    """One a running camera. Encodes only while somebody watches who needs it, and then once for all of them."""

    def __init__(self, camera_id: str, video: Video, drawing: Drawing, zoning: Zoning) -> None:
        self._camera_id = camera_id
        self._video = video
        self._zoning = zoning
        self._transcoded = self._encoding("transcode", None)
        self._masked = self._encoding("mask", drawing.hide)
        self._annotated = self._encoding("annotate", drawing.draw)
        self._encodings = (self._transcoded, self._masked, self._annotated)
        self._feeds: set[Feed] = set()
        self._closed = False
        self._pictures = 0

    async def run(self) -> None:
        """Until cancelled; then nobody watches any more."""
        try:
            async with asyncio.TaskGroup() as tasks:
                for encoding in self._encodings:
                    tasks.create_task(supervise(f"encode {self._camera_id}", encoding.run, backoff=Backoff()))
        finally:
            self.close()

    def close(self) -> None:
        """The camera stops: whoever watches, or is just about to, is told that nothing more will come."""
        self._closed = True
        for feed in tuple(self._feeds):
            feed.close()

    @property
    def viewers(self) -> int:
        return len(self._feeds)

    def check_room_for_pictures(self) -> None:
        """Raises Unavailable: each reader of single pictures may want its own size, and each size is encoded."""
        if self._pictures >= MOST_PICTURES:
            raise Unavailable("Too many people watch at this moment. Try again later.", code="too_many_viewers")

    @contextmanager
    def pictures(self) -> Iterator[None]:
        """One more who reads single pictures, for as long as the block lasts."""
        self._pictures += 1
        try:
            yield
        finally:
            self._pictures -= 1

    @property
    def encodings(self) -> int:
        """How many encodes run at this moment: 0 while everybody gets the camera's own packets."""
        return sum(1 for encoding in self._encodings if encoding.viewers)

    @property
    def obstacle(self) -> str | None:
        """Why browsers cannot take the camera's own packets; None if they can, or if it is not known yet."""
        facts = self._video.facts
        return None if facts is None else obstacle(facts)

    @contextmanager
    def viewer(self, *, annotated: bool = False, unmasked: bool = False) -> "Iterator[Feed]":
        """A feed for one viewer, for as long as the block lasts; `unmasked`: who may see what the masks hide."""
        plain = self._plain_source if unmasked else self._masked_source
        feed = Feed(self._annotated_source if annotated else plain)
        if self._closed:
            feed.close()
        self._feeds.add(feed)
        try:
            yield feed
        finally:
            self._feeds.discard(feed)
            feed.close()

    def rezoned(self) -> None:
        """The zones have changed: what shows the old ones is not sent to anybody who comes."""
        for encoding in self._encodings:
            encoding.renew()

    def _encoding(self, name: str, draw: Callable[[Frame], av.VideoFrame] | None) -> SharedEncoding:
        encoding = SharedEncoding(
            self._video.frames, draw=draw, bit_rate=lambda: self._rate(encoding), name=f"{name} {self._camera_id}"
        )
        return encoding

    def _rate(self, encoding: SharedEncoding) -> int | None:
        return slowest_third(feed.bit_rate() for feed in self._feeds if feed.source is encoding)

    def _annotated_source(self) -> Packets:
        return self._annotated

    def _masked_source(self) -> Packets:
        return self._masked if self._zoning.now.has_masks else self._plain_source()

    def _plain_source(self) -> Packets:
        return self._transcoded if self.obstacle else self._video


class Feed:
    """What one viewer gets. Moves to another source by itself when the camera's format changes."""

    def __init__(self, choose: Callable[[], Packets]) -> None:
        self._choose = choose
        self.bit_rate: Callable[[], int | None] = lambda: None  # what the viewer can take, in bits a second
        self._leave = ExitStack()
        self._closed = False
        self._goes_on = False
        self._enter(choose())

    async def take(self) -> Packet:
        """The next packet; raises Closed when the camera has stopped. May be cancelled without losing anything."""
        while True:
            packet = await self._queue.take()
            if self._closed:
                raise Closed
            source = self._choose()
            if source is self._source:
                self._goes_on |= not packet.cached
                return packet
            # The camera has become something else: this packet is not for a browser (or need not be encoded any more).
            self._leave.close()
            self._enter(source)

    def request_keyframe(self) -> None:
        """The viewer cannot go on without one. Of a camera that shows nothing new the same is not sent again."""
        if not self._closed and self._goes_on:
            self._goes_on = False
            self._source.refill(self._queue)

    @property
    def source(self) -> Packets:
        """What it gets its packets from at this moment."""
        return self._source

    @property
    def dropped(self) -> int:
        return self._queue.dropped

    def close(self) -> None:
        """May be called twice."""
        if not self._closed:
            self._closed = True
            self._leave.close()

    def _enter(self, source: Packets) -> None:
        self._source = source
        self._queue = self._leave.enter_context(source.packets())
