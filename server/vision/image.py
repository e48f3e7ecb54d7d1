"""Pictures made ready for a network: letterboxed, normalised, and faces turned upright."""

import math
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from server.errors import Invalid
from server.vision.detections import Floats, Pixels

# The usual places of the five landmarks in a chip of 112 pixels.
ARCFACE = ((38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (41.5493, 92.3655), (70.7299, 92.2041))
ARCFACE_SIZE = 112


def check_picture(image: Pixels) -> None:
    """Refuse what is not a BGR picture with at least one pixel."""
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or image.size == 0:
        raise Invalid(f"Not a BGR picture: {image.dtype} {image.shape}.", code="unreadable")


def letterbox_shape(height: int, width: int, longest: int, multiple_of: int) -> tuple[int, int, float]:
    """Height and width of the canvas, and the factor by which the picture shrinks: it never grows."""
    factor = min(1.0, longest / max(height, width))
    scaled = max(1, round(height * factor)), max(1, round(width * factor))
    high, wide = (math.ceil(side / multiple_of) * multiple_of for side in scaled)
    return high, wide, factor


def letterbox(image: Pixels, longest: int, multiple_of: int) -> tuple[Pixels, float]:
    """The picture in the upper left of a black canvas, its longer side at most `longest`; and its factor."""
    check_picture(image)
    high, wide, factor = letterbox_shape(image.shape[0], image.shape[1], longest, multiple_of)
    return _placed(image, high, wide, factor), factor


def letterbox_into(image: Pixels, high: int, wide: int) -> tuple[Pixels, float]:
    """The same for a canvas of a given size."""
    check_picture(image)
    factor = min(1.0, high / image.shape[0], wide / image.shape[1])
    return _placed(image, high, wide, factor), factor


def _placed(image: Pixels, high: int, wide: int, factor: float) -> Pixels:
    height, width = image.shape[:2]
    if factor < 1.0:
        size = max(1, round(width * factor)), max(1, round(height * factor))
        # Averaging costs more, and is only seen where several pixels become one.
        image = np.asarray(
            cv2.resize(image, size, interpolation=cv2.INTER_AREA if factor <= 0.5 else cv2.INTER_LINEAR), np.uint8
        )
    if image.shape[:2] == (high, wide):
        return image
    canvas = np.zeros((high, wide, 3), np.uint8)
    canvas[: image.shape[0], : image.shape[1]] = image
    return canvas


def to_planes(images: Sequence[Pixels] | Pixels, *, rgb: bool, mean: float = 0.0, scale: float = 1.0) -> Floats:
    """(N, 3, H, W) floats from BGR pictures of one shape, (value - mean) * scale."""
    height, width = images[0].shape[:2]
    planes = np.empty((len(images), 3, height, width), np.float32)
    for n, image in enumerate(images):
        for channel in range(3):
            planes[n, 2 - channel if rgb else channel] = image[:, :, channel]
    if mean != 0.0:
        planes -= mean
    if scale != 1.0:
        planes *= scale
    return planes


def similarity(source: Floats, target: Floats) -> NDArray[np.float64]:
    """The 2x3 matrix of the least-squares turn, scale and shift that takes points to points (at least two)."""
    src, dst = np.asarray(source, np.float64), np.asarray(target, np.float64)
    src_mean, dst_mean = src.mean(0), dst.mean(0)
    src, dst = src - src_mean, dst - dst_mean
    spread = float((src**2).sum())
    if spread < 1e-9:
        raise Invalid("Landmarks that all lie in one place.", code="unreadable")
    a = float((src * dst).sum()) / spread
    b = float((src[:, 0] * dst[:, 1] - src[:, 1] * dst[:, 0]).sum()) / spread
    turn = np.array([[a, -b], [b, a]])
    return np.column_stack([turn, dst_mean - turn @ src_mean])


def align(image: Pixels, landmarks: Floats, template: Sequence[tuple[float, float]], size: int) -> Pixels:
    """The face as a chip of size x size pixels, its landmarks brought to the template's.

    A template's point that is `nan` leaves that landmark out.
    """
    target = np.asarray(template, np.float32)
    kept = ~np.isnan(target[:, 0])
    matrix = similarity(np.asarray(landmarks, np.float32)[kept], target[kept])
    # Turned without looking closer, a face much larger than the chip would be sampled with gaps.
    shrink = math.hypot(matrix[0, 0], matrix[1, 0])
    if shrink < 0.5:
        image, matrix = _closer(image, matrix, shrink)
    return np.asarray(cv2.warpAffine(image, matrix, (size, size), flags=cv2.INTER_LINEAR), np.uint8)


def _closer(image: Pixels, matrix: NDArray[np.float64], shrink: float) -> tuple[Pixels, NDArray[np.float64]]:
    """Halve the picture, with averaging, as often as the turn would shrink it."""
    times = 2 ** int(math.log2(1 / shrink))
    height, width = image.shape[:2]
    small = cv2.resize(image, (max(1, width // times), max(1, height // times)), interpolation=cv2.INTER_AREA)
    back = np.array([[width / small.shape[1], 0.0, 0.0], [0.0, height / small.shape[0], 0.0]])
    # Pixel centres lie at halves: the middle of a small pixel is the middle of the square it came from.
    back[0, 2], back[1, 2] = (back[0, 0] - 1) / 2, (back[1, 1] - 1) / 2
    whole = np.vstack([matrix, [0.0, 0.0, 1.0]]) @ np.vstack([back, [0.0, 0.0, 1.0]])
    return np.asarray(small, np.uint8), whole[:2]


def crop(image: Pixels, box: Floats, margin: float = 0.0) -> Pixels:
    """The part of the picture in a box grown by `margin` of its size on each side, cut at the picture's edge."""
    height, width = image.shape[:2]
    x1, y1, x2, y2 = (float(v) for v in box)
    grow_x, grow_y = (x2 - x1) * margin, (y2 - y1) * margin
    left, top = max(0, math.floor(x1 - grow_x)), max(0, math.floor(y1 - grow_y))
    right, bottom = min(width, math.ceil(x2 + grow_x)), min(height, math.ceil(y2 + grow_y))
    if left >= right or top >= bottom:
        raise Invalid("A box outside of its picture.", code="unreadable")
    return image[top:bottom, left:right]
