"""Outlets: everybody who reads one camera; what the thread brings is given to each of them, bounded and counted."""

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace

from server.clock import Clock
from server.media.decoder import Decoder
from server.media.frame import Frame
from server.media.mailbox import Mailbox
from server.media.packet import Packet
from server.media.packets import PacketQueue
from server.media.readers import PacketReaders
from server.media.source import VideoFacts
from server.media.status import Meter

_PRIME_LIMIT = 250
# One step back may be the camera's clock that was set; frames out of order show themselves again and again.
_REORDERED = 2


class Outlets:
    """Readers come and go on the event loop; `publish` runs on the camera's thread, and decodes only if it must."""

    def __init__(self, camera_id: str, clock: Clock, meter: Meter) -> None:
        self._camera_id = camera_id
        self._clock = clock
        self._meter = meter
        self._lock = threading.Lock()
        self._mailboxes: list[Mailbox[Frame]] = []
        self._readers = PacketReaders()
        self._gone_dropped = 0
        self._facts: VideoFacts | None = None
        self._newest_pts: int | None = None
        self._backward = 0
        self._decoder: Decoder | None = None
        self._latest: Frame | None = None

    @contextmanager
    def frames(self) -> Iterator[Mailbox[Frame]]:
        """A reader of decoded frames, for as long as the block lasts."""
        mailbox: Mailbox[Frame] = Mailbox()
        with self._lock:
            if self._latest is not None:
                mailbox.put_threadsafe(self._latest)
            self._mailboxes.append(mailbox)
        try:
            yield mailbox
        finally:
            with self._lock:
                self._mailboxes.remove(mailbox)
                self._gone_dropped += mailbox.dropped
                if not self._mailboxes:
                    self._latest = None
            mailbox.close()

    def packets(self, limit: int) -> AbstractContextManager[PacketQueue]:
        """A reader of encoded packets, beginning with the current GOP."""
        return self._readers.joined(limit)

    def refill(self, queue: PacketQueue) -> bool:
        """Starts a reader again with the current GOP; false where none is held."""
        return self._readers.refill(queue)

    @property
    def holds_group(self) -> bool:
        """Whether who joins now has something to decode at once."""
        return bool(self._readers.group())

    @property
    def dropped(self) -> int:
        """What readers lost, those who have left included."""
        with self._lock:
            frames = sum(mailbox.dropped for mailbox in self._mailboxes)
            return self._gone_dropped + frames + self._readers.dropped

    @property
    def latest(self) -> Frame | None:
        """The newest decoded frame, if somebody has frames decoded."""
        return self._latest

    @property
    def corrupt(self) -> int:
        """Pictures that could not be decoded as they were meant, since the decoder was opened."""
        decoder = self._decoder
        return decoder.corrupt if decoder else 0

    @property
    def facts(self) -> VideoFacts | None:
        """What is known of the input: of the last one, where none is open."""
        return self._facts

    def opened(self, facts: VideoFacts) -> None:
        """On the camera's thread: a new input, so nothing of the last one can be decoded any more."""
        self._readers.opened()
        self._newest_pts, self._backward = None, 0
        self._facts = facts
        self._decoder = None

    def changed(self, facts: VideoFacts) -> None:
        """On the camera's thread, before a keyframe: the same input, with another picture from here on."""
        self._facts = facts

    def closed(self) -> None:
        """On the camera's thread: the decoder is let go. The last frame stays until somebody stops reading."""
        self._decoder = None

    def publish(self, packet: Packet) -> None:
        """On the camera's thread: hand one packet to everybody."""
        self._meter.arrived(packet.captured_monotonic, packet.size)
        self._notice_order(packet)
        self._readers.publish(packet)
        with self._lock:
            wanted = bool(self._mailboxes)
        if not wanted:
            self._decoder = None
            return
        frames = self._decode(packet)
        if not frames:
            return
        for frame in frames:
            self._meter.decoded(self._clock.monotonic() - frame.captured_monotonic)
        self._notice_size(frames[-1])
        with self._lock:
            if not self._mailboxes:
                return
            self._latest = frames[-1]
            for mailbox in self._mailboxes:
                for frame in frames:
                    mailbox.put_threadsafe(frame)

    def _notice_order(self, packet: Packet) -> None:
        if self._newest_pts is None or packet.pts > self._newest_pts:
            self._newest_pts = packet.pts
            return
        self._backward += 1
        if self._backward >= _REORDERED and self._facts is not None and not self._facts.has_b_frames:
            self._facts = replace(self._facts, has_b_frames=True)

    def _notice_size(self, frame: Frame) -> None:
        """A camera that is set to another size in the middle goes on sending; nothing but the picture tells of it."""
        facts = self._facts
        if facts is not None and (facts.width, facts.height) != (frame.width, frame.height):
            self._facts = replace(facts, width=frame.width, height=frame.height)

    def _decode(self, packet: Packet) -> list[Frame]:
        if self._decoder is not None:
            return self._decoder.decode(packet)
        if self._facts is None:
            return []
        self._decoder = Decoder.of(self._camera_id, self._facts)
        # Somebody has just come: decode from the last keyframe, so that there is a picture now and not in a GOP's time.
        # A very long GOP is not caught up with; the packet that fills the reader is then the next keyframe.
        group = self._readers.group()
        if len(group) > _PRIME_LIMIT:
            return self._decoder.decode(packet)
        frames: list[Frame] = []
        for earlier in group:
            frames = self._decoder.decode(earlier) or frames
        return frames[-1:]
