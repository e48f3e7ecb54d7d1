"""Source: one open PyAV input of a camera, read on one thread: packets in real time, on a continuous time line."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Literal, TypeAlias, cast

import av
from av.bitstream import BitStreamFilterContext
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from server.clock import Clock
from server.errors import SourceFailed
from server.media.allocation import bound_allocations
from server.media.devices import device
from server.media.packet import TICKS, TIME_BASE, Packet
from server.media.reasons import failure, reason_of
from server.media.timeline import Timeline

RawPacket: TypeAlias = "av.Packet[VideoStream]"
Kind = Literal["file", "rtsp", "http", "usb"]

# What FFmpeg may open and which containers it may see there: nothing that names further files (playlists, concat).
_FORMATS = "mov,mp4,matroska,webm,mpegts,mpeg,flv,avi,mjpeg,mpjpeg,h264,hevc,gif,ogg,ivf"
_OPTIONS: dict[str, dict[str, str]] = {
    "file": {"protocol_whitelist": "file", "format_whitelist": _FORMATS},
    "http": {
        "protocol_whitelist": "http,https,tcp,tls",
        "format_whitelist": _FORMATS,
        "max_redirects": "0",
        "http_proxy": "",
        "fpsprobesize": "3",
    },
    "rtsp": {
        "protocol_whitelist": "rtsp,rtsps,rtp,udp,tcp,tls",
        "format_whitelist": "rtsp",
        "rtsp_transport": "tcp",
        # A rate measured over twenty frames would cost most of a second at each opening.
        "fpsprobesize": "3",
    },
}
_ANNEX_B = {
    "h264": "h264_mp4toannexb,dump_extra=freq=keyframe",
    "hevc": "hevc_mp4toannexb,dump_extra=freq=keyframe",
}
_LATE_S = 1.0
_BROKEN_LIMIT = 50


@dataclass(frozen=True, slots=True)
class SourceSpec:
    """What to open; for `usb`, the number of the device. The address may hold a password: it is left out of `repr`."""

    camera_id: str
    kind: Kind
    url: str = field(repr=False)
    open_timeout_s: float = 5.0
    read_timeout_s: float = 10.0


@dataclass(frozen=True, slots=True)
class VideoFacts:
    """What the opened stream says about itself; `decoder` and `extradata` are what a Decoder needs.

    `has_b_frames` is also true once frames were seen to come out of order, whatever the stream says.
    """

    codec: str
    width: int
    height: int
    fps: float | None
    has_b_frames: bool
    audio: str | None
    decoder: str
    extradata: bytes | None
    profile: str | None = None
    pixel_format: str | None = None


class Source:
    """Opens, reads and closes one input. All of it blocks and belongs on one thread, but for `stop`."""

    def __init__(self, spec: SourceSpec, *, clock: Clock, timeline: Timeline) -> None:
        self._spec = spec
        self._clock = clock
        self._timeline = timeline
        self._stop = Event()
        self._container: InputContainer | None = None
        self._video: VideoStream | None = None
        self._filter: BitStreamFilterContext | None = None
        self._paced = False

    def open(self) -> VideoFacts:
        """Raises SourceFailed with the reason."""
        bound_allocations()
        spec = self._spec
        if spec.kind == "usb":
            found = device(spec.url)
            # What a camera cannot do is asked for in another way; that it is not there is final.
            for wishes in found.wishes:
                facts, code = self._try(found.address, found.format, wishes)
                if code not in ("no_video", "failed"):
                    break
        elif spec.kind == "file" and not Path(spec.url).is_file():
            raise failure("not_found")
        else:
            address = f"file:{spec.url}" if spec.kind == "file" else spec.url
            facts, code = self._try(address, None, _OPTIONS[spec.kind])
        # Outside of any handler, so that FFmpeg's error, which holds the address, is not even its context.
        if facts is None:
            raise failure(code or "failed")
        self._timeline.reopened(facts.fps)
        return facts

    def _try(self, address: str, form: str | None, options: dict[str, str]) -> tuple[VideoFacts | None, str | None]:
        """The facts, or the code of the reason."""
        spec = self._spec
        began_s = time.monotonic()
        try:
            self._container = av.open(
                address,
                "r",
                format=form,
                container_options=dict(options),
                timeout=(spec.open_timeout_s, spec.read_timeout_s),
            )
            return self._choose(self._container), None
        except (av.FFmpegError, OSError, ValueError) as error:
            code = reason_of(error)
            if code in ("no_video", "failed") and time.monotonic() - began_s >= spec.open_timeout_s * 0.95:
                # An interrupted RTSP exchange reads to FFmpeg like a garbled one.
                code = "timed_out"
            if isinstance(error, PermissionError) and spec.kind == "usb":
                code = "no_permission"
        except SourceFailed as error:
            code = error.code
        self.close()
        return None, code

    def _choose(self, container: InputContainer) -> VideoFacts:
        pictures = [s for s in container.streams.video if Disposition.attached_pic not in s.disposition]
        if not pictures:
            raise failure("no_video")
        video = self._video = pictures[0]
        # Without a decoder there is no codec context; the stubs do not say so.
        context = getattr(video, "codec_context", None)
        if context is None:
            raise failure("unknown_codec")
        codec = video.codec.canonical_name
        filters = _ANNEX_B.get(codec)
        self._filter = BitStreamFilterContext(filters, video) if filters else None
        self._paced = self._spec.kind == "file" or bool(container.duration)
        rate = video.average_rate or video.guessed_rate
        return VideoFacts(
            codec=codec,
            width=context.width,
            height=context.height,
            fps=float(rate) if rate else None,
            has_b_frames=bool(context.has_b_frames),
            audio=container.streams.audio[0].codec.canonical_name if container.streams.audio else None,
            decoder=context.codec.name,
            extradata=None if filters else context.extradata,
            profile=context.profile,
            pixel_format=context.pix_fmt,
        )

    def packets(self) -> Iterator[Packet]:
        """Packets until stopped, each when it is due. Raises SourceFailed when the input ends or fails."""
        first_dts: int | None = None
        started_s = 0.0
        while not self._stop.is_set():
            seen = 0
            for raw in self._demux():
                seen += 1
                for packet in self._placed(raw):
                    if not self._paced:
                        yield packet
                        continue
                    now_s = self._clock.monotonic()
                    if first_dts is None:
                        first_dts, started_s = packet.dts, now_s
                    early_s = started_s + (packet.dts - first_dts) / TICKS - now_s
                    if early_s > 0 and self._stop.wait(early_s):
                        return
                    if early_s < -_LATE_S:
                        started_s -= early_s
                    yield self._arrived(packet)
            if self._stop.is_set():
                return
            if not seen or self._spec.kind != "file":
                raise failure("ended" if seen else "no_video")
            self._rewind()

    def _demux(self) -> Iterator[RawPacket]:
        """The video packets of one pass. Other streams are read too, so that their arrival does not hide a stall."""
        if self._container is None or self._video is None:
            raise failure("failed")
        index = self._video.index
        video_s = time.monotonic()
        code: str | None = None
        broken = 0
        demuxed = self._container.demux()
        while code is None and not self._stop.is_set():
            asked_s = time.monotonic()
            try:
                packet = next(demuxed, None)
            except (av.FFmpegError, OSError) as error:
                # What is damaged on the way is skipped; what follows may be whole.
                broken += 1
                may_go_on = isinstance(error, av.error.InvalidDataError) and broken <= _BROKEN_LIMIT
                code = self._silence_since(asked_s) or (None if may_go_on else reason_of(error))
                demuxed = self._container.demux()
                continue
            if packet is None:
                return
            if packet.size and packet.stream_index == index:
                video_s, broken = time.monotonic(), 0
                yield cast(RawPacket, packet)
                # FFmpeg hands out what it still held when it is interrupted, and would wait as long once more.
                code = self._silence_since(asked_s, video_s)
            else:
                code = self._silence_since(video_s)
        if code is not None:
            raise failure(code)

    def _silence_since(self, begin_s: float, end_s: float | None = None) -> str | None:
        """The code of the reason, where nothing has come for too long."""
        lasted_s = (end_s or time.monotonic()) - begin_s
        return "timed_out" if lasted_s >= self._spec.read_timeout_s else None

    def _placed(self, raw: RawPacket) -> list[Packet]:
        live = not self._paced
        keyframe = raw.is_keyframe
        pts, dts = self._timeline.place(raw.pts, raw.dts, raw.time_base, self._clock.monotonic(), live=live)
        placed = []
        for encoded in [raw] if self._filter is None else self._filter.filter(raw):
            encoded.time_base = TIME_BASE
            encoded.pts, encoded.dts = pts, dts
            placed.append(Packet(encoded, pts, dts, keyframe, self._clock.now(), self._clock.monotonic()))
        return placed

    def _arrived(self, packet: Packet) -> Packet:
        return Packet(
            packet.encoded, packet.pts, packet.dts, packet.keyframe, self._clock.now(), self._clock.monotonic()
        )

    def _rewind(self) -> None:
        """Back to the beginning of a file: by seeking, or by opening it again where its format cannot seek."""
        if self._container is None:
            raise failure("failed")
        try:
            self._container.seek(0)
            if self._filter is not None:
                self._filter.flush()
        except (av.FFmpegError, OSError):
            self.close()
            self.open()
        self._timeline.looped()

    def stop(self) -> None:
        """From any thread: ends any wait of ours. A call inside FFmpeg ends at its time-out at the latest."""
        self._stop.set()

    def close(self) -> None:
        """May be called twice; on the thread that reads."""
        container, self._container = self._container, None
        self._video = self._filter = None
        if container is not None:
            container.close()
