"""Short films out of packets: muxed as they came, or decoded, painted over and encoded again; on a thread."""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from threading import Event
from typing import cast

import av

from server.media.decoder import Decoder
from server.media.encoder import Encoder
from server.media.frame import Frame, Pixels
from server.media.packet import TICKS, TIME_BASE, Packet
from server.media.reasons import failure
from server.media.source import VideoFacts

# What an MP4 may hold of what cameras send, and players know. The rest is encoded.
COPIED = ("h264", "hevc")
_TAGS = {"hevc": "hvc1"}  # the name under which Apple's players look for it
# Room for the table of contents ahead of the pictures, so that a player can seek before it has them all.
_ROOM_BYTES, _ROOM_BYTES_EACH = 4096, 64

Paint = Callable[[Pixels], None]


@dataclass(frozen=True, slots=True)
class Film:
    """An MP4. `started_at` is the time of its first picture."""

    content: bytes
    started_at: datetime
    duration_s: float
    width: int
    height: int
    codec: str


class Stopped(Exception):
    """Nobody waits for the film any more."""


def make_film(packets: Sequence[Packet], facts: VideoFacts, *, paint: Paint | None = None, stop: Event) -> Film:
    """A film that begins with a keyframe. `paint` changes each picture, which is writable BGR, in place.

    Without it, packets of H.264 and H.265 stay as they are. Takes milliseconds then, and seconds where it encodes.
    Raises SourceFailed, av.FFmpegError, and Stopped once `stop` is set.
    """
    start = next((index for index, packet in enumerate(packets) if packet.keyframe), len(packets))
    wanted: Sequence[Packet] = packets[start:]
    codec = facts.codec
    if paint is not None or codec not in COPIED:
        wanted, codec = _encoded(wanted, facts, paint, stop), "h264"
    # Pictures that are shown before the first keyframe need one that is not here.
    wanted = [packet for packet in wanted if packet.pts >= wanted[0].pts]
    if not wanted:
        raise failure("no_video")
    return _muxed(wanted, codec)


def _encoded(packets: Sequence[Packet], facts: VideoFacts, paint: Paint | None, stop: Event) -> list[Packet]:
    decoder, encoder = Decoder.of("clip", facts), Encoder(fps=facts.fps or 25.0)
    made: list[Packet] = []
    for packet in packets:
        for frame in decoder.decode(packet):
            if stop.is_set():
                raise Stopped
            made += encoder.encode(_picture(frame, paint), frame)
    return made


def _picture(frame: Frame, paint: Paint | None) -> av.VideoFrame:
    if paint is None:
        return frame.to_yuv420p()
    image = frame.to_bgr().copy()
    paint(image)
    return av.VideoFrame.from_ndarray(image, format="bgr24")


def _muxed(packets: Sequence[Packet], codec: str) -> Film:
    first = packets[0]
    # A player wants no picture before its time to be decoded, whatever the camera's clock said.
    late = max(packet.dts - packet.pts for packet in packets)
    behind = first.pts + max(late, 0)
    whole = io.BytesIO()
    room = _ROOM_BYTES + _ROOM_BYTES_EACH * len(packets)
    with (
        av.open(io.BytesIO(bytes(first.encoded)), format=codec) as described,
        av.open(whole, "w", format="mp4", options={"moov_size": str(room)}) as container,
    ):
        template = described.streams.video[0]
        width, height = template.codec_context.width, template.codec_context.height
        stream = container.add_stream_from_template(template)
        stream.time_base = TIME_BASE
        if codec in _TAGS:
            stream.codec_context.codec_tag = _TAGS[codec]
        for packet in packets:
            # A copy: readers share the packet, and muxing changes it.
            copied = cast("av.Packet[av.VideoStream]", av.Packet(bytes(packet.encoded)))
            copied.time_base = TIME_BASE
            copied.pts, copied.dts = packet.pts - first.pts, packet.dts - behind
            copied.is_keyframe = packet.keyframe
            copied.stream = stream
            container.mux(copied)
    shown = max(packet.pts for packet in packets) - first.pts
    ticks = shown + (shown // (len(packets) - 1) if len(packets) > 1 else 0)
    return Film(whole.getvalue(), first.captured_at, ticks / TICKS, width, height, codec)
