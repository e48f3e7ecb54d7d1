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


def handled(picture: Pixels, *, seconds: float, size: tuple[int, int] = (1280, 720)) -> Iterator[Pixels]:
    """A photo that somebody holds up, and pans, zooms, rolls and tilts before a plain wall. It never leaves."""
    width, height = size
    tall, wide = picture.shape[:2]
    corners = np.array([[0, 0], [wide, 0], [wide, tall], [0, tall]], np.float32)
    sides = np.array([[-wide, -tall], [wide, -tall], [wide, tall], [-wide, tall]], np.float64) / (2 * tall)
    for index in range(int(seconds * FPS)):
        at = index / FPS
        yaw, roll = 0.4 * np.sin(at * 1.1), 0.15 * np.sin(at * 0.7)
        turned = sides @ np.array([[np.cos(roll), np.sin(roll)], [-np.sin(roll), np.cos(roll)]])
        depth = 1.9 + 0.3 * np.sin(at * 0.9) + turned[:, 0] * np.sin(yaw)
        place = np.array([width / 2 + 170 * np.sin(at * 1.3), height / 2 + 20 * np.sin(at)])
        seen = np.column_stack([turned[:, 0] * np.cos(yaw), turned[:, 1]]) / depth[:, None] * height * 1.7 + place
        matrix = cv2.getPerspectiveTransform(corners, seen.astype(np.float32))
        yield np.asarray(
            cv2.warpPerspective(picture, matrix, size, flags=cv2.INTER_AREA, borderValue=(168, 172, 176)), np.uint8
        )


def turning(
    picture: Pixels, nose: tuple[int, int], eyes_px: int, *, seconds: float, size: tuple[int, int] = (1280, 720)
) -> Iterator[Pixels]:
    """A portrait bent over a head that turns to both sides: an egg with a nose, seen from far away.

    `nose` is its tip in the portrait, `eyes_px` the distance of the eyes there.
    """
    scale = size[1] / picture.shape[0]
    for index in range(int(seconds * FPS)):
        bent = turned(picture, nose, eyes_px, 50 * float(np.sin(index / FPS * 1.6)))
        frame = np.full((size[1], size[0], 3), (176, 172, 168), np.uint8)
        shown = enlarged(bent, scale)[: size[1], : size[0]]
        left = (size[0] - shown.shape[1]) // 2
        frame[: shown.shape[0], left : left + shown.shape[1]] = shown
        yield frame


def turned(picture: Pixels, nose: tuple[int, int], eyes_px: int, degrees: float) -> Pixels:
    """The portrait on such a head, turned to its own left by so many degrees."""
    tall, wide = picture.shape[:2]
    x, y = np.meshgrid(np.arange(wide, dtype=np.float32), np.arange(tall, dtype=np.float32))
    across, down = (x - nose[0]) / eyes_px, (y - nose[1]) / eyes_px
    egg = np.sqrt(np.clip(1 - (across / 1.5) ** 2 - (down / 2.0) ** 2, 0, 1))
    depth = np.asarray(egg * 1.1 + 0.4 * np.exp(-((across / 0.3) ** 2) - ((down / 0.4) ** 2)), np.float32)
    # Where each place of the picture comes from: found step by step, as the depth is that of the source.
    source: NDArray[np.float32] = x
    for _ in range(8):
        aside = eyes_px * np.sin(np.radians(degrees)) * _at(depth, source, y) * (egg > 0)
        source = np.asarray(x - aside, np.float32)
    return np.asarray(cv2.remap(picture, source, y, cv2.INTER_LINEAR), np.uint8)


def _at(values: NDArray[np.float32], x: NDArray[np.float32], y: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(cv2.remap(values.astype(np.float32), x.astype(np.float32), y, cv2.INTER_LINEAR), np.float32)


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
