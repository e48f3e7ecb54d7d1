"""PushedSource: a publication read on the camera's thread: packets on its time line, from a keyframe on."""

from collections.abc import Callable, Iterator
from threading import Event
from typing import cast

import av

from server.errors import SourceFailed
from server.media.decoder import Decoder
from server.media.outlets import Outlets
from server.media.packet import TIME_BASE, Packet
from server.media.publication import Publication, Pushed
from server.media.reasons import failure
from server.media.source import VideoFacts
from server.media.timeline import Timeline
from server.media.units import headers

_WRAP = 1 << 32


class PushedSource:
    """What a Reading reads. All of it belongs on the camera's thread, but for `stop`."""

    def __init__(
        self,
        camera_id: str,
        publication: Publication,
        *,
        timeline: Timeline,
        outlets: Outlets,
        ask: Callable[[], None],
        silent_after_s: float,
    ) -> None:
        self._camera_id = camera_id
        self._publication = publication
        self._timeline = timeline
        self._outlets = outlets
        self._ask = ask
        self._silent_after_s = silent_after_s
        self._stop = Event()
        self._headers = b""
        self._facts: VideoFacts | None = None
        self._first: Packet | None = None
        self._rtp = 0
        self._corrupt = 0

    def open(self) -> VideoFacts:
        """Waits for the first keyframe that can be decoded. Raises SourceFailed: `timed_out`, `ended`."""
        self._timeline.reopened()
        self._publication.restart()
        while True:
            packet = self._placed(self._next())
            if packet is not None and self._facts is not None:
                self._first = packet
                return self._facts

    def packets(self) -> Iterator[Packet]:
        """Packets until stopped. Raises SourceFailed when nothing comes any more."""
        packet = self._first
        while True:
            if packet is not None:
                yield packet
                self._mind_damage()
            packet = self._placed(self._next())

    def stop(self) -> None:
        """From any thread: ends the wait for the next picture."""
        self._stop.set()
        self._publication.wake()

    def close(self) -> None:
        """Nothing is held open."""

    def _next(self) -> Pushed:
        pushed = self._publication.take(self._silent_after_s, self._stop)
        if pushed is None:
            over = self._stop.is_set() or self._publication.closed
            raise failure("ended" if over else "timed_out")
        return pushed

    def _placed(self, pushed: Pushed) -> Packet | None:
        """On the time line, with its parameter sets; None for what cannot be decoded."""
        encoded = pushed.encoded
        told = headers(self._publication.codec, encoded) if pushed.keyframe else b""
        if pushed.keyframe and not told:
            # Parameter sets that came once are still those of this picture.
            encoded = self._headers + encoded
        # Of 32 bits that run over, the nearest to the last one.
        self._rtp += (pushed.rtp_timestamp - self._rtp + _WRAP // 2) % _WRAP - _WRAP // 2
        pts, dts = self._timeline.place(self._rtp, None, TIME_BASE, pushed.arrived_s, live=True)
        raw = cast("av.Packet[av.VideoStream]", av.Packet(encoded))
        raw.time_base, raw.pts, raw.dts, raw.is_keyframe = TIME_BASE, pts, dts, pushed.keyframe
        packet = Packet(raw, pts, dts, pushed.keyframe, pushed.arrived_at, pushed.arrived_s)
        changed = bool(told) and told != self._headers
        if pushed.keyframe and (changed or self._facts is None) and not self._look(packet, told):
            return None
        return packet

    def _look(self, packet: Packet, told: bytes) -> bool:
        """Decodes the keyframe to see what it is; the first one, and those that begin another kind of picture."""
        codec = self._publication.codec
        known = self._facts or VideoFacts(codec, 0, 0, None, False, None, codec, None)
        try:
            facts = Decoder(self._camera_id, codec, None).look(packet, known)
        except SourceFailed:
            facts = None
        if facts is None:
            self._ask()
            return False
        if self._facts is not None:
            self._outlets.changed(facts)
        self._facts, self._headers = facts, told or self._headers
        return True

    def _mind_damage(self) -> None:
        """A picture that something is missing from looks wrong until the next keyframe."""
        corrupt = self._outlets.corrupt
        if corrupt > self._corrupt:
            self._ask()
        self._corrupt = corrupt
