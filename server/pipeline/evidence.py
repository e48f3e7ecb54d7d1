"""Pictures as evidence: the frame with the place of the face, and the face by itself."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
MAX_WIDTH_PX = 1280
FACE_PX = 192


@dataclass(frozen=True, slots=True)
class Evidence:
    """JPEGs of one moment; `box` is x y w h in 0...1 of the frame."""

    frame: bytes
    face: bytes
    box: list[float]


@dataclass(frozen=True, slots=True)
class KeptEvidence:
    """Where the frame and the face are stored; None where that has failed."""

    box: list[float]
    keys: tuple[str, str] | None


def jpeg(image: Pixels, quality: int) -> bytes:
    """BGR in, JPEG out. Takes milliseconds: on a thread."""
    done, encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise ValueError("The picture could not be encoded as JPEG.")
    return encoded.tobytes()


def scaled(image: Pixels, width: int) -> Pixels:
    """The picture, no wider than `width` pixels."""
    height_px, width_px = image.shape[:2]
    if width_px <= width:
        return image
    return np.asarray(
        cv2.resize(image, (width, round(height_px * width / width_px)), interpolation=cv2.INTER_AREA), np.uint8
    )


def take_evidence(image: Pixels, box: NDArray[np.float32], quality: int) -> Evidence:
    """The whole frame and the face with some room around it. On a thread."""
    height, width = image.shape[:2]
    x1, y1, x2, y2 = (float(v) for v in box)
    side = max(x2 - x1, y2 - y1) * 1.6
    cx, cy = (x1 + x2) / 2, (y1 + y2) / 2
    left, top = max(0, round(cx - side / 2)), max(0, round(cy - side / 2))
    crop = image[top : min(height, round(cy + side / 2)), left : min(width, round(cx + side / 2))]
    if crop.size == 0:
        crop = image
    place = [x1 / width, y1 / height, (x2 - x1) / width, (y2 - y1) / height]
    return Evidence(
        jpeg(scaled(image, MAX_WIDTH_PX), quality), jpeg(scaled(crop, FACE_PX), 88), [round(v, 4) for v in place]
    )
