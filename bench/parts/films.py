"""Short films out of the demo's scenes, as a camera would send them: H.264 baseline, a keyframe a second."""

from collections.abc import Iterable
from fractions import Fraction
from itertools import islice
from pathlib import Path

import av

from server.demo.clips import FPS, Scene, compose
from server.demo.pictures import Pixels
from server.demo.scenery import HEIGHT, WIDTH


def write_film(path: Path, scene: Scene, begins_s: float, seconds: float) -> Path:
    """That part of the scene."""
    first, count = round(begins_s * FPS), round(seconds * FPS)
    write_frames(path, islice(compose(scene), first, first + count))
    return path


def write_frames(path: Path, frames: Iterable[Pixels]) -> None:
    """BGR frames of the demo's size, in order."""
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=FPS, options={"preset": "ultrafast", "profile": "baseline"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.bit_rate = 1_800_000
        stream.codec_context.gop_size = FPS
        stream.codec_context.max_b_frames = 0
        for number, pixels in enumerate(frames):
            picture = av.VideoFrame.from_ndarray(pixels, format="bgr24")
            picture.pts, picture.time_base = number, Fraction(1, FPS)
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
