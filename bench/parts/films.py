"""Short films out of the demo's scenes, as a camera would send them: H.264 baseline, without B-frames."""

from collections.abc import Iterable
from fractions import Fraction
from itertools import islice
from pathlib import Path

import av

from bench.parts.clock import paint
from server.demo.clips import FPS, SCENES, Scene, compose
from server.demo.pictures import Pixels
from server.demo.scenery import HEIGHT, WIDTH

CAMERA_BEGINS_S = 3.0


def write_film(path: Path, scene: Scene, begins_s: float, seconds: float) -> Path:
    """That part of the scene, with a keyframe a second."""
    first, count = round(begins_s * FPS), round(seconds * FPS)
    write_frames(path, islice(compose(scene), first, first + count))
    return path


def write_camera_film(path: Path, *, seconds: int = 12, gop: int = 50, bit_rate: int = 2_000_000) -> Path:
    """What a network camera sends of the demo's entrance, as many bits as it says; each frame shows its number."""
    options = {
        "preset": "veryfast",
        "profile": "baseline",
        "tune": "zerolatency",
        "maxrate": str(bit_rate),
        "bufsize": str(bit_rate // 2),
    }
    first = round(CAMERA_BEGINS_S * FPS)
    frames = islice(compose(SCENES[0]), first, first + seconds * FPS)
    painted = (paint(frame, number) for number, frame in enumerate(frames))
    write_frames(path, painted, gop=gop, bit_rate=bit_rate, options=options)
    return path


def write_frames(
    path: Path,
    frames: Iterable[Pixels],
    *,
    gop: int = FPS,
    bit_rate: int = 1_800_000,
    options: dict[str, str] | None = None,
) -> None:
    """BGR frames of the demo's size, in order."""
    options = options or {"preset": "ultrafast", "profile": "baseline"}
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=FPS, options=options)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.bit_rate = bit_rate
        stream.codec_context.gop_size = gop
        stream.codec_context.max_b_frames = 0
        for number, pixels in enumerate(frames):
            picture = av.VideoFrame.from_ndarray(pixels, format="bgr24")
            picture.pts, picture.time_base = number, Fraction(1, FPS)
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
