"""Opens a source once to tell what it is and what it shows, or why it cannot be opened."""

import asyncio
import time
from dataclasses import dataclass, field, replace

from server.address import AddressRules
from server.clock import SystemClock
from server.errors import SourceFailed
from server.media.allowed import checked, moved
from server.media.decoder import Decoder
from server.media.frame import Frame
from server.media.packet import TICKS
from server.media.reasons import failure
from server.media.source import Source, SourceSpec, VideoFacts
from server.media.timeline import Timeline

PROBE_S = 9.5
_OPEN_S = 4.0
_LOOK_S = 2.0


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """`audio` names the codec of the sound, if there is any. The last two are known only of what was looked at."""

    codec: str
    width: int
    height: int
    fps: float | None
    has_b_frames: bool
    audio: str | None
    bitrate_kbps: float | None = None
    frame: Frame | None = field(default=None, repr=False, compare=False)


async def probe(spec: SourceSpec, rules: AddressRules, *, look: bool = False) -> ProbeResult:
    """Within ten seconds. `look` also reads two seconds of it: a picture, the bit rate, and whether frames come out of
    order without being announced.

    Raises Invalid where the address is not allowed, SourceFailed where it cannot be opened.

    May be cancelled; the thread that is opening then ends by itself, within the open time-out.
    """
    spec = replace(spec, open_timeout_s=min(spec.open_timeout_s, _OPEN_S), read_timeout_s=_OPEN_S)
    try:
        async with asyncio.timeout(PROBE_S):
            spec = await checked(spec, rules)
            try:
                return await asyncio.to_thread(_open, spec, look)
            except SourceFailed as error:
                elsewhere = await moved(spec, rules) if error.code == "failed" else None
                if elsewhere is None:
                    raise
            return await asyncio.to_thread(_open, elsewhere, look)
    except TimeoutError:
        raise failure("timed_out") from None


def _open(spec: SourceSpec, look: bool) -> ProbeResult:
    clock = SystemClock()
    source = Source(spec, clock=clock, timeline=Timeline(clock.monotonic()))
    try:
        facts = source.open()
        return _looked_at(source, facts) if look else _told(facts)
    finally:
        source.close()


def _told(facts: VideoFacts) -> ProbeResult:
    return ProbeResult(facts.codec, facts.width, facts.height, facts.fps, facts.has_b_frames, facts.audio)


def _looked_at(source: Source, facts: VideoFacts) -> ProbeResult:
    """What has come before a camera falls silent counts."""
    decoder = Decoder.of("probe", facts)
    frame: Frame | None = None
    size, pts, backward = 0, list[int](), 0
    began_s = time.monotonic()
    try:
        for packet in source.packets():
            frame = frame or next(iter(decoder.decode(packet)), None)
            size += packet.size
            backward += bool(pts) and packet.pts < max(pts)
            pts.append(packet.pts)
            looked_s = time.monotonic() - began_s
            if looked_s >= (_LOOK_S if frame is not None else 2 * _LOOK_S):
                break
    except SourceFailed:
        if frame is None:
            raise
    if frame is None:
        raise failure("no_video")
    span_s = (max(pts) - min(pts)) / TICKS
    return replace(
        _told(facts),
        has_b_frames=facts.has_b_frames or backward > 1,
        bitrate_kbps=round(size * 8 / 1000 / span_s, 1) if span_s > 0.5 else None,
        frame=frame,
    )
