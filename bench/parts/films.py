"""Short films out of the demo's scenes, as a camera would send them: H.264 baseline, without B-frames."""

from collections.abc import Iterable
from fractions import Fraction
from itertools import islice
from pathlib import Path

import av
import cv2
import numpy as np

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


def write_camera_film(
    path: Path, *, seconds: int = 12, gop: int = 50, bit_rate: int = 2_000_000, size: tuple[int, int] = (WIDTH, HEIGHT)
) -> Path:
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
    write_frames(path, painted, gop=gop, bit_rate=bit_rate, options=options, size=size)
    return path


def write_still_film(path: Path, *, seconds: int = 4) -> Path:
    """An empty room, a little restless as every sensor is."""
    room = next(islice(compose(SCENES[0]), 1)).astype(np.int16)
    restless = np.random.default_rng(1)
    frames = ((room + restless.integers(-2, 3, room.shape)).clip(0, 255).astype(np.uint8) for _ in range(seconds * FPS))
    write_frames(path, frames, gop=50)
    return path


def write_frames(
    path: Path,
    frames: Iterable[Pixels],
    *,
    gop: int = FPS,
    bit_rate: int = 1_800_000,
    options: dict[str, str] | None = None,
    size: tuple[int, int] = (WIDTH, HEIGHT),
) -> None:
    """BGR frames in order, scaled to that size."""
    options = options or {"preset": "ultrafast", "profile": "baseline"}
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=FPS, options=options)
        (stream.width, stream.height), stream.pix_fmt = size, "yuv420p"
        stream.bit_rate = bit_rate
        stream.codec_context.gop_size = gop
        stream.codec_context.max_b_frames = 0
        for number, pixels in enumerate(frames):
            scaled = pixels if size == (WIDTH, HEIGHT) else cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
            picture = av.VideoFrame.from_ndarray(np.asarray(scaled, np.uint8), format="bgr24")
            picture.pts, picture.time_base = number, Fraction(1, FPS)
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
