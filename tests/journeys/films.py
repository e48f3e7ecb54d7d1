"""Films for cameras: the demo's, and clips made of pictures that are at hand."""

import io
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
FPS = 25
SHARED = Path(__file__).parents[2].parent / "shared" / "data"


def write_clip(path: Path, pictures: Iterable[Pixels], *, fps: int = FPS) -> Path:
    """H.264 baseline, a keyframe a second, as cameras send it."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=fps, options={"preset": "ultrafast", "profile": "baseline"})
        stream.pix_fmt = "yuv420p"
        stream.codec_context.gop_size = fps
        for index, pixels in enumerate(pictures):
            if index == 0:
                stream.height, stream.width = pixels.shape[:2]
            picture = av.VideoFrame.from_ndarray(pixels, format="bgr24")
            picture.pts, picture.time_base = index, Fraction(1, fps)
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    return path


def frames_of(path: Path, *, every: int = 1) -> Iterator[Pixels]:
    """The decoded pictures of a film or of a moving GIF, BGR."""
    with av.open(str(path)) as container:
        for index, frame in enumerate(container.decode(video=0)):
            if index % every == 0:
                yield np.asarray(frame.to_ndarray(format="bgr24"), np.uint8)


def there_and_back(path: Path, *, scale: float, hold: int, rounds: int = 1) -> Iterator[Pixels]:
    """A short moving picture forwards and backwards, larger, each of its pictures shown `hold` times."""
    pictures = [enlarged(picture, scale) for picture in frames_of(path)]
    for _ in range(rounds):
        for picture in (*pictures, *reversed(pictures)):
            for _ in range(hold):
                yield picture


def pan(
    picture: Pixels, *, seconds: float, size: tuple[int, int] = (1280, 720), face_px: int = 260
) -> Iterator[Pixels]:
    """A photo before a plain wall that comes from the left, sways in the middle and leaves to the right."""
    width, height = size
    scale = min(height / picture.shape[0], face_px * 4 / picture.shape[1])
    photo = enlarged(picture, scale)
    tall, wide = photo.shape[:2]
    count = int(seconds * FPS)
    for index in range(count):
        part = index / count
        frame = np.full((height, width, 3), (176, 172, 168), np.uint8)
        sway = 0.5 + 0.28 * float(np.sin((part - 0.5) * np.pi * 3))
        left = round(-wide + (width + wide) * (part * 0.35 + sway * 0.65))
        x1, x2 = max(0, left), min(width, left + wide)
        if x2 > x1:
            frame[:tall, x1:x2] = photo[:, x1 - left : x2 - left]
        yield frame


def enlarged(picture: Pixels, scale: float) -> Pixels:
    """Scaled, with sides that a codec takes."""
    height, width = (max(2, round(side * scale) // 2 * 2) for side in picture.shape[:2])
    return np.asarray(
        cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC), np.uint8
    )


def read(path: Path) -> Pixels:
    picture = cv2.imread(str(path))
    assert picture is not None, path
    return np.asarray(picture, np.uint8)


def jpeg(picture: Pixels, quality: int = 92) -> bytes:
    done, encoded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    assert done
    return bytes(encoded.tobytes())


def decoded(content: bytes) -> Pixels:
    """The pixels of a JPEG, read by another decoder than the server's."""
    with av.open(io.BytesIO(content), "r", format="jpeg_pipe") as container:
        return np.asarray(next(container.decode(video=0)).to_ndarray(format="bgr24"), np.uint8)


def least_difference(picture: Pixels, film: Path, *, every: int = 2) -> float:
    """How far the picture is from the film's frame that is nearest to it: the mean difference, 0 to 255."""

    def small(pixels: Pixels) -> NDArray[np.int16]:
        return np.asarray(cv2.resize(pixels, (160, 90), interpolation=cv2.INTER_AREA), np.int16)

    wanted = small(picture)
    return min(float(np.abs(small(frame) - wanted).mean()) for frame in frames_of(film, every=every))
