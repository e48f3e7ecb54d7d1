"""Small real films for tests, written with PyAV."""

from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import numpy as np
from av.video.codeccontext import VideoCodecContext

from server.media.frame import Frame
from server.media.packet import TIME_BASE, Packet


def write_film(
    path: Path,
    *,
    frames: int = 25,
    fps: int | Fraction = 25,
    codec: str = "libx264",
    size: tuple[int, int] = (160, 96),
    b_frames: int = 0,
    gop: int = 10,
    sound: bool = False,
    pixel_format: str | None = None,
    moving: bool = True,
) -> Path:
    """A bar that moves, or stands still; the format is told by the ending of the name."""
    width, height = size
    fragments = {"movflags": "frag_keyframe+empty_moov"} if path.stem.endswith("fragmented") else {}
    with av.open(str(path), "w", options=fragments) as container:
        options = {"preset": "ultrafast", "tune": "stillimage", "bf": str(b_frames)} if codec == "libx264" else {}
        stream = container.add_stream(codec, rate=fps, options=options)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height = size
        stream.pix_fmt = pixel_format or ("yuvj420p" if codec == "mjpeg" else "yuv420p")
        stream.codec_context.gop_size = gop
        voice = container.add_stream("aac", rate=8000) if sound else None
        assert voice is None or isinstance(voice, av.AudioStream)
        for index in range(frames):
            pixels = np.full((height, width, 3), 60, np.uint8)
            at = index * 4 % (width - 16) if moving else 0
            pixels[:, at : at + 16] = (40, 200, 240)
            picture = av.VideoFrame.from_ndarray(pixels, format="bgr24")
            picture.pts, picture.time_base = index, Fraction(1, fps)
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
        if voice is not None:
            for index in range(frames * 8000 // fps // 1024):
                quiet = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
                quiet.sample_rate, quiet.pts, quiet.time_base = 8000, index * 1024, Fraction(1, 8000)
                container.mux(voice.encode(quiet))
            container.mux(voice.encode(None))
    return path


def packet(at: int, *, key: bool = False, content: bytes = b"0123456789") -> Packet:
    """A packet that holds no picture, for those who only pass packets on."""
    encoded = cast("av.Packet[av.VideoStream]", av.Packet(content))
    encoded.pts = encoded.dts = at
    encoded.time_base = TIME_BASE
    return Packet(encoded, at, at, key, datetime(2026, 1, 5, tzinfo=UTC), float(at))


def pictures(count: int, size: tuple[int, int] = (160, 96), pixel_format: str = "yuv420p") -> list[av.VideoFrame]:
    """A bright bar that moves over a dark ground."""
    width, height = size
    shown = []
    for index in range(count):
        pixels = np.full((height, width, 3), 60, np.uint8)
        at = index * 4 % (width - 16)
        pixels[:, at : at + 16] = (40, 200, 240)
        picture = av.VideoFrame.from_ndarray(pixels, format="bgr24")
        shown.append(picture if pixel_format == "bgr24" else picture.reformat(format=pixel_format))
    return shown


def frames(
    count: int, size: tuple[int, int] = (160, 96), *, first: int = 0, pixel_format: str = "yuv420p"
) -> list[Frame]:
    """The same as a camera's decoder gives them, 25 a second."""
    return [
        Frame("c1", picture, (first + at) * 3600, TIME_BASE, datetime(2026, 1, 5, tzinfo=UTC), float(first + at))
        for at, picture in enumerate(pictures(count, size, pixel_format))
    ]


def published(codec: str, count: int, *, size: tuple[int, int] = (160, 96), gop: int = 10) -> list[bytes]:
    """What a browser sends, picture by picture: H.264 access units in Annex B form, or VP8."""
    context = av.CodecContext.create("libx264" if codec == "h264" else "libvpx", "w")
    assert isinstance(context, VideoCodecContext)
    context.width, context.height, context.pix_fmt = *size, "yuv420p"
    context.time_base, context.framerate, context.gop_size = Fraction(1, 25), Fraction(25), gop
    quick = {"preset": "ultrafast", "tune": "zerolatency", "profile": "baseline"}
    context.options = quick if codec == "h264" else {"deadline": "realtime", "lag-in-frames": "0", "cpu-used": "8"}
    sent = []
    for at, picture in enumerate(pictures(count, size)):
        picture.pts, picture.time_base = at, Fraction(1, 25)
        sent += [bytes(each) for each in context.encode(picture)]
    return sent
