"""Opens a source once to tell what it is, or why it cannot be opened."""

import asyncio
from dataclasses import dataclass

from server.address import AddressRules
from server.clock import SystemClock
from server.media.source import Source, SourceSpec, VideoFacts
from server.media.stream import checked
from server.media.timeline import Timeline


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """`audio` names the codec of the sound, if there is any."""

    codec: str
    width: int
    height: int
    fps: float | None
    has_b_frames: bool
    audio: str | None


async def probe(spec: SourceSpec, rules: AddressRules) -> ProbeResult:
    """Raises Invalid where the address is not allowed, SourceFailed where it cannot be opened.

    May be cancelled; the thread that is opening then ends by itself, within the open time-out.
    """
    facts = await asyncio.to_thread(_open, await checked(spec, rules))
    return ProbeResult(facts.codec, facts.width, facts.height, facts.fps, facts.has_b_frames, facts.audio)


def _open(spec: SourceSpec) -> VideoFacts:
    clock = SystemClock()
    source = Source(spec, clock=clock, timeline=Timeline(clock.monotonic()))
    try:
        return source.open()
    finally:
        source.close()
